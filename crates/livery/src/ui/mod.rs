//! What users see: standard output is data, standard error is talk.

pub mod dollars;
pub mod listing;
pub mod progress;
pub mod reasons;
pub mod style;
pub mod table;

use std::io::{BufWriter, StdoutLock, Write};

/// Returns standard output, buffered; writes are seen after `flush` or when it is dropped.
pub fn out() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(std::io::stdout().lock())
}

/// Says something to the user on standard error. It is talk: when nobody listens, nothing is lost.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Warns the user on standard error.
pub fn warn(text: &str) {
    let mark = style::Style::stderr().warn("warning");
    say(&format!("{mark}: {text}"));
}

/// Prints a value as JSON on standard output.
pub fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    let mut out = out();
    serde_json::to_writer_pretty(&mut out, value).map_err(unwrap_io)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// A closed pipe must be seen as one, also through the JSON writer.
fn unwrap_io(error: serde_json::Error) -> anyhow::Error {
    match error.io_error_kind() {
        Some(kind) => std::io::Error::from(kind).into(),
        None => error.into(),
    }
}

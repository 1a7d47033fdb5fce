//! Reads `NAME=VALUE` and `NAME` as they are given on the command line.

use crate::failure::Failure;

/// Returns the name and the value; without a value, the caller's own environment has it.
pub fn read(text: &str, option: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.starts_with(first) || !name.chars().all(rest) {
        let message = format!("`{name}` is not a name of an environment variable");
        let hint = format!("write `{option} NAME=VALUE`");
        return Err(Failure::mistake(message).hint(hint).into());
    }
    let value = value.or_else(|| here(name)).ok_or_else(|| {
        let message = format!("{name} has no value: it is not set in this environment");
        let hint = format!("write `{option} {name}=VALUE`, or export {name}");
        Failure::mistake(message).hint(hint)
    })?;
    Ok((name.to_owned(), value))
}

/// Returns the value that a variable has in the caller's own environment.
pub fn here(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

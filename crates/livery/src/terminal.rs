//! The user's terminal: raw while a remote one is shown on it or a secret is typed, and always given
//! back as it was.

use crate::failure::Failure;
use livery_api::dto::Window;
use livery_units::Secret;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{BufRead, IsTerminal, Write};

/// The terminal in raw mode; dropping it restores what was before.
pub struct RawMode {
    before: Termios,
}

impl RawMode {
    /// Makes standard input raw: every key goes to the remote side, Ctrl-C too.
    pub fn enter() -> std::io::Result<Self> {
        let stdin = std::io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // The terminal may be gone, and then there is nothing to restore.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// Asks for a line at the terminal.
pub fn ask(question: &str) -> anyhow::Result<String> {
    let mut line = String::new();
    show(question);
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Asks for a line at the terminal that is not shown while it is typed.
pub fn ask_secret(question: &str) -> anyhow::Result<Secret<String>> {
    show(question);
    let typed = {
        let _hidden = RawMode::enter()?;
        typed(std::io::stdin().lock())
    };
    show("\n");
    match typed? {
        Some(line) => Ok(Secret::new(line)),
        None => Err(Failure::failed("given up").into()),
    }
}

/// It is talk, and goes to standard error.
fn show(text: &str) {
    // A user who does not see the question may answer all the same.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Reads keys until the end of a line, with the few that edit one; nothing when it is given up.
fn typed(keys: impl BufRead) -> anyhow::Result<Option<String>> {
    let mut line = Vec::new();
    for key in keys.bytes() {
        match key? {
            b'\r' | b'\n' => break,
            CTRL_C | CTRL_D => return Ok(None),
            CTRL_U => line.clear(),
            BACKSPACE | DELETE => {
                // A letter may have several bytes.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            byte => line.push(byte),
        }
    }
    Ok(Some(String::from_utf8(line)?))
}

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BACKSPACE: u8 = 8;
const CTRL_U: u8 = 21;
const DELETE: u8 = 127;

/// Returns whether a user sits at both ends: keys come in and text goes out.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Returns the terminal's size, or the size that every terminal has had since 1978.
pub fn window() -> Window {
    let known = tcgetwinsize(std::io::stdout()).or_else(|_| tcgetwinsize(std::io::stdin()));
    match known {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Window {
            columns: size.ws_col,
            rows: size.ws_row,
        },
        Ok(_) | Err(_) => Window {
            columns: 80,
            rows: 24,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_typed_and_edited() {
        for (keys, line) in [
            ("hunter2\rmore", Some("hunter2")),
            ("hunter2\n", Some("hunter2")),
            ("huné\u{7f}ter3\u{8}2\r", Some("hunter2")),
            ("wrong\u{15}hunter2\r", Some("hunter2")),
            ("\u{7f}\u{7f}x\r", Some("x")),
            ("end", Some("end")),
            ("hunter2\u{3}", None),
            ("\u{4}", None),
        ] {
            assert_eq!(typed(keys.as_bytes()).unwrap().as_deref(), line, "{keys:?}");
        }
    }
}

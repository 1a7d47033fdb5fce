//! The user's terminal: raw while a remote one is shown on it, and always given back as it was.

use livery_api::dto::Window;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::IsTerminal;

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

//! Colours, where the reader is a terminal that wants them.

use std::io::IsTerminal;

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// With escape sequences.
    Coloured,
    /// Plain.
    Plain,
}

impl Style {
    /// Returns the style for standard error.
    pub fn stderr() -> Self {
        Self::of(&std::io::stderr())
    }

    /// Returns the style for standard output.
    pub fn stdout() -> Self {
        Self::of(&std::io::stdout())
    }

    fn of(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if stream.is_terminal() && !unwanted {
            Self::Coloured
        } else {
            Self::Plain
        }
    }

    /// Marks bad news.
    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// Marks what may become bad news.
    pub fn warn(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// Marks good news.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Marks what is good to know.
    pub fn info(self, text: &str) -> String {
        self.paint("36", text)
    }

    /// Marks what matters less.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

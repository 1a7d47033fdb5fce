//! Why a price list is not taken.

use std::fmt;

/// Why a price list is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It has mistakes.
    #[error("the price list is rejected: {}", listed(.0))]
    Rejected(Vec<Mistake>),
    /// It is longer than a price list may be.
    #[error("the price list has more than {most} bytes, which is the most it may have")]
    TooLarge {
        /// How long it may be, in bytes.
        most: usize,
    },
    /// It is not text.
    #[error("the price list is not UTF-8 text")]
    NotText,
    /// It is not the one that the checksum is of.
    #[error("the price list's SHA-256 is {found}, and {expected} was expected")]
    OtherChecksum {
        /// The checksum that was given.
        expected: String,
        /// The checksum that it has.
        found: String,
    },
    /// What was given as a checksum is none.
    #[error("`{0}` is not a SHA-256 in 64 hexadecimal digits")]
    NoChecksum(String),
}

/// A mistake in a price list, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in words for whoever wrote it.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Names the first few mistakes, each on its own line.
fn listed(mistakes: &[Mistake]) -> String {
    const SHOWN: usize = 10;
    let mut lines: Vec<String> = mistakes
        .iter()
        .take(SHOWN)
        .map(Mistake::to_string)
        .collect();
    if mistakes.len() > SHOWN {
        lines.push(format!("and {} more", mistakes.len() - SHOWN));
    }
    lines.join("\n  ")
}

//! What is charged for.

use std::fmt;
use std::str::FromStr;

/// What a meter measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// A pod that is up: its machine, or its share of one.
    Compute,
    /// A pod's container disk and volume disk, while it is up and while it is stopped.
    Storage,
    /// A network volume.
    Volume,
}

/// A text that is not an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not charged for (one of: compute, storage, volume)")]
pub struct ParseItemError(String);

/// Whether a stretch of an item begins where the one before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Succession {
    /// It was used all the time in between: a disk is there while its pod goes down and comes up.
    Seamless,
    /// Between two stretches it was not used.
    Apart,
}

impl Item {
    /// Returns the word under which it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Storage => "storage",
            Self::Volume => "volume",
        }
    }

    pub(crate) const fn succession(self) -> Succession {
        match self {
            Self::Compute => Succession::Apart,
            Self::Storage | Self::Volume => Succession::Seamless,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Item {
    type Err = ParseItemError;

    fn from_str(text: &str) -> Result<Self, ParseItemError> {
        [Self::Compute, Self::Storage, Self::Volume]
            .into_iter()
            .find(|item| item.as_str() == text)
            .ok_or_else(|| ParseItemError(text.to_owned()))
    }
}

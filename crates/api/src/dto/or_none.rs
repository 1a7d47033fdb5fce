//! Settings that may be none, as they are written.

use livery_units::{Bytes, Money, ParseBytesError, ParseMoneyError};
use std::fmt;
use std::str::FromStr;

/// An amount, or none: written as dollars or as `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountOrNone {
    /// None.
    None,
    /// This much.
    Amount(Money),
}

impl AmountOrNone {
    /// Returns the amount, if there is one.
    pub fn amount(self) -> Option<Money> {
        match self {
            Self::None => None,
            Self::Amount(amount) => Some(amount),
        }
    }
}

impl fmt::Display for AmountOrNone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Amount(amount) => write!(f, "{amount}"),
        }
    }
}

impl FromStr for AmountOrNone {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, ParseMoneyError> {
        match text.trim() {
            "none" => Ok(Self::None),
            text => text.parse().map(Self::Amount),
        }
    }
}

/// A size, or none: written as `24GB` or as `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeOrNone {
    /// None.
    None,
    /// This much.
    Size(Bytes),
}

impl SizeOrNone {
    /// Returns the size, if there is one.
    pub fn size(self) -> Option<Bytes> {
        match self {
            Self::None => None,
            Self::Size(size) => Some(size),
        }
    }
}

impl fmt::Display for SizeOrNone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            // Exactly: the form for people is rounded.
            Self::Size(size) => write!(f, "{}B", size.get()),
        }
    }
}

impl FromStr for SizeOrNone {
    type Err = ParseBytesError;

    fn from_str(text: &str) -> Result<Self, ParseBytesError> {
        match text.trim() {
            "none" => Ok(Self::None),
            text => text.parse().map(Self::Size),
        }
    }
}

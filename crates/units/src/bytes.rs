//! Amounts of memory and disk.

use std::fmt;
use std::str::FromStr;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(u64);

/// Why a text is not an amount of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size (write 24GB, 512MiB or a number of GB)")]
pub struct ParseBytesError(String);

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

impl Bytes {
    /// None.
    pub const ZERO: Self = Self(0);

    /// Makes an amount from bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Makes an amount from mebibytes.
    pub const fn mib(count: u64) -> Self {
        Self(count * MIB)
    }

    /// Makes an amount from gibibytes.
    pub const fn gib(count: u64) -> Self {
        Self(count * GIB)
    }

    /// Returns the number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Subtracts, stopping at none.
    pub fn saturating_minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Adds, stopping at the largest amount.
    pub fn saturating_plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// Prints with one binary unit and at most one decimal: `24 GiB`, `1.5 MiB`, `17 B`.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            n if n >= TIB => (TIB, "TiB"),
            n if n >= GIB => (GIB, "GiB"),
            n if n >= MIB => (MIB, "MiB"),
            n if n >= KIB => (KIB, "KiB"),
            n => return f.pad(&format!("{n} B")),
        };
        let tenths = u128::from(self.0) * 10 / u128::from(unit);
        let text = match tenths % 10 {
            0 => format!("{} {name}", tenths / 10),
            tenth => format!("{}.{tenth} {name}", tenths / 10),
        };
        f.pad(&text)
    }
}

/// Reads `24GB`, `24 GiB`, `512m`, `1.5TB` or a bare number of gigabytes.
///
/// GPU and cloud price lists write "24GB" for what is 24 GiB, and so do our users: decimal and
/// binary suffixes both mean the binary unit, as in RunPod's and SkyPilot's settings. A part of a byte
/// counts as a whole one, so that `1.1GB` is printed as 1.1 GiB and not as just under it.
impl FromStr for Bytes {
    type Err = ParseBytesError;

    fn from_str(text: &str) -> Result<Self, ParseBytesError> {
        let fail = || ParseBytesError(text.to_owned());
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(trimmed.len());
        let (number, suffix) = trimmed.split_at(split);
        let unit = match suffix.trim().to_ascii_lowercase().as_str() {
            "b" => 1,
            "k" | "kb" | "ki" | "kib" => KIB,
            "m" | "mb" | "mi" | "mib" => MIB,
            "" | "g" | "gb" | "gi" | "gib" => GIB,
            "t" | "tb" | "ti" | "tib" => TIB,
            _ => return Err(fail()),
        };
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        if decimals.is_empty() || decimals.len() > 6 {
            return Err(fail());
        }
        let whole: u64 = whole.parse().map_err(|_| fail())?;
        let part: u64 = decimals.parse().map_err(|_| fail())?;
        let scale = 10_u64.pow(u32::try_from(decimals.len()).map_err(|_| fail())?);
        let part = u64::try_from((u128::from(part) * u128::from(unit)).div_ceil(u128::from(scale)));
        let bytes = whole
            .checked_mul(unit)
            .and_then(|n| n.checked_add(part.ok()?));
        bytes.map(Self).ok_or_else(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_parse_as_users_write_them() {
        for (text, bytes) in [
            ("24GB", Bytes::gib(24)),
            ("24 GiB", Bytes::gib(24)),
            ("24", Bytes::gib(24)),
            ("1.5TB", Bytes::gib(1536)),
            ("512m", Bytes::mib(512)),
            ("17b", Bytes::new(17)),
        ] {
            assert_eq!(text.parse::<Bytes>().unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn absurd_sizes_are_refused() {
        for text in [
            "",
            "GB",
            "-1GB",
            "1XB",
            "1.GB",
            "99999999999999999999GB",
            "20000000TB",
            "1..2",
        ] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_print_with_one_unit() {
        assert_eq!(Bytes::gib(24).to_string(), "24 GiB");
        assert_eq!(Bytes::mib(1536).to_string(), "1.5 GiB");
        assert_eq!(Bytes::new(17).to_string(), "17 B");
        assert_eq!(Bytes::new(u64::MAX).to_string(), "16777215.9 TiB");
    }
}

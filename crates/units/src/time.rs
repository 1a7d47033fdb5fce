//! Points in time and stretches of it, to the millisecond.

use std::fmt;
use std::str::FromStr;

/// A point in time: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A stretch of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

/// Why a text is not a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration (write 90s, 1.5h, 30m or 1d; parts may follow each other: 1h30m)")]
pub struct ParseSpanError(String);

impl Timestamp {
    /// Makes a point in time from milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Returns the time from `earlier` to this; none if `earlier` is later (a clock was set back).
    pub fn since(self, earlier: Self) -> Span {
        Span(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the point in time `span` earlier.
    pub fn before(self, span: Span) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.0).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the point in time `span` later.
    pub fn after(self, span: Span) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.0).unwrap_or(i64::MAX)),
        )
    }
}

impl Span {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// Makes a stretch from milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Makes a stretch from seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// Returns milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Returns whole seconds.
    pub const fn secs(self) -> u64 {
        self.0 / 1_000
    }

    /// Returns the same as the standard library's duration.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

/// Prints the two largest units: `1h 05m`, `2m 03s`, `12.3s`, `40ms`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.secs();
        let text = match secs {
            0 => format!("{}ms", self.0),
            1..60 => format!("{secs}.{}s", self.0 % 1_000 / 100),
            60..3_600 => format!("{}m {:02}s", secs / 60, secs % 60),
            3_600..86_400 => format!("{}h {:02}m", secs / 3_600, secs % 3_600 / 60),
            _ => format!("{}d {:02}h", secs / 86_400, secs % 86_400 / 3_600),
        };
        f.pad(&text)
    }
}

impl FromStr for Span {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, ParseSpanError> {
        let fail = || ParseSpanError(text.to_owned());
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return Err(fail());
        }
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(fail)?;
            let (number, after) = rest.split_at(digits);
            let letters = after
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(after.len());
            let unit = match &after[..letters] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(fail()),
            };
            rest = after[letters..].trim_start();
            let part = times(number, unit).ok_or_else(fail)?;
            total = total.checked_add(part).ok_or_else(fail)?;
        }
        Ok(Self(total))
    }
}

/// Multiplies `12` or `1.5` by a unit, down to the millisecond; at most three decimals are taken.
fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    if decimals.is_empty() || decimals.len() > 3 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let thousandths: u64 = format!("{decimals:0<3}").parse().ok()?;
    whole
        .checked_mul(unit)?
        .checked_add(thousandths * unit / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_parse_and_print() {
        for text in ["1h30m", "1.5h", "1h 30m", "90m", "0.5h 60m"] {
            assert_eq!(text.parse::<Span>().unwrap(), Span::from_secs(5_400));
        }
        assert_eq!("90s".parse::<Span>().unwrap().to_string(), "1m 30s");
        assert_eq!(Span::from_millis(12_340).to_string(), "12.3s");
        assert_eq!(Span::from_secs(90_000).to_string(), "1d 01h");
        for text in [
            "",
            "5",
            "h",
            "5x",
            "-5s",
            "1.s",
            ".5s",
            "1..5s",
            "1.2345s",
            "999999999999999999999d",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_time() {
        let later = Timestamp::from_millis(10);
        assert_eq!(Timestamp::from_millis(5).since(later), Span::ZERO);
        assert_eq!(later.since(Timestamp::from_millis(5)), Span::from_millis(5));
    }
}

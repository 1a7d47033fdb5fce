//! Money: signed integer nano-dollars, checked.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

/// An amount of money in nano-dollars (billionths of a US dollar); negative means owed.
///
/// The range is about nine billion dollars either way. Arithmetic is checked: what would overflow
/// is an error, never a wrapped balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

/// A sum left the range of [`Money`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount is beyond what money can count")]
pub struct MoneyError;

/// Why a text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount in dollars (write 12, 0.35 or $0.35, with at most 9 decimals)")]
pub struct ParseMoneyError(String);

const NANOS_PER_DOLLAR: i64 = 1_000_000_000;

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Makes an amount from nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns the amount in nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Adds, or says that the sum is out of range.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError)
    }

    /// Subtracts, or says that the difference is out of range.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError)
    }

    /// Adds, staying at the end of the range; for display and limits, never for books.
    pub fn saturating_plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Subtracts, staying at the end of the range; for display and limits, never for books.
    pub fn saturating_minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns the amount as people read it: rounded to cents with thousands apart, or to four significant
    /// digits when it is less than a cent: `$2,050.00`, `-$0.05`, `$0.0001234`. Halves are rounded away
    /// from zero; what is not zero is never `$0.00`. `Display` is the exact amount.
    pub fn shown(self) -> String {
        let nanos = self.0.unsigned_abs();
        let unit = shown_unit(nanos);
        // Cannot overflow: the greatest magnitude is about half of the type's range.
        let nanos = (nanos + unit / 2) / unit * unit;
        let sign = if self.0 < 0 { "-" } else { "" };
        let dollars = NANOS_PER_DOLLAR.unsigned_abs();
        let decimals = decimals(nanos % dollars);
        format!("{sign}${}.{decimals}", thousands_apart(nanos / dollars))
    }

    /// Returns whether this is less than nothing.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::saturating_plus)
    }
}

/// Prints dollars with at least two decimals and no more than the amount has: `$0.35`, `-$1.000001`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let unit = NANOS_PER_DOLLAR.unsigned_abs();
        let decimals = decimals(nanos % unit);
        f.pad(&format!("{sign}${}.{decimals}", nanos / unit))
    }
}

/// Returns the nano-dollars that an amount is rounded to when it is shown.
fn shown_unit(nanos: u64) -> u64 {
    const CENT: u64 = 10_000_000;
    const LEAST_OF_FOUR_DIGITS: u64 = 1_000;
    if nanos >= CENT {
        return CENT;
    }
    let mut unit = 1;
    while nanos / unit >= 10 * LEAST_OF_FOUR_DIGITS {
        unit *= 10;
    }
    unit
}

/// Returns the decimals of less than a dollar, two at least, without needless zeros.
fn decimals(nanos: u64) -> String {
    let mut decimals = format!("{nanos:09}");
    while decimals.len() > 2 && decimals.ends_with('0') {
        decimals.pop();
    }
    decimals
}

fn thousands_apart(whole: u64) -> String {
    let digits = whole.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl FromStr for Money {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, ParseMoneyError> {
        let fail = || ParseMoneyError(text.to_owned());
        let (negative, rest) = match text.trim().strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.trim()),
        };
        let rest = rest.strip_prefix('$').unwrap_or(rest);
        let (whole, decimals) = rest.split_once('.').unwrap_or((rest, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 9 {
            return Err(fail());
        }
        // Wider than the result: the least amount has no positive counterpart.
        let whole: i128 = whole.parse().map_err(|_| fail())?;
        let nanos: i128 = format!("{decimals:0<9}").parse().map_err(|_| fail())?;
        let total = whole
            .checked_mul(i128::from(NANOS_PER_DOLLAR))
            .and_then(|total| total.checked_add(nanos))
            .ok_or_else(fail)?;
        let signed = if negative { -total } else { total };
        i64::try_from(signed).map(Self).map_err(|_| fail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_print_and_parse() {
        for (text, nanos) in [
            ("$0.35", 350_000_000),
            ("$12.00", 12_000_000_000),
            ("-$1.000001", -1_000_001_000),
            ("$0.000000001", 1),
        ] {
            assert_eq!(Money::from_nanos(nanos).to_string(), text);
            assert_eq!(text.parse::<Money>().unwrap().nanos(), nanos);
        }
        assert_eq!("3".parse::<Money>().unwrap().nanos(), 3_000_000_000);
    }

    #[test]
    fn people_read_cents_or_four_digits_below_a_cent() {
        for (nanos, text) in [
            (0, "$0.00"),
            (1, "$0.000000001"),
            (123_449, "$0.0001234"),
            (123_450, "$0.0001235"),
            (97_222, "$0.00009722"),
            (5_000_000, "$0.005"),
            (9_999_499, "$0.009999"),
            (9_999_999, "$0.01"),
            (10_000_000, "$0.01"),
            (14_999_999, "$0.01"),
            (15_000_000, "$0.02"),
            (1_250_000_000, "$1.25"),
            (63_300_000_000, "$63.30"),
            (999_999_999_999, "$1,000.00"),
            (2_050_000_000_000, "$2,050.00"),
            (1_234_567_890_000_000, "$1,234,567.89"),
            (-123_449, "-$0.0001234"),
            (-50_000_000, "-$0.05"),
            (-1_500_000_000_000, "-$1,500.00"),
            (i64::MAX, "$9,223,372,036.85"),
            (i64::MIN, "-$9,223,372,036.85"),
        ] {
            assert_eq!(Money::from_nanos(nanos).shown(), text, "{nanos}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "$",
            "1.",
            ".5",
            "1e3",
            "0.1234567891",
            "99999999999999999999",
            "--1",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }

    #[test]
    fn overflow_is_an_error() {
        assert_eq!(
            Money::from_nanos(i64::MAX).plus(Money::from_nanos(1)),
            Err(MoneyError)
        );
        assert_eq!(
            Money::from_nanos(i64::MIN).minus(Money::from_nanos(1)),
            Err(MoneyError)
        );
    }
}

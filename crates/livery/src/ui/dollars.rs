//! Money as it looks in tables: whole cents, thousands apart.

use livery_api::dto::{Price, Unit};
use livery_domain::market::to_cents;
use livery_units::Money;

/// Returns an amount in dollars and cents, halves of a cent rounded up: `$2,050.00`. What is more
/// than nothing and less than half a cent is said to be that.
pub fn cents(amount: Money) -> String {
    let rounded = to_cents(amount).unwrap_or(amount);
    if rounded == Money::ZERO && amount > Money::ZERO {
        return "<$0.01".to_owned();
    }
    let text = rounded.to_string();
    let (sign, digits) = match text.strip_prefix("-$") {
        Some(digits) => ("-$", digits),
        None => ("$", text.trim_start_matches('$')),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "00"));
    format!("{sign}{}.{part}", apart(whole))
}

/// Returns a price as it was published, and where its range ends.
pub fn price(low: &Price, high: Option<&Price>) -> String {
    let unit = match low.per {
        Unit::Second => "s",
        Unit::Hour => "h",
        Unit::Month => "month",
    };
    match high {
        None => format!("{}/{unit}", low.amount),
        Some(high) => format!("{}-{}/{unit}", low.amount, high.amount),
    }
}

fn apart(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_in_cents_with_thousands_apart() {
        for (nanos, shown) in [
            (2_050_000_000_000, "$2,050.00"),
            (1_234_567_890_000_000, "$1,234,567.89"),
            (16_666_666, "$0.02"),
            (25_000_000, "$0.03"),
            (66_666_666, "$0.07"),
            (4_999_999, "<$0.01"),
            (5_000_000, "$0.01"),
            (0, "$0.00"),
            (-1_500_000_000_000, "-$1,500.00"),
        ] {
            assert_eq!(cents(Money::from_nanos(nanos)), shown);
        }
    }
}

//! Amounts and times as people read them in a reminder.

use livery_units::{Money, Span};

const NANOS_PER_CENT: i64 = 10_000_000;

/// Returns an amount to the cent, halves rounded up; prices below ten cents keep a tenth of a cent.
pub fn rounded(amount: Money) -> String {
    let unit = match amount.nanos().unsigned_abs() < 10 * NANOS_PER_CENT.unsigned_abs() {
        true => NANOS_PER_CENT / 10,
        false => NANOS_PER_CENT,
    };
    let nanos = i128::from(amount.nanos());
    let unit = i128::from(unit);
    let rounded = (nanos + unit / 2).div_euclid(unit) * unit;
    let rounded = i64::try_from(rounded).unwrap_or(amount.nanos());
    Money::from_nanos(rounded).to_string()
}

/// Returns a stretch of time in its two largest units, the smaller left out when it is nothing:
/// `2h`, `2h 05m`, `3d 4h`.
pub fn for_people(span: Span) -> String {
    let secs = span.secs();
    let (large, small) = match secs {
        0..60 => return format!("{secs}s"),
        60..3_600 => (format!("{}m", secs / 60), format!("{}s", secs % 60)),
        3_600..86_400 => (
            format!("{}h", secs / 3_600),
            format!("{:02}m", secs % 3_600 / 60),
        ),
        86_400.. => (
            format!("{}d", secs / 86_400),
            format!("{}h", secs % 86_400 / 3_600),
        ),
    };
    match small
        .trim_end_matches(char::is_alphabetic)
        .trim_matches('0')
    {
        "" => large,
        _ => format!("{large} {small}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_to_the_cent() {
        for (nanos, text) in [
            (0, "$0.00"),
            (1_380_000_000, "$1.38"),
            (1_384_999_999, "$1.38"),
            (1_385_000_000, "$1.39"),
            (69_400_000, "$0.069"),
            (99_999_999, "$0.10"),
            (100, "$0.00"),
            (-1_234_000_000, "-$1.23"),
        ] {
            assert_eq!(rounded(Money::from_nanos(nanos)), text, "{nanos}");
        }
        assert!(!rounded(Money::from_nanos(i64::MAX)).is_empty());
    }

    #[test]
    fn times_have_two_units_at_most() {
        for (secs, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (90, "1m 30s"),
            (7_200, "2h"),
            (7_500, "2h 05m"),
            (7_800, "2h 10m"),
            (86_400, "1d"),
            (93_600, "1d 2h"),
            (864_000 + 72_000, "10d 20h"),
        ] {
            assert_eq!(for_people(Span::from_secs(secs)), text);
        }
    }
}

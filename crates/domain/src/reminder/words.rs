//! Times as people read them in a reminder.

use livery_units::Span;

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

//! Days and months as periods of statements.

use livery_store::Period;
use livery_units::{Day, Timestamp};

/// Returns the day in which a point in time lies.
pub(crate) fn day_of(at: Timestamp) -> Period {
    let from = Day::of(at);
    let until = from.next();
    Period { from, until }
}

/// Returns the month in which a point in time lies.
pub(crate) fn month_of(at: Timestamp) -> Period {
    month_from(Day::of(at).month_start())
}

/// Returns the month that begins with a day.
pub(crate) fn month_from(from: Day) -> Period {
    let until = from.month_end().next();
    Period { from, until }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_the_days_that_they_have() {
        for (from, until) in [
            ("2026-11-01", "2026-12-01"),
            ("2026-12-01", "2027-01-01"),
            ("2028-02-01", "2028-03-01"),
        ] {
            let from: Day = from.parse().unwrap();
            let until: Day = until.parse().unwrap();
            assert_eq!(month_from(from), Period { from, until });
            assert_eq!(month_of(from.start()), Period { from, until });
        }
    }
}

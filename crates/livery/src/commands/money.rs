//! What the commands about money share.

use crate::ui::dollars::cents;
use livery_units::Money;

/// Returns what is used of a limit: `$0.72 of $5.00 (14 %)`.
pub fn of_limit(spent: Money, limit: Option<Money>) -> String {
    let Some(limit) = limit else {
        return format!("{} (no limit)", cents(spent));
    };
    let share = match limit.nanos() {
        0 => 100,
        limit => i128::from(spent.nanos()) * 100 / i128::from(limit),
    };
    format!("{} of {} ({share} %)", cents(spent), cents(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_shown_with_its_share() {
        let dollars = |cents: i64| Money::from_nanos(cents * 10_000_000);
        assert_eq!(of_limit(dollars(72), None), "$0.72 (no limit)");
        let limit = Some(dollars(500));
        assert_eq!(of_limit(dollars(72), limit), "$0.72 of $5.00 (14 %)");
        assert_eq!(
            of_limit(dollars(0), Some(dollars(0))),
            "$0.00 of $0.00 (100 %)"
        );
    }
}

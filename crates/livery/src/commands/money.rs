//! What the commands about money share.

use livery_units::Money;

/// Returns what is used of a limit: `$0.72 of $5.00 (14 %)`.
pub fn of_limit(spent: Money, limit: Option<Money>) -> String {
    let Some(limit) = limit else {
        return format!("{} (no limit)", spent.shown());
    };
    let share = match limit.nanos() {
        0 => 100,
        limit => i128::from(spent.nanos()) * 100 / i128::from(limit),
    };
    format!("{} of {} ({share} %)", spent.shown(), limit.shown())
}

/// Says which limit holds: the lower of what the account's user has set and of what the control
/// plane's owner has.
pub fn limit(own: Option<Money>, owners: Option<Money>) -> String {
    match (own, owners) {
        (None, None) => "none".to_owned(),
        (Some(own), None) => own.shown(),
        (None, Some(owners)) => format!("{}, set by the control plane's owner", owners.shown()),
        (Some(own), Some(owners)) if own < owners => format!(
            "{} (the control plane's owner allows {})",
            own.shown(),
            owners.shown()
        ),
        (Some(own), Some(owners)) => format!(
            "{}, set by the control plane's owner (the account's own is {})",
            owners.shown(),
            own.shown()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_of_two_limits_is_shown_first() {
        let dollars = |amount: i64| Some(Money::from_nanos(amount * 1_000_000_000));
        for (own, owners, shown) in [
            (None, None, "none"),
            (dollars(5), None, "$5.00"),
            (None, dollars(5), "$5.00, set by the control plane's owner"),
            (
                dollars(3),
                dollars(5),
                "$3.00 (the control plane's owner allows $5.00)",
            ),
            (
                dollars(9),
                dollars(5),
                "$5.00, set by the control plane's owner (the account's own is $9.00)",
            ),
        ] {
            assert_eq!(limit(own, owners), shown);
        }
    }

    #[test]
    fn a_limit_is_shown_with_its_share() {
        let dollars = |hundredths: i64| Money::from_nanos(hundredths * 10_000_000);
        assert_eq!(of_limit(dollars(72), None), "$0.72 (no limit)");
        let limit = Some(dollars(500));
        assert_eq!(of_limit(dollars(72), limit), "$0.72 of $5.00 (14 %)");
        assert_eq!(
            of_limit(dollars(0), Some(dollars(0))),
            "$0.00 of $0.00 (100 %)"
        );
    }
}

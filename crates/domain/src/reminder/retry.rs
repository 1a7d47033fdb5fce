//! When a delivery that failed is tried again.

use livery_units::{Span, Timestamp};

/// How long after the first failure a delivery is tried again; each further wait is three times as
/// long as the one before.
pub const FIRST_WAIT: Span = Span::from_secs(10);

/// The longest wait.
pub const WAIT_MAX: Span = Span::from_secs(3_600);

/// How long a delivery is tried in all.
pub const PATIENCE: Span = Span::from_secs(86_400);

/// Returns when a delivery is tried again after its `attempts`-th failure, or `None` when it has been
/// tried for long enough. `asked` is how long the receiver wants to be left alone.
///
/// A receiver that wants to be left alone for longer than the delivery is tried gets one more try at
/// the end of that time.
pub fn next_try(
    attempts: u32,
    asked: Option<Span>,
    first_try: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let end = first_try.after(PATIENCE);
    // A clock that was set back gives no delivery more than a day from now.
    let end = end.min(now.after(PATIENCE));
    if now >= end {
        return None;
    }
    let factor = 3_u64.saturating_pow(attempts.saturating_sub(1));
    let wait = FIRST_WAIT.millis().saturating_mul(factor);
    let wait = Span::from_millis(wait.min(WAIT_MAX.millis()));
    let wait = asked.map_or(wait, |asked| asked.max(wait));
    Some(now.after(wait).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(0).after(Span::from_secs(secs))
    }

    #[test]
    fn waits_grow_threefold_to_an_hour() {
        let waits: Vec<u64> = (1..=8)
            .filter_map(|attempts| next_try(attempts, None, at(0), at(0)))
            .map(|next| next.since(at(0)).secs())
            .collect();
        assert_eq!(waits, [10, 30, 90, 270, 810, 2_430, 3_600, 3_600]);
    }

    #[test]
    fn what_the_receiver_asks_for_is_honoured_within_the_day() {
        let asked = |secs| next_try(1, Some(Span::from_secs(secs)), at(0), at(0));
        assert_eq!(asked(120), Some(at(120)));
        assert_eq!(asked(1), Some(at(10)));
        assert_eq!(asked(90_000), Some(at(86_400)));
    }

    #[test]
    fn after_a_day_it_is_given_up() {
        assert_eq!(next_try(30, None, at(0), at(86_399)), Some(at(86_400)));
        assert_eq!(next_try(31, None, at(0), at(86_400)), None);
    }

    proptest! {
        #[test]
        fn a_receiver_that_is_down_for_ever_is_tried_for_a_day_and_not_more_often_than_told(
            asked in proptest::option::of(0_u64..200_000),
        ) {
            let asked = asked.map(Span::from_secs);
            let (mut now, mut attempts) = (at(5), 0);
            loop {
                attempts += 1;
                match next_try(attempts, asked, at(5), now) {
                    Some(next) => {
                        prop_assert!(next > now);
                        let patient = asked.is_none_or(|asked| next.since(now) >= asked);
                        prop_assert!(patient || next == at(86_405));
                        now = next;
                    }
                    None => break,
                }
                prop_assert!(attempts < 50);
            }
            prop_assert_eq!(now, at(86_405));
        }
    }
}

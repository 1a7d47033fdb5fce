//! Moments, told by two clocks: one that dates them and can be set, and one that only counts.

use crate::{Span, Timestamp};

/// What a clock shows that nobody can set: it counts from when its machine was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Steady {
    /// Which clock it is: another after every start of the machine.
    pub clock: i64,
    /// What it shows.
    pub shows: Span,
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    /// When it is, by the clock on the wall.
    pub wall: Timestamp,
    /// What the steady clock shows, where there is one.
    pub steady: Option<Steady>,
}

impl Moment {
    /// Returns how much time has passed since `earlier`: by the steady clock when both were told by the
    /// same one, however the wall clock was set in between, and by the wall clock otherwise.
    pub fn since(self, earlier: Self) -> Span {
        match (self.steady, earlier.steady) {
            (Some(now), Some(then)) if now.clock == then.clock => {
                Span::from_millis(now.shows.millis().saturating_sub(then.shows.millis()))
            }
            _ => self.wall.since(earlier.wall),
        }
    }
}

/// A moment of which only the wall clock tells.
impl From<Timestamp> for Moment {
    fn from(wall: Timestamp) -> Self {
        Self { wall, steady: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_by_the_clock_that_nobody_sets() {
        let moment = |wall, clock, shows| Moment {
            wall: Timestamp::from_millis(wall),
            steady: Some(Steady {
                clock,
                shows: Span::from_millis(shows),
            }),
        };
        let then = moment(10_000, 1, 500);
        assert_eq!(
            moment(3_600_000, 1, 700).since(then),
            Span::from_millis(200)
        );
        assert_eq!(moment(1_000, 1, 700).since(then), Span::from_millis(200));
        // The machine was started again.
        assert_eq!(moment(12_000, 2, 100).since(then), Span::from_secs(2));
        let wall = Moment::from(Timestamp::from_millis(11_000));
        assert_eq!(wall.since(then), Span::from_secs(1));
    }
}

//! Time as it passes for one thing, whatever the clocks on the walls are set to.

use livery_units::{Moment, Timestamp};

/// When something was last looked at, by its own count of time: that begins with the date on the wall
/// and goes on by what passes between looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counted {
    /// When, by its own count.
    pub own: Timestamp,
    /// When, by the clocks of who looked.
    pub at: Moment,
}

impl Counted {
    /// Returns a look at `at`, after the look `before` if there was one.
    pub(crate) fn after(before: Option<Self>, at: Moment) -> Self {
        let own = match before {
            Some(before) => before.own.after(at.since(before.at)),
            None => at.wall,
        };
        Self { own, at }
    }

    /// Returns how the wall clock would date a moment of its own count now.
    pub(crate) fn on_the_wall(self, own: Timestamp) -> Timestamp {
        let ahead = self.at.wall.millis().saturating_sub(self.own.millis());
        Timestamp::from_millis(own.millis().saturating_add(ahead))
    }
}

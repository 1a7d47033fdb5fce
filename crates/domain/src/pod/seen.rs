//! How a pod's row changes with what its supplier says.

use super::{Desired, Observed, Pod};
use crate::counted::Counted;
use livery_units::Moment;

impl Pod {
    /// Takes in what the supplier said at `at`, with its own words if it had any. Its own count of time
    /// goes on by what has passed, also when a clock was set since the last look.
    pub fn saw(&mut self, observed: Observed, detail: Option<String>, at: impl Into<Moment>) {
        let at = at.into();
        let before = self.observed;
        let counted = Counted::after(self.counted, at);
        self.observed = observed;
        self.observed_at = Some(at.wall);
        self.counted = Some(counted);
        let at = counted.own;
        match observed {
            Observed::Up => {
                // It was seen not to be up and came back by itself: it came up anew.
                match (before, self.started) {
                    (Observed::Down | Observed::Lost | Observed::Absent, Some(_)) => {
                        self.started = None;
                        self.starts = self.starts.saturating_add(1);
                    }
                    (Observed::Down | Observed::Lost | Observed::Absent, None) => {}
                    (Observed::Unknown | Observed::Starting | Observed::Up, _) => {}
                }
                // Nothing takes back what was confirmed.
                self.up_until = self.started.and(self.up_until).max(Some(at));
                self.started = self.started.or(Some(at));
                self.reason = None;
            }
            Observed::Starting => self.reason = detail,
            Observed::Down => {
                // Until when it was up the last time says nothing about this time.
                self.up_until = self.started.and(self.up_until);
                self.started = self.started.or(Some(at));
                self.reason = detail.or(self.reason.take());
            }
            Observed::Lost | Observed::Absent => self.saw_it_missing(detail),
            Observed::Unknown => {}
        }
    }

    /// Prepares the row for a launch, and must be stored before the supplier is called: from then on
    /// an older "absent" says nothing, because the call may make the pod and lose its answer.
    pub fn launching(&mut self) {
        self.observed = Observed::Unknown;
        self.observed_at = None;
    }

    /// Takes in the supplier's answer to a launch: its own id for the pod that it now makes.
    pub fn launched(&mut self, foreign_id: String) {
        self.foreign_id = Some(foreign_id);
        self.observed = Observed::Starting;
    }

    fn saw_it_missing(&mut self, detail: Option<String>) {
        match self.desired {
            Desired::Running | Desired::Stopped if self.is_made() => {
                let words = "it vanished without being asked to".to_owned();
                self.reason = detail.or(Some(words));
            }
            Desired::Running | Desired::Stopped | Desired::Gone => {}
        }
    }
}

//! How a pod's row changes with what its supplier says.

use super::{Desired, Observed, Pod};
use crate::counted::Counted;
use livery_units::{Moment, Span, Timestamp};

/// What a supplier says about a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How it is.
    pub observed: Observed,
    /// Its own words, if it had any.
    pub detail: Option<String>,
    /// How long it ran.
    pub ran: Ran,
}

/// How long ago a pod came up and ended, as its supplier says; none where it does not say.
///
/// Nobody knows whether that clock is right. It is believed between two looks and no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ran {
    /// When it came up this time.
    pub began_ago: Option<Span>,
    /// When its command ended.
    pub ended_ago: Option<Span>,
}

/// Without a word, and without a time.
impl From<Observed> for Seen {
    fn from(observed: Observed) -> Self {
        Self {
            observed,
            detail: None,
            ran: Ran::default(),
        }
    }
}

/// The time between two looks.
struct Between {
    last: Option<Timestamp>,
    this: Timestamp,
}

impl Between {
    /// Returns when something was that is said to be so long ago; none when nobody says, or when there
    /// was no look before.
    fn at(&self, ago: Option<Span>) -> Option<Timestamp> {
        Some(self.this.before(ago?).max(self.last?))
    }
}

impl Pod {
    /// Takes in what the supplier said at `at`. Its own count of time goes on by what has passed, also
    /// when a clock was set since the last look.
    pub fn saw(&mut self, seen: impl Into<Seen>, at: impl Into<Moment>) {
        let (seen, at) = (seen.into(), at.into());
        let before = self.observed;
        let counted = Counted::after(self.counted, at);
        let between = Between {
            last: self.counted.map(|last| last.own),
            this: counted.own,
        };
        self.observed = seen.observed;
        self.observed_at = Some(at.wall);
        self.counted = Some(counted);
        match seen.observed {
            Observed::Up => self.saw_it_up(before, seen.ran, &between),
            Observed::Starting => self.reason = seen.detail,
            Observed::Down => {
                self.saw_it_down(before, seen.ran, &between);
                self.reason = seen.detail.or(self.reason.take());
            }
            Observed::Lost | Observed::Absent => self.saw_it_missing(seen.detail),
            Observed::Unknown => {}
        }
    }

    fn saw_it_up(&mut self, before: Observed, ran: Ran, between: &Between) {
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
        self.up_until = self.started.and(self.up_until).max(Some(between.this));
        let began = between.at(ran.began_ago).unwrap_or(between.this);
        self.started = self.started.or(Some(began));
        self.reason = None;
    }

    fn saw_it_down(&mut self, before: Observed, ran: Ran, between: &Between) {
        let ended = between.at(ran.ended_ago);
        match (self.started, before) {
            // It was up at the last look that says anything, and ended since.
            (Some(_), Observed::Up | Observed::Unknown) => self.up_until = self.up_until.max(ended),
            (Some(_), Observed::Down | Observed::Starting) => {}
            (Some(_), Observed::Lost | Observed::Absent) => {}
            // Until when it was up the last time says nothing about this time. All of this time may
            // have passed since the last look.
            (None, _) => {
                let began = between.at(ran.began_ago).filter(|_| ended.is_some());
                self.up_until = began.and(ended).max(began);
                self.started = began.or(Some(between.this));
            }
        }
    }

    /// Prepares the row for a launch, and must be stored before the supplier is called: from then on
    /// an older "absent" says nothing, because the call may make the pod and lose its answer.
    pub fn launching(&mut self) {
        self.observed = Observed::Unknown;
        self.observed_at = None;
    }

    /// Takes in the supplier's answer to a launch that was asked for at `at`: its own id for the pod
    /// that it now makes, which cannot have come up before.
    pub fn launched(&mut self, foreign_id: String, at: impl Into<Moment>) {
        self.foreign_id = Some(foreign_id);
        self.observed = Observed::Starting;
        self.counted = Some(Counted::after(self.counted, at.into()));
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

//! Hosts that do not say what their pods use: nobody is idle there, so this must not stay unsaid.

use livery_units::{HostId, Span, Timestamp};
use std::collections::BTreeMap;

/// A host that has been silent for this long is told of.
const TOLD_AFTER: Span = Span::from_secs(60);

/// Hosts that did not answer when they were last asked.
#[derive(Default)]
pub(super) struct Silences(BTreeMap<HostId, Silence>);

struct Silence {
    since: Timestamp,
    told: Told,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    No,
    Yes,
}

impl Silences {
    /// Notes that a host did not answer; returns for how long it has not when that is to be told, which
    /// is once.
    pub(super) fn silent(&mut self, host: &HostId, now: Timestamp) -> Option<Span> {
        let silence = self.0.entry(host.clone()).or_insert(Silence {
            since: now,
            told: Told::No,
        });
        let long = now.since(silence.since);
        if silence.told == Told::Yes || long < TOLD_AFTER {
            return None;
        }
        silence.told = Told::Yes;
        Some(long)
    }

    /// Notes that a host answered; returns for how long it had not when that was told.
    pub(super) fn answered(&mut self, host: &HostId, now: Timestamp) -> Option<Span> {
        let silence = self.0.remove(host)?;
        match silence.told {
            Told::No => None,
            Told::Yes => Some(now.since(silence.since)),
        }
    }

    /// Forgets hosts that are not there any more.
    pub(super) fn keep(&mut self, is_there: impl Fn(&HostId) -> bool) {
        self.0.retain(|host, _| is_there(host));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_silence_is_told_once_and_its_end_too() {
        let (host, mut silences) = (HostId::from_entropy(1), Silences::default());
        let at = |secs: i64| Timestamp::from_millis(secs * 1_000);
        assert_eq!(silences.silent(&host, at(0)), None);
        assert_eq!(silences.answered(&host, at(30)), None, "a short one");
        assert_eq!(silences.silent(&host, at(45)), None);
        assert_eq!(silences.silent(&host, at(104)), None);
        let told = silences.silent(&host, at(105));
        assert_eq!(told, Some(Span::from_secs(60)));
        assert_eq!(silences.silent(&host, at(200)), None, "it was told");
        let over = silences.answered(&host, at(245));
        assert_eq!(over, Some(Span::from_secs(200)));
        assert_eq!(silences.answered(&host, at(246)), None);
    }

    #[test]
    fn one_that_left_is_forgotten() {
        let (host, mut silences) = (HostId::from_entropy(1), Silences::default());
        let at = |secs: i64| Timestamp::from_millis(secs * 1_000);
        silences.silent(&host, at(0));
        silences.keep(|_| true);
        assert!(silences.silent(&host, at(60)).is_some());
        silences.keep(|_| false);
        assert_eq!(silences.silent(&host, at(120)), None);
    }
}

//! What an account's owner has settled about reminders.

use super::NoticeKind;
use livery_units::{Span, Timestamp};
use std::collections::BTreeSet;

/// The shortest first interval that may be set.
pub const FIRST_MIN: Span = Span::from_secs(60);

/// The longest first interval that may be set: a pod is reminded of daily in any case.
pub const FIRST_MAX: Span = Span::from_secs(86_400);

/// An account's settings of reminders; [`ReminderSettings::default`] is what a new account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReminderSettings {
    /// How long after its start a running pod is reminded of for the first time; the next
    /// reminders come at twice, four and eight times that, and then daily.
    pub first: Span,
    /// Kinds that are kept and listed, but carried nowhere. Urgent ones cannot be muted.
    pub muted: BTreeSet<NoticeKind>,
    /// Until then nothing but what is urgent is carried anywhere.
    pub quiet_until: Option<Timestamp>,
    /// Whether commands end with a line about what is running.
    pub closing_line: ClosingLine,
    /// Whether the next command shows notices.
    pub terminal: Terminal,
}

/// Whether commands end with a line about what is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClosingLine {
    /// They do.
    On,
    /// They do not.
    Off,
}

/// Whether the next command shows notices on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Terminal {
    /// It shows all of them.
    On,
    /// It shows only those that could not be delivered elsewhere, and urgent ones.
    Off,
}

impl Default for ReminderSettings {
    fn default() -> Self {
        Self {
            first: Span::from_secs(3_600),
            muted: BTreeSet::new(),
            quiet_until: None,
            closing_line: ClosingLine::On,
            terminal: Terminal::On,
        }
    }
}

impl ReminderSettings {
    /// Returns from when on a notice of that kind may be carried, or `None` when it is muted.
    pub fn carried_from(&self, kind: NoticeKind, now: Timestamp) -> Option<Timestamp> {
        if kind.is_urgent() {
            return Some(now);
        }
        if self.muted.contains(&kind) {
            return None;
        }
        Some(self.quiet_until.map_or(now, |until| until.max(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_urgent_is_neither_muted_nor_held_back() {
        let now = Timestamp::from_millis(1_000);
        let later = Timestamp::from_millis(2_000);
        let settings = ReminderSettings {
            muted: NoticeKind::ALL.into(),
            quiet_until: Some(later),
            ..ReminderSettings::default()
        };
        for kind in NoticeKind::ALL {
            let from = settings.carried_from(kind, now);
            assert_eq!(from, kind.is_urgent().then_some(now), "{kind}");
        }
    }

    #[test]
    fn a_quiet_time_holds_back_until_it_ends() {
        let at = Timestamp::from_millis;
        let quiet = |until| ReminderSettings {
            quiet_until: Some(at(until)),
            ..ReminderSettings::default()
        };
        let kind = NoticeKind::Idle;
        assert_eq!(quiet(9).carried_from(kind, at(5)), Some(at(9)));
        assert_eq!(quiet(5).carried_from(kind, at(9)), Some(at(9)));
    }
}

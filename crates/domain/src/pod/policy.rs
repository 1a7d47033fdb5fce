//! When a pod ends by itself: after a time, at a cost, or when nobody uses it.

use crate::offer::words;
use livery_units::{Money, Span};

/// What a pod's user wants to happen without being asked again. The default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PodPolicy {
    /// What happens when nobody uses it.
    pub idle: Option<IdlePolicy>,
    /// It is stopped this long after it came up.
    pub stop_after: Option<Span>,
    /// It is terminated this long after it was accepted.
    pub terminate_after: Option<Span>,
    /// It is terminated before it has cost more than this in all.
    pub max_cost: Option<Money>,
}

impl PodPolicy {
    /// Returns the policy with the account's idle policy where the pod has none of its own.
    pub fn or_idle(self, account: Option<IdlePolicy>) -> Self {
        Self {
            idle: self.idle.or(account),
            ..self
        }
    }

    /// Returns whether there is nothing that it could ever do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What happens to a pod that nobody uses: no GPU or CPU use, no session, no traffic, no writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdlePolicy {
    /// How long it must have been idle.
    pub after: Span,
    /// What happens then.
    pub action: IdleAction,
}

impl IdlePolicy {
    /// The policy of a pod that is left alone although its account has a rule; when it is idle is of
    /// no account.
    pub const NEVER: Self = Self {
        after: Span::from_secs(86_400),
        action: IdleAction::Nothing,
    };
}

/// What happens to an idle pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdleAction {
    /// Its user is reminded of it.
    Remind,
    /// It is stopped; its volume disk is kept.
    Stop,
    /// It is terminated, and its disks with it.
    Terminate,
    /// It is left alone, whatever its account's rule is.
    Nothing,
}

words!(
    IdleAction,
    "idle action",
    "remind, stop, terminate, nothing",
    Remind = "remind",
    Stop = "stop",
    Terminate = "terminate",
    Nothing = "nothing"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_is_to_be_left_alone_has_no_part_in_its_accounts_rule() {
        let accounts = IdlePolicy {
            after: Span::from_secs(60),
            action: IdleAction::Stop,
        };
        let own = |idle| PodPolicy {
            idle,
            ..PodPolicy::default()
        };
        let of = |idle| own(idle).or_idle(Some(accounts)).idle;
        assert_eq!(of(None), Some(accounts));
        assert_eq!(of(Some(IdlePolicy::NEVER)), Some(IdlePolicy::NEVER));
        assert_eq!("nothing".parse(), Ok(IdlePolicy::NEVER.action));
    }
}

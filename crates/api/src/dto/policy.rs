//! When pods and runs end by themselves, as it travels.

use crate::text;
use livery_domain::pod::{self, IdleAction, PodUse, PolicyAct};
use livery_domain::run::RunLimits;
use livery_units::{Money, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// When a pod ends by itself; what is absent is never done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// What happens when nobody uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Idle>,
    /// It is stopped so many milliseconds after it came up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_after_ms: Option<u64>,
    /// It is terminated so many milliseconds after it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminate_after_ms: Option<u64>,
    /// It is terminated before it has cost more than so many dollars.
    #[serde(with = "text::dollars_option", skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<Money>,
}

/// What happens to a pod that nobody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    /// For how many milliseconds it must have been idle.
    pub after_ms: u64,
    /// `remind`, `stop`, `terminate`, or `nothing` for a pod that is left alone although its account
    /// has a rule.
    #[serde(with = "text")]
    pub action: IdleAction,
}

impl Policy {
    /// Returns whether it never does anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<pod::PodPolicy> for Policy {
    fn from(policy: pod::PodPolicy) -> Self {
        Self {
            idle: policy.idle.map(Idle::from),
            stop_after_ms: policy.stop_after.map(Span::millis),
            terminate_after_ms: policy.terminate_after.map(Span::millis),
            max_cost: policy.max_cost,
        }
    }
}

impl From<Policy> for pod::PodPolicy {
    fn from(policy: Policy) -> Self {
        Self {
            idle: policy.idle.map(pod::IdlePolicy::from),
            stop_after: policy.stop_after_ms.map(Span::from_millis),
            terminate_after: policy.terminate_after_ms.map(Span::from_millis),
            max_cost: policy.max_cost,
        }
    }
}

impl From<pod::IdlePolicy> for Idle {
    fn from(idle: pod::IdlePolicy) -> Self {
        Self {
            after_ms: idle.after.millis(),
            action: idle.action,
        }
    }
}

impl From<Idle> for pod::IdlePolicy {
    fn from(idle: Idle) -> Self {
        Self {
            after: Span::from_millis(idle.after_ms),
            action: idle.action,
        }
    }
}

/// Limits of a run given beside its job file; they win over the file's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most that the whole run may cost, in dollars.
    #[serde(with = "text::dollars_option", skip_serializing_if = "Option::is_none")]
    pub max_total: Option<Money>,
    /// For how many milliseconds it may hold a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_hours_ms: Option<u64>,
    /// What happens when nothing goes on in its pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Idle>,
}

impl From<RunLimits> for Limits {
    fn from(limits: RunLimits) -> Self {
        Self {
            max_total: limits.max_total,
            max_hours_ms: limits.max_hours.map(Span::millis),
            idle: limits.idle.map(Idle::from),
        }
    }
}

impl From<Limits> for RunLimits {
    fn from(limits: Limits) -> Self {
        Self {
            max_total: limits.max_total,
            max_hours: limits.max_hours_ms.map(Span::from_millis),
            idle: limits.idle.map(pod::IdlePolicy::from),
        }
    }
}

/// A pod's policy and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    /// The pod's own policy.
    pub policy: Policy,
    /// What its account does with idle pods that have no idle policy of their own.
    pub accounts_idle: Option<Idle>,
    /// What is known of its use; absent before the first look at it.
    pub idle: Option<IdleFor>,
    /// What it has cost so far, in dollars.
    #[serde(with = "text::dollars")]
    pub so_far: Money,
    /// What will be done to it if everything stays as it is, soonest first.
    pub coming: Vec<Coming>,
}

/// How long a pod has been idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleFor {
    /// For how many milliseconds nobody had used it when it was last looked at.
    pub idle_ms: u64,
    /// What it was last used by.
    #[serde(with = "text")]
    pub used: PodUse,
    /// When it was last found in use.
    #[serde(with = "text::millis")]
    pub since: Timestamp,
    /// When it was last looked at.
    #[serde(with = "text::millis")]
    pub sampled: Timestamp,
}

impl From<pod::Activity> for IdleFor {
    fn from(activity: pod::Activity) -> Self {
        Self {
            idle_ms: activity.idle.millis(),
            used: activity.used,
            since: activity.active_at,
            sampled: activity.sampled,
        }
    }
}

/// Something that a policy will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coming {
    /// `remind`, `stop` or `terminate`.
    #[serde(with = "text")]
    pub action: IdleAction,
    /// When, if everything stays as it is.
    #[serde(with = "text::millis")]
    pub at: Timestamp,
    /// Why, in words for the user.
    pub why: String,
}

impl From<pod::Coming> for Coming {
    fn from(coming: pod::Coming) -> Self {
        let (action, cause) = match coming.act {
            PolicyAct::Remind { cause, .. } => (IdleAction::Remind, cause),
            PolicyAct::Stop(cause) => (IdleAction::Stop, cause),
            PolicyAct::Terminate(cause) => (IdleAction::Terminate, cause),
        };
        Self {
            action,
            at: coming.at,
            why: why(cause),
        }
    }
}

/// What is yet to come is not said as if it had been.
fn why(cause: pod::Cause) -> String {
    match cause {
        pod::Cause::StopAfter(span) => format!("it will have been up for {span}"),
        pod::Cause::TerminateAfter(span) => format!("it will have been there for {span}"),
        pod::Cause::MaxCost { most, .. } => format!("it may cost {most} at most"),
        pod::Cause::Idle(span) => format!("nobody will have used it for {span}"),
    }
}

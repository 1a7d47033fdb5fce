//! What a pod's policy does now, and when it must be looked at again.

use super::cost::burn;
use super::idle::Activity;
use super::{Desired, IdleAction, IdlePolicy, Phase, Pod, PodPolicy};
use livery_units::{Money, Span, Timestamp};
use std::fmt;

/// A policy is looked at again after this long at the latest: whatever was missed comes then.
pub const LOOK_MOST: Span = Span::from_secs(60);

/// How soon a pod is looked at again when its policy is about to act.
pub const LOOK_LEAST: Span = Span::from_secs(1);

/// A pod that may cost no more than so much ends this long before it has: ending takes a while.
pub const COST_MARGIN: Span = Span::from_secs(15);

/// A look at a pod's use that is older says nothing about now.
pub const ACTIVITY_FRESH: Span = Span::from_secs(60);

/// How soon a pod whose use nobody knows is looked at again.
const UNKNOWN_LOOK: Span = Span::from_secs(10);

/// Idle pods are reminded of when they have been idle for once, twice, four times as long as their
/// policy says, and so on; not more often than this.
const REMINDERS_MOST: u32 = 20;

/// What a policy does to a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyAct {
    /// Its user is reminded of it.
    Remind {
        /// Why.
        cause: Cause,
        /// Counts the reminders of one idle stretch from 0.
        nth: u32,
    },
    /// It is stopped; its volume disk is kept.
    Stop(Cause),
    /// It is terminated, and its disks with it.
    Terminate(Cause),
}

/// Why a policy acts. `Display` says it in words for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It was up for as long as it should be.
    StopAfter(Span),
    /// It was there for as long as it should be.
    TerminateAfter(Span),
    /// It would soon have cost more than it may.
    MaxCost {
        /// The most that it may cost.
        most: Money,
        /// What it has cost.
        so_far: Money,
    },
    /// Nobody has used it.
    Idle(Span),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StopAfter(span) => write!(f, "it was to be stopped {span} after it came up"),
            Self::TerminateAfter(span) => {
                write!(f, "it was to be terminated {span} after it was created")
            }
            Self::MaxCost { most, so_far } => {
                let (most, so_far) = (most.shown(), so_far.shown());
                write!(f, "it may cost {most} at most and has cost {so_far}")
            }
            Self::Idle(span) => write!(f, "nobody has used it for {span}"),
        }
    }
}

/// What a policy says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Due {
    /// What is to be done now; the furthest-reaching when several things are.
    pub act: Option<PolicyAct>,
    /// When it must be looked at again if nothing changes; none when it never need be.
    pub again: Option<Timestamp>,
}

/// Decides what a pod's policy does at `now`, given what is known of its use and what it has cost.
///
/// `policy` is the pod's own with its account's idle policy filled in. The pod's own clock readings
/// are only compared with `now`; how long it was idle is counted by its host. What was never seen
/// to be idle is not, and a pod that is stopped already is only ever terminated.
pub fn due(
    pod: &Pod,
    policy: &PodPolicy,
    activity: Option<&Activity>,
    so_far: Money,
    now: Timestamp,
) -> Due {
    let mut look = Look { due: None, now };
    let mut acts = Acts::default();
    if may_end(pod) && !policy.is_empty() {
        if let Some(span) = policy.terminate_after {
            let over = look.passes(pod.created.after(span));
            acts.terminate_if(over, Cause::TerminateAfter(span));
        }
        if let Some(most) = policy.max_cost {
            let over = too_dear(pod, most, so_far, &mut look);
            acts.terminate_if(over, Cause::MaxCost { most, so_far });
        }
        if let (Some(span), Some(started)) = (policy.stop_after, pod.came_up())
            && may_stop(pod)
        {
            let over = look.passes(started.after(span));
            acts.stop_if(over, Cause::StopAfter(span));
        }
        if let Some(idle) = policy.idle
            && pod.phase() == Phase::Running
        {
            acts.idle(idle, &idle_for(pod, activity, now), &mut look);
        }
    }
    Due {
        act: acts.strongest(),
        again: look.due,
    }
}

/// Whether there is anything to terminate.
pub(super) fn may_end(pod: &Pod) -> bool {
    match pod.desired {
        Desired::Running | Desired::Stopped => true,
        Desired::Gone => false,
    }
}

/// Whether there is anything to stop.
pub(super) fn may_stop(pod: &Pod) -> bool {
    match pod.phase() {
        Phase::Pending | Phase::Starting | Phase::Running | Phase::Exited => true,
        Phase::Stopping | Phase::Stopped | Phase::Lost => false,
        Phase::Terminating | Phase::Terminated => false,
    }
}

/// Gathers the moment of the next look.
struct Look {
    due: Option<Timestamp>,
    now: Timestamp,
}

/// Whether a moment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Yes,
    No,
}

impl Look {
    /// Says whether the moment has come; if not, the next look is no later than it.
    fn passes(&mut self, moment: Timestamp) -> Over {
        if self.now >= moment {
            self.in_a(LOOK_LEAST);
            return Over::Yes;
        }
        self.in_a(moment.since(self.now));
        Over::No
    }

    /// The next look is no later than so long from now.
    fn in_a(&mut self, span: Span) {
        let next = self.now.after(span.clamp(LOOK_LEAST, LOOK_MOST));
        self.due = Some(self.due.map_or(next, |due| due.min(next)));
    }
}

/// What is to be done, one of each kind.
#[derive(Default)]
struct Acts {
    terminate: Option<Cause>,
    stop: Option<Cause>,
    remind: Option<(Cause, u32)>,
}

impl Acts {
    fn terminate_if(&mut self, over: Over, cause: Cause) {
        match over {
            Over::Yes => self.terminate = self.terminate.or(Some(cause)),
            Over::No => {}
        }
    }

    fn stop_if(&mut self, over: Over, cause: Cause) {
        match over {
            Over::Yes => self.stop = self.stop.or(Some(cause)),
            Over::No => {}
        }
    }

    fn idle(&mut self, policy: IdlePolicy, idle: &Idle, look: &mut Look) {
        match policy.action {
            IdleAction::Nothing => return,
            IdleAction::Remind | IdleAction::Stop | IdleAction::Terminate => {}
        }
        let Idle::For { span, sampled } = idle else {
            look.in_a(policy.after.min(UNKNOWN_LOOK));
            return;
        };
        // Whether it was idle on is known after the next look at its use, not before that moment.
        let left = |until: u64| Span::from_millis(until.saturating_sub(span.millis()));
        if *span < policy.after {
            look.passes(sampled.after(left(policy.after.millis())));
            return;
        }
        let cause = Cause::Idle(*span);
        match policy.action {
            IdleAction::Remind => {
                let nth = nth(policy.after, *span);
                let next = policy.after.millis().saturating_mul(2 << nth);
                look.passes(sampled.after(left(next)));
                self.remind = Some((cause, nth));
                return;
            }
            IdleAction::Stop => self.stop_if(Over::Yes, cause),
            IdleAction::Terminate => self.terminate_if(Over::Yes, cause),
            IdleAction::Nothing => return,
        }
        look.in_a(LOOK_LEAST);
    }

    fn strongest(self) -> Option<PolicyAct> {
        let remind = |(cause, nth)| PolicyAct::Remind { cause, nth };
        let terminate = self.terminate.map(PolicyAct::Terminate);
        terminate
            .or(self.stop.map(PolicyAct::Stop))
            .or(self.remind.map(remind))
    }
}

/// How long a pod has been idle, as far as anybody knows.
pub(super) enum Idle {
    Unknown,
    For {
        /// How long.
        span: Span,
        /// When that was seen.
        sampled: Timestamp,
    },
}

/// What was seen before the pod came up this time, or too long ago, says nothing.
pub(super) fn idle_for(pod: &Pod, activity: Option<&Activity>, now: Timestamp) -> Idle {
    match (pod.came_up(), activity) {
        (Some(started), Some(activity))
            if activity.sampled >= started && now.since(activity.sampled) <= ACTIVITY_FRESH =>
        {
            Idle::For {
                span: activity.idle,
                sampled: activity.sampled,
            }
        }
        (Some(_) | None, Some(_) | None) => Idle::Unknown,
    }
}

/// How often `span` doubles what a first reminder takes.
fn nth(after: Span, span: Span) -> u32 {
    let times = span.millis() / after.millis().max(1);
    times.max(1).ilog2().min(REMINDERS_MOST)
}

/// Whether a pod must end now lest it cost more than it may.
fn too_dear(pod: &Pod, most: Money, so_far: Money, look: &mut Look) -> Over {
    let after = |span: Span| so_far.saturating_plus(burn(pod, span));
    if after(COST_MARGIN) > most {
        look.in_a(LOOK_LEAST);
        return Over::Yes;
    }
    let until_next = Span::from_millis(COST_MARGIN.millis() + LOOK_MOST.millis());
    look.in_a(if after(until_next) > most {
        LOOK_LEAST
    } else {
        LOOK_MOST
    });
    Over::No
}

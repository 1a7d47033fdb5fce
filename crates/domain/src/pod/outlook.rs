//! What a pod's policy is going to do, for its user to see.

use super::cost::burn;
use super::due::{COST_MARGIN, Cause, Idle, PolicyAct, idle_for, may_end, may_stop};
use super::idle::Activity;
use super::{IdleAction, Phase, Pod, PodPolicy};
use crate::credit;
use livery_units::{Money, Span, Timestamp};

/// Something that a policy will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coming {
    /// What.
    pub act: PolicyAct,
    /// When, if everything stays as it is.
    pub at: Timestamp,
}

/// Returns what a pod's policy will do if everything stays as it is, soonest first.
pub fn outlook(
    pod: &Pod,
    policy: &PodPolicy,
    activity: Option<&Activity>,
    so_far: Money,
    now: Timestamp,
) -> Vec<Coming> {
    let mut coming = Vec::new();
    if !may_end(pod) {
        return coming;
    }
    if let Some(span) = policy.terminate_after {
        let act = PolicyAct::Terminate(Cause::TerminateAfter(span));
        let at = pod.created.after(span);
        coming.push(Coming { act, at });
    }
    if let (Some(span), Some(started), true) = (policy.stop_after, pod.came_up(), may_stop(pod)) {
        let act = PolicyAct::Stop(Cause::StopAfter(span));
        let at = started.after(span);
        coming.push(Coming { act, at });
    }
    if let Some(most) = policy.max_cost
        && let Some(lasts) = lasts(pod, most.saturating_minus(so_far))
    {
        let act = PolicyAct::Terminate(Cause::MaxCost { most, so_far });
        let at = now.after(lasts);
        coming.push(Coming { act, at });
    }
    if let (Some(idle), Phase::Running) = (policy.idle, pod.phase()) {
        let so_long = match idle_for(pod, activity, now) {
            Idle::For { span, .. } => span,
            Idle::Unknown => Span::ZERO,
        };
        let left = idle.after.millis().saturating_sub(so_long.millis());
        let cause = Cause::Idle(idle.after);
        let act = match idle.action {
            IdleAction::Remind => Some(PolicyAct::Remind { cause, nth: 0 }),
            IdleAction::Stop => Some(PolicyAct::Stop(cause)),
            IdleAction::Terminate => Some(PolicyAct::Terminate(cause)),
            IdleAction::Nothing => None,
        };
        let at = now.after(Span::from_millis(left));
        coming.extend(act.map(|act| Coming { act, at }));
    }
    coming.sort_by_key(|one| one.at);
    coming
}

/// How long the money lasts before the pod must end; none when it costs nothing.
fn lasts(pod: &Pod, left: Money) -> Option<Span> {
    let lasts = credit::lasts(left, burn(pod, Span::from_secs(3_600)))?;
    let margin = COST_MARGIN.millis();
    Some(Span::from_millis(lasts.millis().saturating_sub(margin)))
}

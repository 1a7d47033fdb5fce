//! Whether a run has used up its money or its hours.

use super::teardown::pods_of;
use crate::credit;
use crate::error::Error;
use crate::reminders;
use crate::run::submit::read_job;
use crate::services::Services;
use livery_domain::pod::{COST_MARGIN, Pod, cost_up};
use livery_domain::reminder::schedule::{Budget, Scope};
use livery_domain::run::Run;
use livery_units::{Money, Span, Timestamp};

/// The part of a budget that may be kept for ending the run.
const MARGIN_PART: i64 = 20;

/// Returns whether the run's pods have cost or lasted as much as its job allows.
pub(crate) async fn is_over_budget(services: &Services, run: &Run) -> Result<bool, Error> {
    if credit::why_ended(services, &run.id).await?.is_some() {
        return Ok(true);
    }
    let budget = read_job(&run.submission)?.budget;
    if budget.max_total.is_none() && budget.max_hours.is_none() {
        return Ok(false);
    }
    let pods = pods_of(services, run).await?;
    let now = services.now();
    let spent: Money = pods.iter().map(|pod| cost_up(pod, up_for(pod, now))).sum();
    let lasted = pods.iter().map(|pod| up_for(pod, now).millis()).sum();
    let too_dear = budget
        .max_total
        .is_some_and(|most| spent >= most.saturating_minus(margin(&pods, most)));
    if let Some(limit) = budget.max_total.filter(|_| too_dear) {
        let scope = Scope::Run {
            id: run.id.clone(),
            name: run.name.clone(),
        };
        let account = run.account.clone();
        let budget = Budget {
            account,
            scope,
            limit,
            spent,
        };
        reminders::tell(services, budget.reached(now)).await;
    }
    let too_long = budget
        .max_hours
        .is_some_and(|most| Span::from_millis(lasted) >= most);
    Ok(too_dear || too_long)
}

fn up_for(pod: &Pod, now: Timestamp) -> Span {
    let until = if pod.ended.is_some() {
        pod.up_until
    } else {
        Some(now)
    };
    match (pod.started, until) {
        (Some(started), Some(until)) => until.since(started),
        (None, _) | (_, None) => Span::ZERO,
    }
}

/// What is kept of a budget for ending the run: what its pods cost in that time, and no more than a
/// twentieth, so that a small budget is spent on the job too.
fn margin(pods: &[Pod], most: Money) -> Money {
    let live = pods.iter().filter(|pod| pod.ended.is_none());
    let ending: Money = live.map(|pod| cost_up(pod, COST_MARGIN)).sum();
    ending.min(Money::from_nanos(most.nanos() / MARGIN_PART))
}

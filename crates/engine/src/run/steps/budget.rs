//! Whether a run has used up its money or its hours.

use super::patience::PATIENCE;
use super::pull;
use super::teardown::pods_of;
use crate::credit;
use crate::error::Error;
use crate::reminders;
use crate::run::submit::read_job;
use crate::services::Services;
use livery_domain::job::Job;
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
    let job = read_job(&run.submission)?;
    let budget = &job.budget;
    if budget.max_total.is_none() && budget.max_hours.is_none() {
        return Ok(false);
    }
    let pods = pods_of(services, run).await?;
    let now = services.now();
    let spent: Money = pods.iter().map(|pod| cost_up(pod, up_for(pod, now))).sum();
    let lasted = pods.iter().map(|pod| up_for(pod, now).millis()).sum();
    let too_dear = budget
        .max_total
        .is_some_and(|most| spent >= most.saturating_minus(margin(&job, &pods, most)));
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

/// Returns whether the run's pods have cost all that its job allows, with nothing kept.
pub(super) async fn is_spent(services: &Services, run: &Run) -> Result<bool, Error> {
    let Some(most) = read_job(&run.submission)?.budget.max_total else {
        return Ok(false);
    };
    let now = services.now();
    let pods = pods_of(services, run).await?;
    let spent: Money = pods.iter().map(|pod| cost_up(pod, up_for(pod, now))).sum();
    Ok(spent >= most)
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

/// What is kept of a budget for ending the run and bringing its results home: what its pods cost in
/// that time, and no more than a twentieth, so that a small budget is spent on the job too.
fn margin(job: &Job, pods: &[Pod], most: Money) -> Money {
    let time = if pull::brings_anything(job) {
        PATIENCE
    } else {
        COST_MARGIN
    };
    let live = pods.iter().filter(|pod| pod.ended.is_none());
    let ending: Money = live.map(|pod| cost_up(pod, time)).sum();
    ending.min(Money::from_nanos(most.nanos() / MARGIN_PART))
}

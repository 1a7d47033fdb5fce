//! Whether a run has used up its money or its hours.

use super::teardown::pods_of;
use crate::credit;
use crate::error::Error;
use crate::run::submit::read_job;
use crate::services::Services;
use livery_domain::pod::Pod;
use livery_domain::run::Run;
use livery_units::{Money, Span, Timestamp};

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
    let spent: Money = pods.iter().map(|pod| cost(pod, now)).sum();
    let lasted = pods.iter().map(|pod| up_for(pod, now).millis()).sum();
    let too_dear = budget.max_total.is_some_and(|most| spent >= most);
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

fn cost(pod: &Pod, now: Timestamp) -> Money {
    pod.offer
        .price
        .accrued(up_for(pod, now))
        .unwrap_or(Money::from_nanos(i64::MAX))
}

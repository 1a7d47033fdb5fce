//! What limits what may be charged: what a prepaid account has, and what a pod may cost at most.

use super::cap::{self, Decided, Limit};
use super::out_of_range;
use super::usage::Usage;
use crate::error::Error;
use crate::reminders::tell;
use crate::services::Services;
use livery_domain::pod::Pod;
use livery_domain::reminder::{Notice, NoticeKind};
use livery_ledger::Meter;
use livery_store::{AccountStand, Credit};
use livery_units::{Money, Span, Timestamp};

/// What is decided, and what the account must have left in its books when it is done.
pub(super) struct Limited {
    pub(super) decided: Decided,
    pub(super) least: Option<Money>,
}

/// Decides what to charge for what was used, within what its account has and its pod may cost, and an
/// interval more.
pub(super) async fn decide(
    services: &Services,
    stand: &AccountStand,
    pod: Option<&Pod>,
    usages: &[Usage],
    last: &[Meter],
) -> Result<Limited, Error> {
    let all = cap::decide(usages, last, &[]).map_err(out_of_range)?;
    let due = all.due().map_err(out_of_range)?;
    let own: Money = usages.iter().map(cap::interval).sum();
    let mut limits = Vec::new();
    let mut least = None;
    match stand.credit {
        Credit::Owner => {}
        Credit::Prepaid => {
            let left = stand.balance.saturating_plus(stand.held);
            least = Some(Money::ZERO);
            if due > left || left <= Money::ZERO {
                let margin = own.saturating_plus(others(services, stand, last).await?);
                least = Some(Money::ZERO.saturating_minus(margin));
                limits.push(Limit { left, margin });
            }
        }
    }
    if let Some((pod, most)) = pod.and_then(|pod| Some((pod, may_cost(pod)?))) {
        let charged = services.store.pod_charged(&pod.id).await?;
        let left = most.saturating_minus(charged);
        limits.push(Limit { left, margin: own });
    }
    let decided = match limits.is_empty() {
        true => all,
        false => cap::decide(usages, last, &limits).map_err(out_of_range)?,
    };
    Ok(Limited { decided, least })
}

/// Tells a pod's user that it ran on after it should have been ended, and is not billed for that.
pub(super) async fn tell_waived(services: &Services, pod: &Pod, from: Timestamp, usages: &[Usage]) {
    let ends = usages.iter().flat_map(|usage| &usage.stretches);
    let until = ends.map(|one| one.until).max().unwrap_or(from);
    let span = until.since(from);
    if span < Span::from_secs(1) {
        return;
    }
    tracing::warn!(pod.id = %pod.id, account.id = %pod.account, %span,
        "a pod could not be stopped in time; what it ran on is not billed");
    let notice = Notice {
        key: format!("not-billed/{}/{}", pod.id, from.millis()),
        account: pod.account.clone(),
        pod: Some(pod.id.clone()),
        kind: match may_cost(pod) {
            Some(_) => NoticeKind::PolicyAction,
            None => NoticeKind::OutOfCredit,
        },
        message: format!(
            "pod {} was up for {span} longer than was paid for, because it could not be stopped in \
             time; that is not billed",
            pod.order.name
        ),
        at: services.now(),
    };
    tell(services, notice).await;
}

/// Returns what a pod may cost at most. One that serves a run is ended by its run, whose results come
/// home first.
fn may_cost(pod: &Pod) -> Option<Money> {
    pod.policy.max_cost.filter(|_| pod.run.is_none())
}

/// Returns what everything else that the account uses costs in an interval.
async fn others(services: &Services, stand: &AccountStand, own: &[Meter]) -> Result<Money, Error> {
    let rates = services.store.account_rates_of(&stand.id).await?;
    let all: Money = rates.into_iter().map(cap::in_interval).sum();
    let own = own.iter().filter(|meter| meter.closed.is_none());
    let own: Money = own.map(|meter| cap::in_interval(meter.rate)).sum();
    Ok(all.saturating_minus(own).max(Money::ZERO))
}

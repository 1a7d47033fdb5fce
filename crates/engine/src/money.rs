//! Holds, charges and voids of pods. Every transfer's id is derived from what it is for, so posting
//! it again after a crash changes nothing.

use crate::error::Error;
use crate::services::Services;
use livery_domain::pod::Pod;
use livery_ledger::{Book, Change, Item, Meter, Subject, Transfer};
use livery_units::{Money, MoneyError, Span};

/// How much time a launch reserves money for.
pub(crate) const HOLD_SPAN: Span = Span::from_secs(3_600);

/// Reserves the price of the first hour.
pub(crate) async fn hold(services: &Services, pod: &Pod) -> Result<(), Error> {
    let amount = pod.offer.price.accrued(HOLD_SPAN).map_err(out_of_range)?;
    if amount == Money::ZERO {
        return Ok(());
    }
    let transfer = livery_ledger::hold(&party(pod), amount, services.now());
    post(services, &[transfer]).await
}

/// Charges what has accrued since the pod came up and was not charged yet.
pub(crate) async fn charge(services: &Services, pod: &Pod) -> Result<Money, Error> {
    let Some(change) = accrued(services, pod).await? else {
        return Ok(Money::ZERO);
    };
    let held = services.store.pod_held(&pod.id).await?;
    let transfers = livery_ledger::charge(&change, held).map_err(out_of_range)?;
    if !transfers.is_empty() {
        post(services, &transfers).await?;
    }
    Ok(transfers.iter().map(|transfer| transfer.amount).sum())
}

/// Returns what a pod has cost so far: what was charged for all of it, and what has accrued and is
/// not charged yet.
#[expect(dead_code, reason = "policies and reminders are about to ask")]
pub(crate) async fn cost_so_far(services: &Services, pod: &Pod) -> Result<Money, Error> {
    let charged = services.store.pod_charged(&pod.id).await?;
    let due = match accrued(services, pod).await? {
        Some(change) => change.due().map_err(out_of_range)?,
        None => Money::ZERO,
    };
    charged.plus(due).map_err(out_of_range)
}

async fn accrued(services: &Services, pod: &Pod) -> Result<Option<Change>, Error> {
    let (Some(started), Some(up_until)) = (pod.started, pod.up_until) else {
        return Ok(None);
    };
    let charged = services.store.pod_charged_since(&pod.id, started).await?;
    let subject = Subject {
        account: pod.account.clone(),
        item: Item::Compute,
        pod: Some(pod.id.clone()),
        run: pod.run.clone(),
        volume: None,
        payee: payee(pod),
    };
    let id = format!("mtr_{}_{}", pod.id, started.millis());
    let before = Meter {
        id: id.parse().map_err(|_| Error::Store(id))?,
        ..Meter::adopted(&subject, pod.offer.price, started, charged)
    };
    let after = before.counted_until(up_until).map_err(out_of_range)?;
    let before = Some(before);
    Ok(Some(Change { before, after }))
}

/// Our own hosts earn for their owners, and somebody else's supplier for itself.
fn payee(pod: &Pod) -> Book {
    match &pod.offer.host {
        Some(host) => Book::Earnings(host.clone()),
        None => Book::Earned(pod.supplier().as_str().to_owned()),
    }
}

/// Charges what is left and gives the rest of the hold back.
pub(crate) async fn settle(services: &Services, pod: &Pod) -> Result<(), Error> {
    charge(services, pod).await?;
    let held = services.store.pod_held(&pod.id).await?;
    if held == Money::ZERO {
        return Ok(());
    }
    let transfer = livery_ledger::void(&party(pod), held, services.now());
    post(services, &[transfer]).await
}

pub(crate) fn out_of_range(error: MoneyError) -> Error {
    Error::Invalid(error.to_string())
}

fn party(pod: &Pod) -> livery_ledger::Party {
    livery_ledger::Party {
        account: pod.account.clone(),
        pod: pod.id.clone(),
        run: pod.run.clone(),
    }
}

async fn post(services: &Services, transfers: &[Transfer]) -> Result<(), Error> {
    services.store.transfer_post(transfers).await?;
    Ok(())
}

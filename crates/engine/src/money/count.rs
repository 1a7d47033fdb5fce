//! Counting: what the rows say was used becomes meters and charges. It may be done at any time, twice
//! or late, by any number of workers.

use super::limits::{self, Limited};
use super::usage;
use super::{METERING_INTERVAL, out_of_range};
use crate::error::Error;
use crate::services::Services;
use livery_domain::pod::Pod;
use livery_domain::volume::NetworkVolume;
use livery_ledger::{Change, Item, Meter, Transfer};
use livery_store::Error as StoreError;
use livery_units::{Money, PodId, Timestamp};

/// How often a decision is taken anew when somebody else counts at the same time.
const ATTEMPTS_MAX: u32 = 16;

/// Counts what a pod has used, as its row says, and charges it.
///
/// It must be called before a row forgets what was used (a start forgets the last stretch), and
/// should be called soon after a row says something new; the metering task does the rest. The prices
/// and sizes are those of the row: called before and after they change, no second is counted at the
/// wrong one.
pub(crate) async fn count(services: &Services, pod: &PodId) -> Result<(), Error> {
    for _ in 0..ATTEMPTS_MAX {
        // The meters first: whoever changes the row and counts after this is noticed by them.
        let last = services.store.meter_last_of_pod(pod).await?;
        let row = services.store.pod_fetch(pod).await?;
        if adopt(services, &row, &last).await? {
            continue;
        }
        let stand = services.store.account_stand(&row.account).await?;
        let usages = usage::of_pod(&row, stand.standing).map_err(out_of_range)?;
        let limited = limits::decide(services, &stand, Some(&row), &usages, &last).await?;
        let held = match limited.decided.changes.is_empty() {
            true => return Ok(()),
            false => services.store.pod_held(pod).await?,
        };
        let due = services.now().after(METERING_INTERVAL);
        if apply(services, &limited, held, due).await? {
            if let Some(from) = limited.decided.waived_from {
                limits::tell_waived(services, &row, from, &usages).await;
            }
            return Ok(());
        }
    }
    Err(contended())
}

/// Counts how long a network volume was kept, as its row says, and charges it.
///
/// Whoever writes a row with another size or price calls this with the row before and after it.
pub(crate) async fn count_volume(services: &Services, volume: &NetworkVolume) -> Result<(), Error> {
    for _ in 0..ATTEMPTS_MAX {
        let store = &services.store;
        let last = store.meter_last_of_volume(&volume.id).await?;
        let stand = store.account_stand(&volume.account).await?;
        let usages = [usage::of_volume(volume, stand.standing).map_err(out_of_range)?];
        let limited = limits::decide(services, &stand, None, &usages, last.as_slice()).await?;
        // Its reconciler counts it: it is never due for the metering task.
        let due = Timestamp::from_millis(i64::MAX);
        let changes = &limited.decided.changes;
        if changes.is_empty() || apply(services, &limited, Money::ZERO, due).await? {
            return Ok(());
        }
    }
    Err(contended())
}

/// Returns what a pod has cost so far: what was charged for all of it, and what has accrued and is
/// not charged yet.
pub(crate) async fn cost_so_far(services: &Services, pod: &Pod) -> Result<Money, Error> {
    let (cost, _) = cost_by_row(services, &pod.id).await?;
    Ok(cost)
}

/// Returns what a pod has cost so far, with the row that says what it has used.
pub(crate) async fn cost_by_row(services: &Services, pod: &PodId) -> Result<(Money, Pod), Error> {
    let store = &services.store;
    for _ in 0..ATTEMPTS_MAX {
        let charged = store.pod_charged(pod).await?;
        let last = store.meter_last_of_pod(pod).await?;
        let row = store.pod_fetch(pod).await?;
        let stand = store.account_stand(&row.account).await?;
        let usages = usage::of_pod(&row, stand.standing).map_err(out_of_range)?;
        let limited = limits::decide(services, &stand, Some(&row), &usages, &last).await?;
        // What was charged meanwhile would count twice, or not at all.
        if store.pod_charged(pod).await? == charged {
            let due = limited.decided.due().map_err(out_of_range)?;
            let cost = charged.plus(due).map_err(out_of_range)?;
            return Ok((cost, row));
        }
    }
    Err(contended())
}

/// Applies changes with their charges; `false` when somebody else counted meanwhile.
async fn apply(
    services: &Services,
    limited: &Limited,
    held: Money,
    due: Timestamp,
) -> Result<bool, Error> {
    let changes = &limited.decided.changes;
    let transfers = charges(changes, held)?;
    let store = &services.store;
    match store
        .meter_apply(changes, &transfers, limited.least, due)
        .await
    {
        Ok(()) => Ok(true),
        Err(StoreError::Stale) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes the charges of changes that share one hold.
fn charges(changes: &[Change], held: Money) -> Result<Vec<Transfer>, Error> {
    let mut held = held;
    let mut transfers = Vec::new();
    for change in changes {
        transfers.extend(super::charge(change, &mut held)?);
    }
    Ok(transfers)
}

/// Gives a pod that was charged before there were meters its first one; `true` when it did.
async fn adopt(services: &Services, pod: &Pod, last: &[Meter]) -> Result<bool, Error> {
    let Some(started) = pod.started else {
        return Ok(false);
    };
    if last.iter().any(|meter| meter.item == Item::Compute) {
        return Ok(false);
    }
    let charged = services
        .store
        .pod_charged_unmetered(&pod.id, started)
        .await?;
    if charged == Money::ZERO {
        return Ok(false);
    }
    let meter = Meter::adopted(
        &usage::subject(pod, Item::Compute),
        pod.offer.price,
        started,
        charged,
    );
    match services.store.meter_adopt(&meter, services.now()).await {
        Ok(()) | Err(StoreError::Exists) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn contended() -> Error {
    Error::Store("others counted the same at the same time, again and again".to_owned())
}

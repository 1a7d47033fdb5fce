//! Counting: what the rows say was used becomes meters and charges. It may be done at any time, twice
//! or late, by any number of workers.

use super::usage::{self, Usage};
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
        let changes = changes(services, &row, &last).await?;
        let held = match changes.is_empty() {
            true => return Ok(()),
            false => services.store.pod_held(pod).await?,
        };
        let due = services.now().after(METERING_INTERVAL);
        if apply(services, &changes, held, due).await? {
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
        let standing = store.account_standing(&volume.account).await?;
        let usage = usage::of_volume(volume, standing).map_err(out_of_range)?;
        let changes = plan(&usage, last.as_ref())?;
        // Its reconciler counts it: it is never due for the metering task.
        let due = Timestamp::from_millis(i64::MAX);
        if changes.is_empty() || apply(services, &changes, Money::ZERO, due).await? {
            return Ok(());
        }
    }
    Err(contended())
}

/// Returns what a pod has cost so far: what was charged for all of it, and what has accrued and is
/// not charged yet.
pub(crate) async fn cost_so_far(services: &Services, pod: &Pod) -> Result<Money, Error> {
    let last = services.store.meter_last_of_pod(&pod.id).await?;
    let charged = services.store.pod_charged(&pod.id).await?;
    let row = services.store.pod_fetch(&pod.id).await?;
    let changes = changes(services, &row, &last).await?;
    changes
        .iter()
        .try_fold(charged, |sum, change| sum.plus(change.due()?))
        .map_err(out_of_range)
}

async fn changes(services: &Services, pod: &Pod, last: &[Meter]) -> Result<Vec<Change>, Error> {
    let standing = services.store.account_standing(&pod.account).await?;
    let mut changes = Vec::new();
    for usage in usage::of_pod(pod, standing).map_err(out_of_range)? {
        let last = last.iter().find(|meter| meter.item == usage.subject.item);
        changes.extend(plan(&usage, last)?);
    }
    Ok(changes)
}

fn plan(usage: &Usage, last: Option<&Meter>) -> Result<Vec<Change>, Error> {
    livery_ledger::plan(&usage.subject, last, &usage.stretches, usage.then).map_err(out_of_range)
}

/// Applies changes with their charges; `false` when somebody else counted meanwhile.
async fn apply(
    services: &Services,
    changes: &[Change],
    held: Money,
    due: Timestamp,
) -> Result<bool, Error> {
    let transfers = charges(changes, held)?;
    match services.store.meter_apply(changes, &transfers, due).await {
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

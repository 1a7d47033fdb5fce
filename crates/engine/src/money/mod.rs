//! Holds, meters and voids. Every transfer's id is derived from what it is for, so posting it again
//! after a crash changes nothing.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod behind;
mod cap;
mod count;
#[cfg(test)]
mod growing;
#[cfg(test)]
mod interleavings;
mod limits;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod owing;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod template;
mod usage;

pub(crate) use count::count;
pub(crate) use count::{cost_by_row, cost_so_far, count_volume};
pub(crate) use usage::counts_until;

use crate::error::Error;
use crate::services::Services;
use livery_domain::pod::Pod;
use livery_ledger::{Change, Transfer};
use livery_store::Error as StoreError;
use livery_units::{Money, MoneyError, Span};

/// How much time a launch reserves money for.
pub(crate) const HOLD_SPAN: Span = Span::from_secs(3_600);

/// How often an open meter is charged. It is the most time for which an account can use more than it
/// has, and it changes no bill: what is charged is what has accrued since the meter began.
pub(crate) const METERING_INTERVAL: Span = Span::from_secs(60);

/// How many intervals the meters of an account wait that is far from having nothing left. Whoever asks
/// what was used adds what is not charged yet, so nobody but the database notices.
pub(crate) const PATIENT_INTERVALS: u64 = 4;

/// How often a hold is given back anew when something is charged against it at the same time.
const ATTEMPTS_MAX: u32 = 16;

/// Makes the hold of a pod's start: the price of its first hour, disks included. What is free has none.
pub(crate) fn first_hold(services: &Services, pod: &Pod) -> Result<Option<Transfer>, Error> {
    let amount = first_hour(pod).map_err(out_of_range)?;
    let hold = || livery_ledger::hold(&party(pod), amount, services.now());
    Ok((amount != Money::ZERO).then(hold))
}

/// Reserves the price of the first hour of a pod's start, once, unless the pod is not to run any more.
pub(crate) async fn hold(services: &Services, pod: &Pod) -> Result<(), Error> {
    let Some(transfer) = first_hold(services, pod)? else {
        return Ok(());
    };
    let placed = services.store.hold_place(&pod.id, pod.starts, &transfer);
    match placed.await {
        // Whoever starts or ends it sees to what is held for it.
        Ok(_) | Err(StoreError::Stale) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Charges what is left and gives the rest of the hold back, of a pod of which nothing runs. One that
/// was started again meanwhile keeps the hold of that start.
pub(crate) async fn settle(services: &Services, pod: &Pod) -> Result<(), Error> {
    let store = &services.store;
    for _ in 0..ATTEMPTS_MAX {
        count(services, &pod.id).await?;
        let held = store.pod_held(&pod.id).await?;
        if held == Money::ZERO {
            return Ok(());
        }
        let transfer = livery_ledger::void(&party(pod), held, services.now());
        match store.hold_void(&pod.id, pod.starts, &transfer).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Stale) if store.pod_fetch(&pod.id).await?.starts != pod.starts => {
                return Ok(());
            }
            Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Store(
        "what is held for a pod was changed by others again and again".to_owned(),
    ))
}

/// Gives back what is held for pods that have ended or are known to be down: before there was a rule
/// against that, and by a crash in between, a hold is left on one. No host is asked.
pub(crate) async fn settle_over(services: &Services) -> Result<(), Error> {
    for id in services.store.pods_over_held().await? {
        let settled = async {
            let pod = services.store.pod_fetch(&id).await?;
            settle(services, &pod).await
        };
        if let Err(error) = settled.await {
            tracing::error!(pod.id = %id, %error, "what is held for a pod that is over was not given back");
        }
    }
    Ok(())
}

pub(crate) fn out_of_range(error: MoneyError) -> Error {
    Error::Invalid(error.to_string())
}

/// Makes the charges of a meter's change, from the hold of which `held` is left, and takes what they
/// take from it.
pub(crate) fn charge(change: &Change, held: &mut Money) -> Result<Vec<Transfer>, Error> {
    let transfers = livery_ledger::charge(change, *held).map_err(out_of_range)?;
    let taken = transfers.iter().map(Transfer::held_change).sum::<i128>();
    *held = Money::from_nanos(i64::try_from(i128::from(held.nanos()) + taken).unwrap_or(0));
    Ok(transfers)
}

fn first_hour(pod: &Pod) -> Result<Money, MoneyError> {
    pod.rates_up()?.accrued(HOLD_SPAN)
}

fn party(pod: &Pod) -> livery_ledger::Party {
    livery_ledger::Party {
        account: pod.account.clone(),
        pod: pod.id.clone(),
        run: pod.run.clone(),
        start: pod.starts,
    }
}

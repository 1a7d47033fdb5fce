//! Holds, meters and voids. Every transfer's id is derived from what it is for, so posting it again
//! after a crash changes nothing.

#[cfg(test)]
mod agreement;
mod cap;
mod count;
#[cfg(test)]
mod interleavings;
mod limits;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod owing;
#[cfg(test)]
mod samples;
mod usage;

pub(crate) use count::count;
pub(crate) use count::{cost_so_far, count_volume};
pub(crate) use usage::counts_until;

use crate::error::Error;
use crate::services::Services;
use livery_domain::pod::Pod;
use livery_ledger::{Change, Transfer};
use livery_units::{Money, MoneyError, Span};

/// How much time a launch reserves money for.
pub(crate) const HOLD_SPAN: Span = Span::from_secs(3_600);

/// How often an open meter is charged. It is the most time for which an account can use more than it
/// has, and it changes no bill: what is charged is what has accrued since the meter began.
pub(crate) const METERING_INTERVAL: Span = Span::from_secs(60);

/// Reserves the price of the first hour, disks included.
pub(crate) async fn hold(services: &Services, pod: &Pod) -> Result<(), Error> {
    let amount = first_hour(pod).map_err(out_of_range)?;
    if amount == Money::ZERO {
        return Ok(());
    }
    let transfer = livery_ledger::hold(&party(pod), amount, services.now());
    post(services, &[transfer]).await
}

/// Charges what is left and gives the rest of the hold back.
pub(crate) async fn settle(services: &Services, pod: &Pod) -> Result<(), Error> {
    count(services, &pod.id).await?;
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
    }
}

async fn post(services: &Services, transfers: &[Transfer]) -> Result<(), Error> {
    services.store.transfer_post(transfers).await?;
    Ok(())
}

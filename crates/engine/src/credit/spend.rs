//! Whether an account may take on something that costs.

use super::CreditError;
use super::months::{day_of, month_of};
use crate::error::Error;
use crate::money;
use crate::services::Services;
use livery_domain::account::{LimitBy, SpendingLimits, Standing};
use livery_domain::offer::Offer;
use livery_domain::pod::{Pod, PodOrder, PodRates};
use livery_store::{AccountStand, Credit, SpendingBound, Which};
use livery_units::{AccountId, Money};

/// Returns what a pod costs in an hour while it is up, disks included.
pub(crate) fn pod_hourly(offer: &Offer, order: &PodOrder) -> Money {
    let rates = offer.rates_up(order.disks());
    rates.map_or(Money::from_nanos(i64::MAX), PodRates::per_hour)
}

/// Refuses what an account cannot pay an hour of, or what would take it past its limits; what is free
/// is never refused. Returns its limits, which others may use up before this is recorded.
pub(crate) async fn may_spend(
    services: &Services,
    account: &AccountId,
    hourly: Money,
) -> Result<Vec<SpendingBound>, Error> {
    if hourly <= Money::ZERO {
        return Ok(Vec::new());
    }
    let stand = services.store.account_stand(account).await?;
    funds(&stand, hourly)?;
    limits(services, &stand, hourly).await
}

/// Refuses to start a pod again that its account cannot pay an hour of. Nothing is held for it since
/// it is down.
pub(crate) async fn may_start(services: &Services, pod: &Pod) -> Result<Vec<SpendingBound>, Error> {
    let hourly = pod_hourly(&pod.offer, &pod.order);
    may_spend(services, &pod.account, hourly).await
}

fn funds(stand: &AccountStand, needed: Money) -> Result<(), Error> {
    match stand.credit {
        Credit::Owner => return Ok(()),
        Credit::Prepaid => {}
    }
    let available = stand.balance;
    match stand.standing {
        Standing::Out { .. } => Err(CreditError::OutOfCredit {
            account: stand.name.clone(),
            available,
        }
        .into()),
        Standing::Good if available < needed => Err(Error::InsufficientFunds { needed, available }),
        Standing::Good => Ok(()),
    }
}

async fn limits(
    services: &Services,
    stand: &AccountStand,
    needed: Money,
) -> Result<Vec<SpendingBound>, Error> {
    if stand.settings.limits_in_force() == SpendingLimits::default() {
        return Ok(Vec::new());
    }
    // What is charged is what a limit is told of, and that may be minutes behind.
    for pod in services
        .store
        .pod_list(Some(&stand.id), Which::Live)
        .await?
    {
        money::count(services, &pod.id).await?;
    }
    let stand = services.store.account_stand(&stand.id).await?;
    let now = services.now();
    let limits = stand.settings.limits_in_force();
    let allowed = stand.settings.allowed;
    let periods = [
        ("day", limits.day, allowed.day, day_of(now)),
        ("month", limits.month, allowed.month, month_of(now)),
    ];
    let mut bounds = Vec::new();
    for (period, limit, allowed, days) in periods {
        let Some(limit) = limit else { continue };
        let by = match allowed == Some(limit) {
            true => LimitBy::Owner,
            false => LimitBy::User,
        };
        let spent = services.store.account_spent(&stand.id, days).await?;
        let bound = spent.saturating_plus(stand.held).saturating_plus(needed);
        if bound > limit {
            return Err(CreditError::Limit {
                period,
                limit,
                by,
                spent,
                held: stand.held,
                needed,
            }
            .into());
        }
        bounds.push(SpendingBound {
            period: days,
            most: limit,
        });
    }
    Ok(bounds)
}

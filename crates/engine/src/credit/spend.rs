//! Whether an account may take on something that costs.

use crate::error::Error;
use crate::services::Services;
use livery_domain::account::Standing;
use livery_domain::pod::Pod;
use livery_ledger::Book;
use livery_store::Credit;
use livery_units::{AccountId, Money};

/// Refuses what an account cannot pay an hour of; what is free is never refused.
pub(crate) async fn may_spend(
    services: &Services,
    account: &AccountId,
    hourly: Money,
) -> Result<(), Error> {
    check(services, account, hourly, Money::ZERO).await
}

/// Refuses to start a pod again that its account cannot pay an hour of; what is still held for it
/// counts.
pub(crate) async fn may_start(services: &Services, pod: &Pod) -> Result<(), Error> {
    let held = services.store.pod_held(&pod.id).await?;
    let hourly = pod.offer.price.per_hour();
    check(services, &pod.account, hourly, held).await
}

async fn check(
    services: &Services,
    account: &AccountId,
    hourly: Money,
    held: Money,
) -> Result<(), Error> {
    if hourly <= Money::ZERO {
        return Ok(());
    }
    let store = &services.store;
    match store.account_fetch(account).await?.credit {
        Credit::Owner => return Ok(()),
        Credit::Prepaid => {}
    }
    let needed = hourly.saturating_minus(held);
    let available = store.balance(&Book::Balance(account.clone())).await?;
    match store.account_standing(account).await? {
        Standing::Good if available >= needed => Ok(()),
        Standing::Good | Standing::Out { .. } => {
            Err(Error::InsufficientFunds { needed, available })
        }
    }
}

//! What an account has, what it is spending now, and what it spent.

use super::facts;
use super::months::{day_of, month_of};
use crate::error::Error;
use crate::money;
use crate::services::Services;
use livery_domain::account::Standing;
use livery_domain::credit::{Allowance, Spent, deletion, lasts};
use livery_domain::pod::Pod;
use livery_domain::volume::NetworkVolume;
use livery_store::{AccountStand, Credit, Grouping, Period, Which};
use livery_units::{AccountId, Money, PodId, Rate, Timestamp, VolumeId};

/// How an account's money stands, with what is not charged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceSheet {
    /// As it is in the books.
    pub stand: AccountStand,
    /// What was used and is not charged yet.
    pub uncharged: Money,
    /// Balance and holds less what is not charged yet.
    pub left: Money,
    /// What everything that it has costs in an hour now.
    pub hourly: Money,
    /// When nothing is left if all goes on so; none for never.
    pub empty_at: Option<Timestamp>,
    /// What it spent, with what is not charged yet.
    pub spent: Spent,
    /// What it may top itself up by.
    pub allowance: Allowance,
    /// When what is kept for it will be deleted; none unless it is out of credit and something is.
    pub deletion: Option<Timestamp>,
}

/// What one pod or network volume costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is, in one word.
    pub state: String,
    /// What it costs in an hour now.
    pub hourly: Money,
    /// What it has cost in all.
    pub so_far: Money,
    /// What it has cost today.
    pub today: Money,
    /// What it has cost this month.
    pub month: Money,
}

/// Of which things the spending is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpentOn {
    /// What exists.
    Living,
    /// What exists or cost something today.
    Today,
    /// What exists or cost something this month.
    ThisMonth,
}

/// Returns how an account's money stands.
pub(crate) async fn balance(
    services: &Services,
    account: &AccountId,
) -> Result<BalanceSheet, Error> {
    let now = services.now();
    let books = facts::look(services, account, now).await?;
    let stand = books.stand.clone();
    let left = stand
        .balance
        .saturating_plus(stand.held)
        .saturating_minus(books.uncharged);
    let hourly = books.hourly();
    let empty_at = match stand.credit {
        Credit::Prepaid => lasts(left, hourly).map(|span| now.after(span)),
        Credit::Owner => None,
    };
    let spent = spent(services, account, books.uncharged, now).await?;
    let deletion = match stand.standing {
        Standing::Out { since } if books.facts.has.kept > 0 => Some(deletion(
            stand.settings.grace,
            since,
            stand.last_warned,
            now,
        )),
        Standing::Out { .. } | Standing::Good => None,
    };
    Ok(BalanceSheet {
        uncharged: books.uncharged,
        left,
        hourly,
        empty_at,
        spent,
        allowance: books.facts.allowance,
        deletion,
        stand,
    })
}

async fn spent(
    services: &Services,
    account: &AccountId,
    uncharged: Money,
    now: Timestamp,
) -> Result<Spent, Error> {
    let store = &services.store;
    let day = store.account_spent(account, day_of(now)).await?;
    let month = store.account_spent(account, month_of(now)).await?;
    Ok(Spent {
        day: day.saturating_plus(uncharged),
        month: month.saturating_plus(uncharged),
    })
}

/// Returns what each thing of an account costs, the dearest of now first.
pub(crate) async fn spending(
    services: &Services,
    account: &AccountId,
    on: SpentOn,
) -> Result<Vec<Spending>, Error> {
    let now = services.now();
    let mut things = Vec::new();
    for pod in services.store.pod_list(Some(account), Which::Live).await? {
        things.push(of_pod(services, &pod, now).await?);
    }
    for volume in services
        .store
        .volume_list(Some(account), Which::Live)
        .await?
    {
        things.push(of_volume(services, &volume, now).await?);
    }
    let period = match on {
        SpentOn::Living => None,
        SpentOn::Today => Some(day_of(now)),
        SpentOn::ThisMonth => Some(month_of(now)),
    };
    if let Some(period) = period {
        for id in subjects(services, account, period).await? {
            if things.iter().all(|thing| thing.id != id) {
                things.extend(of_the_past(services, account, &id, now).await?);
            }
        }
    }
    things.sort_by(|a, b| (b.hourly, b.month, &a.id).cmp(&(a.hourly, a.month, &b.id)));
    Ok(things)
}

async fn of_pod(services: &Services, pod: &Pod, now: Timestamp) -> Result<Spending, Error> {
    let store = &services.store;
    let meters = store.meter_last_of_pod(&pod.id).await?;
    let open = meters.iter().filter(|meter| meter.closed.is_none());
    let rates: Vec<Rate> = open.map(|meter| meter.rate).collect();
    let so_far = money::cost_so_far(services, pod).await?;
    let charged = store.pod_charged(&pod.id).await?;
    let uncharged = so_far.saturating_minus(charged);
    let id = pod.id.as_str();
    let today = store.subject_spent(&pod.account, id, day_of(now)).await?;
    let month = store.subject_spent(&pod.account, id, month_of(now)).await?;
    Ok(Spending {
        id: id.to_owned(),
        name: pod.order.name.clone(),
        state: pod.phase().to_string(),
        hourly: rates.iter().map(|rate| rate.per_hour()).sum(),
        so_far,
        today: today.saturating_plus(uncharged),
        month: month.saturating_plus(uncharged),
    })
}

async fn of_volume(
    services: &Services,
    volume: &NetworkVolume,
    now: Timestamp,
) -> Result<Spending, Error> {
    let store = &services.store;
    let meters = store.meter_list_of_volume(&volume.id).await?;
    let open = meters.iter().filter(|meter| meter.closed.is_none());
    let (id, account) = (volume.id.as_str(), &volume.account);
    Ok(Spending {
        id: id.to_owned(),
        name: volume.name.clone(),
        state: volume.phase().to_string(),
        hourly: open.map(|meter| meter.rate.per_hour()).sum(),
        so_far: meters.iter().map(|meter| meter.charged).sum(),
        today: store.subject_spent(account, id, day_of(now)).await?,
        month: store.subject_spent(account, id, month_of(now)).await?,
    })
}

async fn of_the_past(
    services: &Services,
    account: &AccountId,
    id: &str,
    now: Timestamp,
) -> Result<Option<Spending>, Error> {
    let store = &services.store;
    let so_far = match (id.parse::<PodId>(), id.parse::<VolumeId>()) {
        (Ok(pod), _) => store.pod_charged(&pod).await?,
        (Err(_), Ok(volume)) => {
            let meters = store.meter_list_of_volume(&volume).await?;
            meters.iter().map(|meter| meter.charged).sum()
        }
        (Err(_), Err(_)) => return Ok(None),
    };
    Ok(Some(Spending {
        id: id.to_owned(),
        name: name_of(services, id).await,
        state: "ended".to_owned(),
        hourly: Money::ZERO,
        so_far,
        today: store.subject_spent(account, id, day_of(now)).await?,
        month: store.subject_spent(account, id, month_of(now)).await?,
    }))
}

async fn subjects(
    services: &Services,
    account: &AccountId,
    period: Period,
) -> Result<Vec<String>, Error> {
    const MOST: u32 = 10_000;
    let lines = services
        .store
        .statement_list(account, period, Grouping::Subjects, None, MOST)
        .await?;
    let mut ids: Vec<String> = lines.into_iter().filter_map(|line| line.subject).collect();
    ids.dedup();
    Ok(ids)
}

/// Returns the name of a pod or network volume; its id when nobody knows any more.
pub(crate) async fn name_of(services: &Services, id: &str) -> String {
    let store = &services.store;
    let name = match (id.parse::<PodId>(), id.parse::<VolumeId>()) {
        (Ok(pod), _) => store.pod_fetch(&pod).await.ok().map(|pod| pod.order.name),
        (Err(_), Ok(volume)) => {
            let volume = store.volume_fetch(&volume).await.ok();
            volume.map(|volume| volume.name)
        }
        (Err(_), Err(_)) => None,
    };
    name.unwrap_or_else(|| id.to_owned())
}

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
use livery_units::{AccountId, Money, PodId, Timestamp, VolumeId};
use std::collections::{BTreeMap, BTreeSet};

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
    let store = &services.store;
    let charged = ChargedNow {
        today: charged(services, account, day_of(now)).await?,
        month: charged(services, account, month_of(now)).await?,
    };
    let mut things = Vec::new();
    let mut living = BTreeSet::new();
    for pod in store.pod_list(Some(account), Which::Live).await? {
        things.push(of_pod(services, &pod, &charged).await?);
        living.insert(pod.id.to_string());
    }
    for volume in store.volume_list(Some(account), Which::Live).await? {
        things.push(of_volume(services, &volume, &charged).await?);
        living.insert(volume.id.to_string());
    }
    let past = match on {
        SpentOn::Living => None,
        SpentOn::Today => Some(&charged.today),
        SpentOn::ThisMonth => Some(&charged.month),
    };
    for id in past.into_iter().flat_map(BTreeMap::keys) {
        if !living.contains(id) {
            things.extend(of_the_past(services, id, &charged).await?);
        }
    }
    things.sort_by(|a, b| (b.hourly, b.month, &a.id).cmp(&(a.hourly, a.month, &b.id)));
    Ok(things)
}

/// What an account was charged for each pod and network volume, by its id.
type Charged = BTreeMap<String, Money>;

struct ChargedNow {
    today: Charged,
    month: Charged,
}

impl ChargedNow {
    fn of(&self, id: &str) -> (Money, Money) {
        let of = |charged: &Charged| charged.get(id).copied().unwrap_or(Money::ZERO);
        (of(&self.today), of(&self.month))
    }
}

async fn charged(
    services: &Services,
    account: &AccountId,
    period: Period,
) -> Result<Charged, Error> {
    let store = &services.store;
    let lines = store.statement_list(account, period, Grouping::Subjects, None, u32::MAX);
    let mut charged = Charged::new();
    for line in lines.await? {
        let Some(subject) = line.subject else {
            continue;
        };
        let sum: &mut Money = charged.entry(subject).or_default();
        *sum = sum.saturating_plus(line.amount);
    }
    Ok(charged)
}

async fn of_pod(services: &Services, pod: &Pod, charged: &ChargedNow) -> Result<Spending, Error> {
    let store = &services.store;
    let meters = store.meter_last_of_pod(&pod.id).await?;
    let open = meters.iter().filter(|meter| meter.closed.is_none());
    let so_far = money::cost_so_far(services, pod).await?;
    let uncharged = so_far.saturating_minus(store.pod_charged(&pod.id).await?);
    let (today, month) = charged.of(pod.id.as_str());
    Ok(Spending {
        id: pod.id.to_string(),
        name: pod.order.name.clone(),
        state: pod.phase().to_string(),
        hourly: open.map(|meter| meter.rate.per_hour()).sum(),
        so_far,
        today: today.saturating_plus(uncharged),
        month: month.saturating_plus(uncharged),
    })
}

async fn of_volume(
    services: &Services,
    volume: &NetworkVolume,
    charged: &ChargedNow,
) -> Result<Spending, Error> {
    let store = &services.store;
    let meters = store.meter_list_of_volume(&volume.id).await?;
    let open = meters.iter().filter(|meter| meter.closed.is_none());
    let (today, month) = charged.of(volume.id.as_str());
    Ok(Spending {
        id: volume.id.to_string(),
        name: volume.name.clone(),
        state: volume.phase().to_string(),
        hourly: open.map(|meter| meter.rate.per_hour()).sum(),
        so_far: meters.iter().map(|meter| meter.charged).sum(),
        today,
        month,
    })
}

async fn of_the_past(
    services: &Services,
    id: &str,
    charged: &ChargedNow,
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
    let (today, month) = charged.of(id);
    Ok(Some(Spending {
        id: id.to_owned(),
        name: name_of(services, id).await,
        state: "ended".to_owned(),
        hourly: Money::ZERO,
        so_far,
        today,
        month,
    }))
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

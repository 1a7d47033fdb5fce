//! What is known of an account's money now.

use super::months::{day_of, month_of};
use crate::error::Error;
use crate::money::{self, METERING_INTERVAL, PATIENT_INTERVALS};
use crate::services::Services;
use livery_domain::account::AutoPay;
use livery_domain::credit::{Act, Allowance, Facts, Has, Spent, decide};
use livery_domain::pod::{Desired, Observed, Phase, Pod, cost_up};
use livery_domain::volume::{NetworkVolume, VolumeDesired};
use livery_store::{AccountStand, Credit, Which};
use livery_units::{AccountId, Moment, Money, Rate, Span, Timestamp};

/// How a top-up that an account made itself is called in its reference.
pub(crate) const AUTO_PAY: &str = "auto-pay";

/// How many metering intervals of use may not be charged yet, at the very most, while all is well: two
/// more than meters wait, for a task that comes late.
const UNCHARGED_INTERVALS_MAX: i64 = PATIENT_INTERVALS.cast_signed() + 2;

/// How often an account's money is read at most when it is charged meanwhile.
const READS_MAX: u32 = 8;

/// An account's money with the things that cost it.
pub(crate) struct Books {
    /// As it was when this look began.
    pub(crate) stand: AccountStand,
    pub(crate) facts: Facts,
    /// How often it topped itself up this month, when this look began.
    pub(crate) own_payments: usize,
    /// What was used and is not charged yet.
    pub(crate) uncharged: Money,
    /// Since when one of its pods is silent, if one is.
    pub(crate) silent_since: Option<Timestamp>,
    /// Its pods that are not gone.
    pub(crate) pods: Vec<Pod>,
    /// Its network volumes that are not gone.
    pub(crate) volumes: Vec<NetworkVolume>,
    /// At which rates its open meters count.
    rates: Vec<Rate>,
}

impl Books {
    /// Returns what everything that it has costs in an hour now.
    pub(crate) fn hourly(&self) -> Money {
        self.rates.iter().map(|rate| rate.per_hour()).sum()
    }
}

/// Returns whether an account must be looked at closely: whether there would be anything to do if it
/// had everything that there is to have and nothing of it had been charged for minutes. Most accounts
/// are far from their limits or rent nothing, and this reads none of their pods.
pub(crate) async fn is_near(
    services: &Services,
    stand: &AccountStand,
    rents: Rents<'_>,
    now: Timestamp,
) -> Result<bool, Error> {
    let (burn, silent, has) = match rents {
        Rents::Nothing => (Money::ZERO, Money::ZERO, Has::default()),
        Rents::At(rates, since) => {
            let has = Has {
                pods: 1,
                runs: 1,
                kept: 1,
            };
            let silent = now.since(since.unwrap_or(now));
            let silent = rates.iter().map(|rate| accrued(*rate, silent));
            (burn(rates), silent.sum(), has)
        }
    };
    let uncharged = Money::from_nanos(burn.nanos().saturating_mul(UNCHARGED_INTERVALS_MAX));
    let paid = own_payments_of(services, stand, now).await?;
    let mut facts = facts(services, stand, burn, uncharged, has, &paid, now).await?;
    facts.silent = silent;
    Ok(!decide(&facts, now).is_empty())
}

/// What an account has that may cost it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rents<'r> {
    /// Neither pods nor network volumes.
    Nothing,
    /// Something, at the rates of its open meters, and since when one of them is silent if one is.
    At(&'r [Rate], Option<Timestamp>),
}

/// Looks at an account closely. What it paid itself is read before what it has: whoever decides by
/// this that it needs a payment knows at least as many as have been made for the need that is seen.
pub(crate) async fn look(
    services: &Services,
    account: &AccountId,
    now: Timestamp,
) -> Result<Books, Error> {
    let paid = own_payments(services, account, now).await?;
    let store = &services.store;
    let rates = store.account_rates_of(account).await?;
    let pods = store.pod_list(Some(account), Which::Live).await?;
    let volumes = store.volume_list(Some(account), Which::Live).await?;
    let used = used(services, account, &pods).await?;
    let has = Has {
        pods: pods.iter().filter(|pod| runs_by_itself(pod)).count(),
        runs: pods.iter().filter(|pod| serves_a_run(pod)).count(),
        kept: pods.iter().filter(|pod| is_kept(pod)).count()
            + volumes.iter().filter(|volume| is_rented(volume)).count(),
    };
    let burn = burn(&rates);
    let mut facts = facts(services, &used.stand, burn, used.uncharged, has, &paid, now).await?;
    facts.silent = used.silent;
    Ok(Books {
        silent_since: used.silent_since,
        stand: used.stand,
        facts,
        own_payments: paid.len(),
        uncharged: used.uncharged,
        pods,
        volumes,
        rates,
    })
}

/// How an account stands, and what its pods have used beside that.
pub(crate) struct Used {
    stand: AccountStand,
    /// What is known to be used and is not charged yet.
    pub(crate) uncharged: Money,
    /// What was used besides, if whatever is silent runs on.
    pub(crate) silent: Money,
    silent_since: Option<Timestamp>,
}

/// Reads how an account stands, and what its pods have used that is not charged yet. What is charged in
/// between would be in neither or in both, so it is read again then. The last time it may be in both: an
/// account that is charged all the time is stopped a little earlier, never later.
///
/// What is known of a pod and what is silent are read from one row: of one that answers meanwhile, the
/// same time would be in both.
pub(crate) async fn used(
    services: &Services,
    account: &AccountId,
    pods: &[Pod],
) -> Result<Used, Error> {
    let store = &services.store;
    let mut before = store.account_stand(account).await?;
    let mut reads = 1;
    loop {
        let mut used = Used {
            stand: before.clone(),
            uncharged: Money::ZERO,
            silent: Money::ZERO,
            silent_since: None,
        };
        for pod in pods {
            used.add(services, pod).await?;
        }
        used.stand = store.account_stand(account).await?;
        let same = (before.balance, before.held) == (used.stand.balance, used.stand.held);
        if same || reads == READS_MAX {
            return Ok(used);
        }
        before = used.stand;
        reads += 1;
    }
}

impl Used {
    async fn add(&mut self, services: &Services, pod: &Pod) -> Result<(), Error> {
        let (so_far, row) = money::cost_by_row(services, &pod.id).await?;
        let charged = services.store.pod_charged(&pod.id).await?;
        let uncharged = so_far.saturating_minus(charged).max(Money::ZERO);
        self.uncharged = self.uncharged.saturating_plus(uncharged);
        if let Some((since, span)) = silence(&row, services.moment()) {
            self.silent = self.silent.saturating_plus(cost_up(&row, span));
            self.silent_since = Some(self.silent_since.map_or(since, |first| first.min(since)));
        }
        Ok(())
    }
}

/// Returns what there is to do for an account, by its facts.
pub(crate) fn acts(books: &Books, now: Timestamp) -> Vec<Act> {
    decide(&books.facts, now)
}

/// Returns what open meters come to in one metering interval.
pub(crate) fn burn(rates: &[Rate]) -> Money {
    let accrued = |rate: &Rate| accrued(*rate, METERING_INTERVAL);
    rates.iter().map(accrued).sum()
}

fn accrued(rate: Rate, span: Span) -> Money {
    let amount = rate.accrued(span);
    amount.unwrap_or(Money::from_nanos(i64::MAX))
}

/// Returns since when and for how long nothing was heard of a pod that was up; none within an interval,
/// which everybody may take to answer.
fn silence(pod: &Pod, now: Moment) -> Option<(Timestamp, Span)> {
    let last = match pod.observed {
        Observed::Up | Observed::Unknown => pod.counted.filter(|_| pod.started.is_some())?,
        Observed::Absent | Observed::Starting | Observed::Down | Observed::Lost => return None,
    };
    let span = now.since(last.at);
    (span > METERING_INTERVAL).then_some((last.at.wall, span))
}

/// Returns whether a pod is one of those that stop when there is no credit.
pub(crate) fn runs_by_itself(pod: &Pod) -> bool {
    pod.run.is_none() && is_wanted_up(pod) && costs(pod)
}

/// Returns whether a pod is one of a run's, which ends it.
pub(crate) fn serves_a_run(pod: &Pod) -> bool {
    pod.run.is_some() && is_wanted_up(pod) && costs(pod)
}

/// Returns whether a pod is down and keeps its volume disk.
pub(crate) fn is_kept(pod: &Pod) -> bool {
    pod.run.is_none() && pod.desired == Desired::Stopped && costs(pod)
}

/// Returns whether a network volume is kept for its account.
pub(crate) fn is_rented(volume: &NetworkVolume) -> bool {
    volume.desired == VolumeDesired::Present && volume.rate.amount > Money::ZERO
}

fn is_wanted_up(pod: &Pod) -> bool {
    match pod.phase() {
        Phase::Pending | Phase::Starting | Phase::Running | Phase::Exited => true,
        Phase::Stopping | Phase::Stopped | Phase::Terminating => false,
        Phase::Terminated | Phase::Lost => false,
    }
}

fn costs(pod: &Pod) -> bool {
    let storage = pod.offer.storage;
    [pod.offer.price, storage.running, storage.stopped]
        .iter()
        .any(|rate| rate.amount > Money::ZERO)
}

async fn facts(
    services: &Services,
    stand: &AccountStand,
    burn: Money,
    uncharged: Money,
    has: Has,
    paid: &[Money],
    now: Timestamp,
) -> Result<Facts, Error> {
    let had = stand.balance.saturating_plus(stand.held);
    Ok(Facts {
        left: match stand.credit {
            Credit::Prepaid => Some(had.saturating_minus(uncharged)),
            Credit::Owner => None,
        },
        burn,
        silent: Money::ZERO,
        spent: spent(services, stand, uncharged, now).await?,
        settings: stand.settings,
        standing: stand.standing,
        last_warned: stand.last_warned,
        allowance: Allowance {
            cap: stand.auto_pay_cap,
            used: paid.iter().copied().sum(),
        },
        has,
    })
}

/// Adds up what was spent, as far as a limit asks for it.
async fn spent(
    services: &Services,
    stand: &AccountStand,
    uncharged: Money,
    now: Timestamp,
) -> Result<Spent, Error> {
    let mut spent = Spent::default();
    let limits = stand.settings.limits_in_force();
    let store = &services.store;
    if limits.day.is_some() {
        let charged = store.account_spent(&stand.id, day_of(now)).await?;
        spent.day = charged.saturating_plus(uncharged);
    }
    if limits.month.is_some() {
        let charged = store.account_spent(&stand.id, month_of(now)).await?;
        spent.month = charged.saturating_plus(uncharged);
    }
    Ok(spent)
}

/// Returns what an account topped itself up by this month, each time, as far as it may.
async fn own_payments_of(
    services: &Services,
    stand: &AccountStand,
    now: Timestamp,
) -> Result<Vec<Money>, Error> {
    match (stand.settings.auto_pay, stand.auto_pay_cap) {
        (AutoPay::On { .. }, Some(_)) => own_payments(services, &stand.id, now).await,
        (AutoPay::Off, _) | (_, None) => Ok(Vec::new()),
    }
}

/// Returns what an account topped itself up by this month, each time.
async fn own_payments(
    services: &Services,
    account: &AccountId,
    now: Timestamp,
) -> Result<Vec<Money>, Error> {
    let prefix = format!("top-up {AUTO_PAY} ");
    let payments = services.store.payment_list(account, month_of(now)).await?;
    let own = payments
        .iter()
        .filter(|payment| payment.memo.starts_with(&prefix));
    Ok(own.map(|payment| payment.amount).collect())
}

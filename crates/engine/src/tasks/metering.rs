//! Charges what is used: every open meter once per metering interval.

use super::{BackgroundTask, TaskBoard};
use crate::error::Error;
use crate::money::{self, METERING_INTERVAL, PATIENT_INTERVALS};
use crate::services::Services;
use async_trait::async_trait;
use livery_ledger::Change;
use livery_store::{DueMeter, MeterMove, Store};
use livery_units::{AccountId, Money, PodId, Span, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Notify;

/// The meter reader. It reads rows and posts charges; how often it runs changes no bill.
///
/// It comes often and takes what is due, so that the work of many pods is spread over the interval.
/// What goes on as before is charged many at a time; a pod that does not is looked at by itself. An
/// account that has much more left than it uses is charged less often.
pub(crate) struct Metering;

/// Due meters that are read at a time.
const READ: u32 = 20_000;

/// Meters that are charged in one transaction.
const BATCH: usize = 1_000;

/// What lasts for so many times as long as was just charged is far from its end.
const FAR: i64 = 100;

/// Pods without a meter that one activation takes up.
const MISSING_MAX: u32 = 1_000;

/// What one activation did.
#[derive(Default)]
struct Tally {
    meters: u64,
    pods: u64,
    failed: u64,
}

#[async_trait]
impl BackgroundTask for Metering {
    fn name(&self) -> &'static str {
        "metering"
    }

    fn period(&self) -> Span {
        Span::from_secs(10)
    }

    fn nudge<'b>(&self, _: &'b TaskBoard) -> Option<&'b Notify> {
        None
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let mut tally = Tally::default();
        match read_all(services, &mut tally).await {
            Ok(()) => json!({
                "meters": tally.meters,
                "pods_looked_at": tally.pods,
                "failed": tally.failed,
            }),
            Err(error) => json!({ "error": error.to_string() }),
        }
    }
}

async fn read_all(services: &Services, tally: &mut Tally) -> Result<(), Error> {
    let mut odd = BTreeSet::new();
    tally.meters = meters_read(&services.store, services.now(), &mut odd).await?;
    // What came up and was not counted by whoever saw it.
    odd.extend(services.store.meter_missing(MISSING_MAX).await?);
    for pod in &odd {
        tally.pods += 1;
        if let Err(error) = money::count(services, pod).await {
            tally.failed += 1;
            tracing::error!(pod.id = %pod, %error, "a pod was not charged");
        }
    }
    Ok(())
}

/// Charges every due meter whose pod goes on as before, and returns how many there were. Whatever comes
/// of it, all are due again: an interval later, or a few where much is left. The pods that must be looked
/// at by themselves are added to `odd`.
pub async fn meters_read(
    store: &Store,
    now: Timestamp,
    odd: &mut BTreeSet<PodId>,
) -> Result<u64, Error> {
    let mut count = 0;
    loop {
        let mut due = store.meter_list_due(now, READ).await?;
        if due.is_empty() {
            return Ok(count);
        }
        // An account's meters together: they change the same books and the same pages.
        due.sort_by(|one, other| {
            let (one, other) = (&one.meter, &other.meter);
            (&one.account, &one.pod).cmp(&(&other.account, &other.pod))
        });
        for batch in due.chunks(BATCH) {
            count += read_batch(store, batch, now, odd).await?;
        }
    }
}

async fn read_batch(
    store: &Store,
    due: &[DueMeter],
    now: Timestamp,
    odd: &mut BTreeSet<PodId>,
) -> Result<u64, Error> {
    let mut moves = Vec::with_capacity(due.len());
    let mut used: BTreeMap<&PodId, Used> = BTreeMap::new();
    for one in due {
        let Some(pod) = &one.meter.pod else { continue };
        let used = used.entry(pod).or_insert(Used {
            held: one.held,
            charged: one.charged,
        });
        match moved(one, used, now) {
            Ok(Some(next)) => moves.push(next),
            Ok(None) | Err(_) => {
                odd.insert(pod.clone());
                moves.push(rested(one, now));
            }
        }
    }
    let stands = stands(store, &moves).await?;
    for (next, one) in moves
        .iter_mut()
        .zip(due.iter().filter(|one| one.meter.pod.is_some()))
    {
        match stands.get(&next.before.account) {
            Some(Stand::Short) => {
                odd.extend(next.before.pod.clone());
                *next = rested(one, now);
            }
            Some(Stand::Near) | None => {}
            Some(Stand::Far) => next.due = due_again(one, now, patience(one)),
        }
    }
    match store.meter_move(&moves).await {
        Ok(count) => Ok(u64::try_from(count).unwrap_or(u64::MAX)),
        Err(error) => {
            tracing::warn!(%error, "meters could not be charged together and are charged one by one");
            odd.extend(due.iter().filter_map(|one| one.meter.pod.clone()));
            let rests: Vec<MeterMove> = due.iter().map(|one| rested(one, now)).collect();
            store.meter_move(&rests).await?;
            Ok(0)
        }
    }
}

/// A pod's money as it is once the meters before are moved on.
struct Used {
    held: Money,
    charged: Money,
}

/// What an account has left, measured by what is to be charged of it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// Less than that: what it is charged is decided pod by pod.
    Short,
    /// Some of it.
    Near,
    /// Much more, or it may owe.
    Far,
}

/// Returns how the accounts stand of which something is to be charged.
async fn stands(store: &Store, moves: &[MeterMove]) -> Result<BTreeMap<AccountId, Stand>, Error> {
    let mut due: BTreeMap<AccountId, Money> = BTreeMap::new();
    for transfer in moves.iter().flat_map(|one| &one.transfers) {
        let due = due.entry(transfer.account.clone()).or_default();
        *due = due.saturating_plus(transfer.amount);
    }
    let accounts: Vec<AccountId> = due.keys().cloned().collect();
    let left = store.account_left(&accounts).await?;
    let stand = |(account, due): (AccountId, Money)| {
        let stand = match left.get(&account) {
            Some(left) if *left < due => Stand::Short,
            Some(left) if *left < times(due, FAR) => Stand::Near,
            Some(_) | None => Stand::Far,
        };
        (account, stand)
    };
    Ok(due.into_iter().map(stand).collect())
}

fn times(amount: Money, factor: i64) -> Money {
    Money::from_nanos(amount.nanos().saturating_mul(factor))
}

/// Returns how many intervals a meter may wait whose account is far from its end: one if its pod may cost
/// only so much.
fn patience(due: &DueMeter) -> u64 {
    match due.max_cost {
        Some(_) => 1,
        None => PATIENT_INTERVALS,
    }
}

/// Returns how a meter is moved on when its pod goes on as before; none when it does not, or would have
/// cost more than it may.
fn moved(due: &DueMeter, used: &mut Used, now: Timestamp) -> Result<Option<MeterMove>, Error> {
    let Some(until) = money::counts_until(due) else {
        return Ok(None);
    };
    let after = due
        .meter
        .counted_until(until)
        .map_err(money::out_of_range)?;
    let change = Change {
        before: Some(due.meter.clone()),
        after,
    };
    let charged = used
        .charged
        .saturating_plus(change.due().map_err(money::out_of_range)?);
    // A run ends its pod itself, after its results are home.
    let most = due.max_cost.filter(|_| due.meter.run.is_none());
    if most.is_some_and(|most| charged > most) {
        return Ok(None);
    }
    let transfers = money::charge(&change, &mut used.held)?;
    used.charged = charged;
    Ok(MeterMove::new(change, transfers, due_again(due, now, 1)))
}

fn rested(due: &DueMeter, now: Timestamp) -> MeterMove {
    MeterMove {
        before: due.meter.clone(),
        after: due.meter.clone(),
        transfers: Vec::new(),
        due: due_again(due, now, 1),
    }
}

/// Returns when a meter is due again: so many whole intervals after it was, so that those which are
/// spread over the interval stay so.
fn due_again(due: &DueMeter, now: Timestamp, intervals: u64) -> Timestamp {
    let interval = METERING_INTERVAL.millis();
    if due.due > now {
        // The clock was set back.
        let ahead = due.due.since(now).millis();
        return now.after(Span::from_millis(ahead % interval));
    }
    let missed = now.since(due.due).millis() / interval;
    let next = interval.saturating_mul(missed.saturating_add(intervals));
    due.due.after(Span::from_millis(next))
}

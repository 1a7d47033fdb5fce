//! The meters that are due, read and moved on many at a time.

use crate::book;
use crate::claim::AHEAD_MOST;
use crate::error::{Error, Result};
use crate::many;
use crate::meter::{columns, meter};
use crate::policy_twin::PolicyTwin;
use crate::pool::Store;
use crate::row::Columns;
use crate::transfer;
use livery_domain::account::Standing;
use livery_domain::pod::{Observed, PodPolicy};
use livery_ledger::{Change, Meter, Transfer};
use livery_units::{AccountId, Money, PodId, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};
use std::collections::BTreeSet;

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", m.due, p.observed, p.started, p.up_until, COALESCE(p.counted, p.observed_at) AS observed_at, p.ended, \
             COALESCE(h.held, 0) AS held, COALESCE(h.charged, 0) AS pod_charged, a.out_since, \
             CASE WHEN p.policy LIKE '%\"max_cost\":null%' THEN NULL ELSE p.policy END AS policy \
             FROM meters m \
             JOIN pods p ON p.id = m.pod_id JOIN accounts a ON a.id = m.account_id \
             LEFT JOIN pod_money h ON h.pod_id = m.pod_id \
             WHERE m.closed IS NULL AND ",
            $which,
            " ORDER BY m.due LIMIT $2"
        )
    };
}

const DUE: &str = select!("m.due <= $1");
const STRAYED: &str = select!("m.due > $1");

/// An open meter of a pod, with what its counting depends on, all read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMeter {
    /// The meter.
    pub meter: Meter,
    /// When it was due.
    pub due: Timestamp,
    /// What is left of its pod's hold.
    pub held: Money,
    /// What its pod was charged.
    pub charged: Money,
    /// The most that its pod may cost, if there is such a most.
    pub max_cost: Option<Money>,
    /// Whether its account has credit left.
    pub standing: Standing,
    /// What was last seen of its pod.
    pub observed: Observed,
    /// When its pod came up.
    pub started: Option<Timestamp>,
    /// Until when its pod is known to have been up.
    pub up_until: Option<Timestamp>,
    /// Until when its pod is known to be as it is, by the pod's own count of time.
    pub observed_at: Option<Timestamp>,
    /// When its pod was confirmed gone.
    pub ended: Option<Timestamp>,
}

/// How a due meter is moved on: what it becomes, what is charged for that, and when it is due again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterMove {
    /// The meter as it was read.
    pub before: Meter,
    /// The meter as it is to be: open, and the same where there is nothing to count.
    pub after: Meter,
    /// What is charged for the difference.
    pub transfers: Vec<Transfer>,
    /// When it is due again.
    pub due: Timestamp,
}

impl MeterMove {
    /// Makes the move of a change of an open meter.
    pub fn new(change: Change, transfers: Vec<Transfer>, due: Timestamp) -> Option<Self> {
        Some(Self {
            before: change.before?,
            after: change.after,
            transfers,
            due,
        })
    }
}

impl Store {
    /// Returns up to `limit` open meters of pods that are due, the longest due first. One that is due
    /// further ahead than [`AHEAD_MOST`] was put off by a clock that was set back since, and is due too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn meter_list_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueMeter>> {
        let mut due = Vec::new();
        for (sql, than) in [
            (DUE, now),
            // Asked by itself, so that an index answers it.
            (STRAYED, now.after(AHEAD_MOST)),
        ] {
            let left = i64::from(limit) - i64::try_from(due.len()).unwrap_or(i64::MAX);
            let rows = sqlx::query(sql)
                .bind(than.millis())
                .bind(left.max(0))
                .fetch_all(self.read())
                .await?;
            due.extend(self.readable("meters", &rows, due_meter));
        }
        Ok(due)
    }

    /// Returns up to `limit` pods that were last seen to be up and of which nothing counts that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn meter_missing(&self, limit: u32) -> Result<Vec<PodId>> {
        let rows = sqlx::query(
            "SELECT id FROM pods WHERE ended IS NULL AND observed = 'up' AND NOT EXISTS
             (SELECT 1 FROM meters m WHERE m.pod_id = pods.id AND m.item = 'compute'
              AND m.closed IS NULL) LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| Columns(row).parsed("id")).collect()
    }

    /// Moves due meters on and posts what is charged, in one transaction; returns how many were still
    /// as they were read. The others were moved by somebody else meanwhile, and nothing is done for
    /// them.
    ///
    /// # Errors
    /// [`Error::Stale`](crate::Error::Stale) when more would be taken from a hold, or from an account
    /// that pays before, than is left of it, and [`Error::Refused`](crate::Error::Refused) for an amount beyond what money can count:
    /// nothing was done then.
    pub async fn meter_move(&self, moves: &[MeterMove]) -> Result<usize> {
        if moves.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.write().begin().await?;
        match move_on(&mut transaction, moves).await {
            Ok(moved) => {
                transaction.commit().await?;
                Ok(moved)
            }
            Err(error) => {
                transaction.rollback().await?;
                Err(error)
            }
        }
    }
}

async fn move_on(connection: &mut AnyConnection, moves: &[MeterMove]) -> Result<usize> {
    transfer::lock(connection, 0).await?;
    let mut moved = BTreeSet::new();
    for slice in many::slices(moves) {
        update(connection, slice, &mut moved).await?;
    }
    let transfers: Vec<Transfer> = moves
        .iter()
        .filter(|one| moved.contains(one.before.id.as_str()))
        .flat_map(|one| one.transfers.iter().cloned())
        .collect();
    if !transfers.is_empty() {
        let last = transfer::lock(connection, transfers.len()).await?;
        transfer::append(connection, last, &transfers, &[]).await?;
        nobody_owes(connection, &transfers).await?;
    }
    Ok(moved.len())
}

/// Refuses charges that leave an account that pays before less than nothing.
async fn nobody_owes(connection: &mut AnyConnection, transfers: &[Transfer]) -> Result<()> {
    let accounts: BTreeSet<AccountId> = transfers.iter().map(|one| one.account.clone()).collect();
    let accounts: Vec<AccountId> = accounts.into_iter().collect();
    let left = book::left_of_prepaid(connection, &accounts).await?;
    match left.values().any(|left| left.is_negative()) {
        true => Err(Error::Stale),
        false => Ok(()),
    }
}

async fn update(
    connection: &mut AnyConnection,
    moves: &[MeterMove],
    moved: &mut BTreeSet<String>,
) -> Result<()> {
    let places = many::places(moves.len(), 6, 0);
    let sql = format!(
        "UPDATE meters SET counted_until = v.column4, charged = v.column5, due = v.column6
         FROM (VALUES {places}) AS v WHERE meters.id = v.column1
         AND meters.counted_until = v.column2 AND meters.charged = v.column3
         AND meters.closed IS NULL RETURNING id"
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for one in moves {
        query = query
            .bind(one.before.id.as_str())
            .bind(one.before.until.millis())
            .bind(one.before.charged.nanos())
            .bind(one.after.until.millis())
            .bind(one.after.charged.nanos())
            .bind(one.due.millis());
    }
    for row in query.fetch_all(connection).await? {
        moved.insert(Columns(&row).text("id")?);
    }
    Ok(())
}

/// Most pods have no such limit, and their policies are not even read.
fn max_cost(columns: &Columns<'_>) -> Result<Option<Money>> {
    if columns.text_option("policy")?.is_none() {
        return Ok(None);
    }
    let policy: PodPolicy = columns.json::<PolicyTwin>("policy")?.try_into()?;
    Ok(policy.max_cost)
}

fn due_meter(row: &AnyRow) -> Result<DueMeter> {
    let columns = Columns(row);
    let out_since = columns.time_option("out_since")?;
    Ok(DueMeter {
        meter: meter(row)?,
        due: columns.time("due")?,
        held: columns.money("held")?,
        charged: columns.money("pod_charged")?,
        max_cost: max_cost(&columns)?,
        standing: out_since.map_or(Standing::Good, |since| Standing::Out { since }),
        observed: columns.parsed("observed")?,
        started: columns.time_option("started")?,
        up_until: columns.time_option("up_until")?,
        observed_at: columns.time_option("observed_at")?,
        ended: columns.time_option("ended")?,
    })
}

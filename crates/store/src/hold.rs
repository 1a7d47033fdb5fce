//! Holds together with the rows of the pods that they are for: there is one exactly while there is
//! something to hold money for, whoever dies between two writes and whoever comes late.
//!
//! Everything here takes the ledger's lock first, so that of two such changes one sees the other.

use crate::error::{Error, Result};
use crate::pod::{insert_on, update_on};
use crate::pool::Store;
use crate::row::Columns;
use crate::statement::Period;
use crate::transfer::{self, Posted};
use crate::usage::number;
use livery_domain::pod::{Desired, Pod};
use livery_ledger::{Book, Transfer};
use livery_units::{AccountId, Money, PodId};
use sqlx::AnyConnection;

/// The most that an account may come to in a period: what it is charged in it and what is held for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpendingBound {
    /// The period.
    pub period: Period,
    /// The most.
    pub most: Money,
}

impl Store {
    /// Keeps a new pod, as [`Store::pod_insert`] does, and places its hold within the bounds of its
    /// account, or does neither.
    ///
    /// # Errors
    /// As for [`Store::pod_insert`] and [`Store::transfer_post`]; [`Error::Stale`] when the hold takes
    /// the account past a bound, because something else was held or charged meanwhile.
    pub async fn pod_insert_held(
        &self,
        pod: &Pod,
        hold: Option<&Transfer>,
        bounds: &[SpendingBound],
    ) -> Result<()> {
        let mut transaction = self.write().begin().await?;
        place(&mut transaction, hold, bounds).await?;
        insert_on(&mut transaction, pod).await?;
        Ok(transaction.commit().await?)
    }

    /// Writes the row of a pod that is to start again, as [`Store::pod_update`] does, and places the
    /// hold of that start within the bounds of its account, or does neither.
    ///
    /// # Errors
    /// As for [`Store::pod_update`] and [`Store::transfer_post`]; [`Error::Stale`] as for
    /// [`Store::pod_insert_held`].
    pub async fn pod_start(
        &self,
        pod: &Pod,
        hold: Option<&Transfer>,
        bounds: &[SpendingBound],
    ) -> Result<Pod> {
        let mut transaction = self.write().begin().await?;
        place(&mut transaction, hold, bounds).await?;
        update_on(&mut transaction, pod).await?;
        transaction.commit().await?;
        Ok(next(pod))
    }

    /// Places the hold of a pod's start number `start`, if the pod is still wanted to run and was not
    /// started again since.
    ///
    /// # Errors
    /// [`Error::Stale`] when it is not; and as for [`Store::transfer_post`].
    pub async fn hold_place(&self, pod: &PodId, start: u32, hold: &Transfer) -> Result<Posted> {
        let mut transaction = self.write().begin().await?;
        transfer::lock(&mut transaction, 0).await?;
        let row = held(&mut transaction, pod).await?;
        if row.start != i64::from(start) || row.desired != Desired::Running || row.has_ended {
            return Err(Error::Stale);
        }
        let posted = transfer::post_on(&mut transaction, std::slice::from_ref(hold)).await?;
        transaction.commit().await?;
        Ok(posted)
    }

    /// Gives back what is left of the hold of a pod's start number `start`.
    ///
    /// # Errors
    /// [`Error::Stale`] when something else is left than `void` moves, or it was moved before, or the
    /// pod was started again; and as for [`Store::transfer_post`].
    pub async fn hold_void(&self, pod: &PodId, start: u32, void: &Transfer) -> Result<()> {
        let mut transaction = self.write().begin().await?;
        transfer::lock(&mut transaction, 0).await?;
        let row = held(&mut transaction, pod).await?;
        if row.start != i64::from(start) || row.held != void.amount {
            return Err(Error::Stale);
        }
        match transfer::post_on(&mut transaction, std::slice::from_ref(void)).await? {
            Posted::New => Ok(transaction.commit().await?),
            // It moved nothing, and what is held is held still.
            Posted::Replayed => Err(Error::Stale),
        }
    }

    /// Writes the row of a pod that has ended, as [`Store::pod_update`] does, if nothing is held for
    /// it any more.
    ///
    /// # Errors
    /// [`Error::Stale`] when something is; and as for [`Store::pod_update`].
    pub async fn pod_close(&self, pod: &Pod) -> Result<Pod> {
        let mut transaction = self.write().begin().await?;
        transfer::lock(&mut transaction, 0).await?;
        if held(&mut transaction, &pod.id).await?.held != Money::ZERO {
            return Err(Error::Stale);
        }
        update_on(&mut transaction, pod).await?;
        transaction.commit().await?;
        Ok(next(pod))
    }

    /// Returns the pods that have ended or are confirmed down and for which money is held all the same:
    /// as before there was a rule against that, or after a crash between the two.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pods_over_held(&self) -> Result<Vec<PodId>> {
        let rows = sqlx::query(
            "SELECT m.pod_id FROM pod_money m JOIN pods p ON p.id = m.pod_id
             WHERE m.held <> 0 AND (p.ended IS NOT NULL
              OR (p.desired <> 'running' AND p.observed IN ('down', 'lost', 'absent')))",
        )
        .fetch_all(self.read())
        .await?;
        let id = |row| Columns(row).parsed("pod_id");
        rows.iter().map(id).collect()
    }
}

/// Posts the hold of a start. That takes the ledger's lock, so that of two starts at the same time the
/// second one finds what the first one holds.
async fn place(
    connection: &mut AnyConnection,
    hold: Option<&Transfer>,
    bounds: &[SpendingBound],
) -> Result<()> {
    let Some(hold) = hold else { return Ok(()) };
    transfer::post_on(connection, std::slice::from_ref(hold)).await?;
    for bound in bounds {
        let sum = spent_and_held(connection, &hold.account, bound.period).await?;
        if sum > bound.most {
            return Err(Error::Stale);
        }
    }
    Ok(())
}

/// Returns what an account was charged in a period and what is held for it now.
async fn spent_and_held(
    connection: &mut AnyConnection,
    account: &AccountId,
    period: Period,
) -> Result<Money> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS spent,
            COALESCE((SELECT amount FROM books WHERE book = $4), 0) AS held
         FROM usage_days WHERE account_id = $1 AND day >= $2 AND day < $3",
    )
    .bind(account.as_str())
    .bind(number(period.from))
    .bind(number(period.until))
    .bind(Book::Held(account.clone()).to_string())
    .fetch_one(connection)
    .await?;
    let columns = Columns(&row);
    let (spent, held) = (columns.money("spent")?, columns.money("held")?);
    Ok(spent.saturating_plus(held))
}

fn next(pod: &Pod) -> Pod {
    let generation = pod.generation + 1;
    Pod {
        generation,
        ..pod.clone()
    }
}

/// What a hold depends on.
struct Held {
    held: Money,
    start: i64,
    desired: Desired,
    has_ended: bool,
}

async fn held(connection: &mut AnyConnection, pod: &PodId) -> Result<Held> {
    let row = sqlx::query(
        "SELECT p.starts, p.desired, p.ended, COALESCE(m.held, 0) AS held
         FROM pods p LEFT JOIN pod_money m ON m.pod_id = p.id WHERE p.id = $1",
    )
    .bind(pod.as_str())
    .fetch_one(connection)
    .await?;
    let columns = Columns(&row);
    Ok(Held {
        held: columns.money("held")?,
        start: columns.int("starts")?,
        desired: columns.parsed("desired")?,
        has_ended: columns.time_option("ended")?.is_some(),
    })
}

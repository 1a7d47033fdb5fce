//! The ledger's transfers: appended, never changed.

use crate::account::Credit;
use crate::book::{self, Change};
use crate::error::{Error, Result};
use crate::many;
use crate::pool::Store;
use crate::row::{Columns, clean};
use crate::usage;
use livery_ledger::{Kind, Transfer};
use livery_units::AccountId;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

/// What came of posting transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Posted {
    /// They are in the books now.
    New,
    /// They, or some of them, were in the books before; nothing was changed.
    Replayed,
}

macro_rules! columns {
    () => {
        "id, kind, from_book, to_book, amount, at_ms, account_id, pod_id, run_id, volume_id, item, \
         meter_id, memo"
    };
}
pub(crate) use columns;

impl Store {
    /// Posts transfers, all or none.
    ///
    /// They are one unit: if the id of any of them is in the books already, nothing is posted and
    /// the answer is [`Posted::Replayed`]. Ids are derived from what a transfer is for, so two
    /// workers that charge for the same time collide here even when they split it differently.
    ///
    /// # Errors
    /// [`Error::InsufficientFunds`] when a hold would take a prepaid account below zero,
    /// [`Error::Stale`] when more would be taken from a hold than is left of it, and
    /// [`Error::Refused`] for amounts below or beyond what money can count.
    pub async fn transfer_post(&self, transfers: &[Transfer]) -> Result<Posted> {
        let mut transaction = self.write().begin().await?;
        let posted = post_on(&mut transaction, transfers).await?;
        match posted {
            Posted::New => transaction.commit().await?,
            Posted::Replayed => transaction.rollback().await?,
        }
        Ok(posted)
    }
}

/// Posts transfers within a transaction, which is to be rolled back when that fails; see
/// [`Store::transfer_post`].
pub(crate) async fn post_on(
    connection: &mut AnyConnection,
    transfers: &[Transfer],
) -> Result<Posted> {
    if let Some(bad) = transfers.iter().find(|t| t.amount.is_negative()) {
        let why = format!("transfer {} moves less than nothing", bad.id);
        return Err(Error::Refused(why));
    }
    if transfers.is_empty() {
        return Ok(Posted::New);
    }
    let last = lock(connection, transfers.len()).await?;
    if is_any_posted(connection, transfers).await? {
        return Ok(Posted::Replayed);
    }
    let prepaid = prepaid_among(connection, transfers).await?;
    append(connection, last, transfers, &prepaid).await?;
    Ok(Posted::New)
}

/// Counts `count` more transfers and returns the number before the first of them. The row is the
/// lock of the ledger: others that post wait for this transaction's end.
pub(crate) async fn lock(connection: &mut AnyConnection, count: usize) -> Result<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let sql = "UPDATE ledger_head SET last_seq = last_seq + $1 WHERE id = 1 RETURNING last_seq";
    let row = sqlx::query(sql).bind(count).fetch_one(connection).await?;
    Ok(Columns(&row).int("last_seq")? - count)
}

/// Changes the books and appends the transfers after number `last`. The caller holds the ledger's
/// lock and has made sure that none of them was posted before.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    last: i64,
    transfers: &[Transfer],
    prepaid: &[AccountId],
) -> Result<()> {
    book::apply(connection, &Change::of(transfers), prepaid).await?;
    usage::add(connection, transfers).await?;
    let mut seq = last;
    for slice in many::slices(transfers) {
        insert(connection, seq, slice).await?;
        seq += i64::try_from(slice.len()).unwrap_or(i64::MAX);
    }
    Ok(())
}

async fn is_any_posted(connection: &mut AnyConnection, transfers: &[Transfer]) -> Result<bool> {
    for slice in many::slices(transfers) {
        let list = many::list(slice.len());
        let sql = format!("SELECT id FROM transfers WHERE id IN {list} LIMIT 1");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for transfer in slice {
            query = query.bind(transfer.id.as_str());
        }
        if query.fetch_optional(&mut *connection).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the prepaid accounts for which something is to be held.
async fn prepaid_among(
    connection: &mut AnyConnection,
    transfers: &[Transfer],
) -> Result<Vec<AccountId>> {
    let mut prepaid = Vec::new();
    for transfer in transfers {
        if transfer.kind != Kind::Hold {
            continue;
        }
        let row = sqlx::query("SELECT credit FROM accounts WHERE id = $1")
            .bind(transfer.account.as_str())
            .fetch_one(&mut *connection)
            .await?;
        if Columns(&row).parsed::<Credit>("credit")? == Credit::Prepaid {
            prepaid.push(transfer.account.clone());
        }
    }
    Ok(prepaid)
}

const COLUMNS: usize = 14;

async fn insert(connection: &mut AnyConnection, last: i64, transfers: &[Transfer]) -> Result<()> {
    let places = many::places(transfers.len(), COLUMNS, 0);
    let sql = format!(
        "INSERT INTO transfers (id, seq, kind, from_book, to_book, amount, at_ms, account_id,
            pod_id, run_id, volume_id, item, meter_id, memo) VALUES {places}"
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (seq, transfer) in (last + 1..).zip(transfers) {
        query = query
            .bind(transfer.id.as_str())
            .bind(seq)
            .bind(transfer.kind.as_str())
            .bind(transfer.from.to_string())
            .bind(transfer.to.to_string())
            .bind(transfer.amount.nanos())
            .bind(transfer.at.millis())
            .bind(transfer.account.as_str())
            .bind(transfer.pod.as_ref().map(|pod| pod.as_str()))
            .bind(transfer.run.as_ref().map(|run| run.as_str()))
            .bind(transfer.volume.as_ref().map(|volume| volume.as_str()))
            .bind(transfer.item.map(|item| item.as_str()))
            .bind(transfer.meter.as_ref().map(|meter| meter.as_str()))
            .bind(clean(&transfer.memo));
    }
    query.execute(connection).await?;
    Ok(())
}

pub(crate) fn transfer(row: &AnyRow) -> Result<Transfer> {
    let columns = Columns(row);
    Ok(Transfer {
        id: columns.parsed("id")?,
        kind: columns.parsed("kind")?,
        from: columns.parsed("from_book")?,
        to: columns.parsed("to_book")?,
        amount: columns.money("amount")?,
        at: columns.time("at_ms")?,
        account: columns.parsed("account_id")?,
        pod: columns.parsed_option("pod_id")?,
        run: columns.parsed_option("run_id")?,
        volume: columns.parsed_option("volume_id")?,
        item: columns.parsed_option("item")?,
        meter: columns.parsed_option("meter_id")?,
        memo: columns.text("memo")?,
    })
}

//! Meters: what is counted for whom, and until when.

use crate::book;
use crate::error::{Error, Result};
use crate::pool::Store;
use crate::row::{Columns, millis};
use crate::transfer;
use livery_ledger::{Change, Meter, Transfer};
use livery_units::{AccountId, Money, Per, PodId, Rate, Timestamp, VolumeId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

macro_rules! columns {
    () => {
        "m.id, m.number, m.account_id, m.item, m.pod_id, m.run_id, m.volume_id, m.payee, \
         m.rate_amount, m.rate_per, m.stretch, m.began, m.counted_until, m.charged, m.closed"
    };
}
pub(crate) use columns;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM meters m ", $rest)
    };
}

impl Store {
    /// Returns a pod's last meter of each item, closed or not.
    ///
    /// Whoever decides on meters reads them before the pod: [`Store::meter_apply`] then refuses what
    /// was decided on a row from before somebody else's change of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn meter_last_of_pod(&self, pod: &PodId) -> Result<Vec<Meter>> {
        let rows = sqlx::query(select!(
            "WHERE m.pod_id = $1 AND m.number = (SELECT MAX(o.number) FROM meters o \
             WHERE o.pod_id = m.pod_id AND o.item = m.item) ORDER BY m.item"
        ))
        .bind(pod.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(meter).collect()
    }

    /// Returns a network volume's last meter, closed or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn meter_last_of_volume(&self, volume: &VolumeId) -> Result<Option<Meter>> {
        let row = sqlx::query(select!(
            "WHERE m.volume_id = $1 ORDER BY m.number DESC LIMIT 1"
        ))
        .bind(volume.as_str())
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(meter).transpose()
    }

    /// Returns every meter that a pod ever had, in the order in which they began.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn meter_list_of_pod(&self, pod: &PodId) -> Result<Vec<Meter>> {
        let rows = sqlx::query(select!("WHERE m.pod_id = $1 ORDER BY m.item, m.number"))
            .bind(pod.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(meter).collect()
    }

    /// Returns every meter that a network volume ever had, in the order in which they began.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn meter_list_of_volume(&self, volume: &VolumeId) -> Result<Vec<Meter>> {
        let rows = sqlx::query(select!("WHERE m.volume_id = $1 ORDER BY m.number"))
            .bind(volume.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(meter).collect()
    }

    /// Changes meters and posts what is charged for that, all or none; those that stay open are due
    /// again at `due`. What is charged must leave at least `least` in the books of its account, if
    /// there is such a least.
    ///
    /// # Errors
    /// [`Error::Stale`] when a meter is not as it was read, or more would be taken from a hold or an
    /// account than is left of it: read again and decide anew.
    pub async fn meter_apply(
        &self,
        changes: &[Change],
        transfers: &[Transfer],
        least: Option<Money>,
        due: Timestamp,
    ) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write().begin().await?;
        let mut applied = apply(&mut transaction, changes, transfers, due).await;
        if let (Ok(()), Some(charge), Some(least)) = (&applied, transfers.first(), least) {
            applied = leaves(&mut transaction, &charge.account, least).await;
        }
        match applied {
            Ok(()) => transaction.commit().await?,
            Err(error) => {
                transaction.rollback().await?;
                return Err(match error {
                    // Another worker has opened the same meter or posted the same charge.
                    Error::Exists => Error::Stale,
                    other => other,
                });
            }
        }
        Ok(())
    }

    /// Opens the first meter of a pod that was charged before there were meters, and says of what it
    /// was charged since then that this meter charged it.
    ///
    /// # Errors
    /// [`Error::Exists`] when the pod has a meter already.
    pub async fn meter_adopt(&self, meter: &Meter, due: Timestamp) -> Result<()> {
        let mut transaction = self.write().begin().await?;
        insert(&mut transaction, meter, due).await?;
        sqlx::query(
            "UPDATE transfers SET meter_id = $2 WHERE pod_id = $1 AND kind = 'charge'
             AND at_ms > $3 AND meter_id IS NULL",
        )
        .bind(meter.pod.as_ref().map(|pod| pod.as_str()))
        .bind(meter.id.as_str())
        .bind(meter.began.millis())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

async fn apply(
    connection: &mut AnyConnection,
    changes: &[Change],
    transfers: &[Transfer],
    due: Timestamp,
) -> Result<()> {
    // The ledger's lock comes first, also when nothing is charged: then nobody waits in a circle.
    let last = transfer::lock(connection, transfers.len()).await?;
    for change in changes {
        match &change.before {
            None => insert(connection, &change.after, due).await?,
            Some(before) => update(connection, before, &change.after, due).await?,
        }
    }
    if transfers.is_empty() {
        return Ok(());
    }
    transfer::append(connection, last, transfers, &[]).await
}

/// Refuses what leaves an account less than `least`.
async fn leaves(connection: &mut AnyConnection, account: &AccountId, least: Money) -> Result<()> {
    match book::left(connection, account).await? < least {
        true => Err(Error::Stale),
        false => Ok(()),
    }
}

async fn insert(connection: &mut AnyConnection, meter: &Meter, due: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO meters (id, number, account_id, item, pod_id, run_id, volume_id, payee,
            rate_amount, rate_per, stretch, began, counted_until, charged, closed, due)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(meter.id.as_str())
    .bind(i64::from(meter.number))
    .bind(meter.account.as_str())
    .bind(meter.item.as_str())
    .bind(meter.pod.as_ref().map(|pod| pod.as_str()))
    .bind(meter.run.as_ref().map(|run| run.as_str()))
    .bind(meter.volume.as_ref().map(|volume| volume.as_str()))
    .bind(meter.payee.to_string())
    .bind(meter.rate.amount.nanos())
    .bind(per_word(meter.rate.per))
    .bind(meter.stretch.millis())
    .bind(meter.began.millis())
    .bind(meter.until.millis())
    .bind(meter.charged.nanos())
    .bind(millis(meter.closed))
    .bind(due.millis())
    .execute(connection)
    .await?;
    Ok(())
}

async fn update(
    connection: &mut AnyConnection,
    before: &Meter,
    after: &Meter,
    due: Timestamp,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE meters SET counted_until = $4, charged = $5, closed = $6, due = $7
         WHERE id = $1 AND counted_until = $2 AND charged = $3 AND closed IS NULL",
    )
    .bind(before.id.as_str())
    .bind(before.until.millis())
    .bind(before.charged.nanos())
    .bind(after.until.millis())
    .bind(after.charged.nanos())
    .bind(millis(after.closed))
    .bind(due.millis())
    .execute(connection)
    .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::Stale),
    }
}

pub(crate) fn meter(row: &AnyRow) -> Result<Meter> {
    let columns = Columns(row);
    let number = columns.int("number")?;
    Ok(Meter {
        id: columns.parsed("id")?,
        number: u32::try_from(number).map_err(|error| Error::column("number", error))?,
        account: columns.parsed("account_id")?,
        item: columns.parsed("item")?,
        pod: columns.parsed_option("pod_id")?,
        run: columns.parsed_option("run_id")?,
        volume: columns.parsed_option("volume_id")?,
        payee: columns.parsed("payee")?,
        rate: Rate {
            amount: columns.money("rate_amount")?,
            per: per(&columns.text("rate_per")?)?,
        },
        stretch: columns.time("stretch")?,
        began: columns.time("began")?,
        until: columns.time("counted_until")?,
        charged: columns.money("charged")?,
        closed: columns.time_option("closed")?,
    })
}

const fn per_word(per: Per) -> &'static str {
    match per {
        Per::Second => "second",
        Per::Hour => "hour",
        Per::Month => "month",
    }
}

pub(crate) fn per(word: &str) -> Result<Per> {
    [Per::Second, Per::Hour, Per::Month]
        .into_iter()
        .find(|per| per_word(*per) == word)
        .ok_or_else(|| Error::column("rate_per", format!("`{word}` is no unit of time")))
}

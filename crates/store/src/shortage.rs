//! What is done about an account because it lacks money, unless that changed since it was seen.

use crate::credit::{AccountStand, top_up_on};
use crate::error::{Error, Result};
use crate::pod;
use crate::pool::Store;
use crate::row::Columns;
use crate::transfer;
use crate::volume;
use livery_domain::pod::Pod;
use livery_domain::volume::NetworkVolume;
use livery_ledger::{Book, Transfer};
use livery_units::{AccountId, Timestamp};
use sqlx::AnyConnection;

impl Store {
    /// Notes that an account ran out of credit, unless it was topped up since it was `seen`. Returns
    /// whether it was noted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_run_out(&self, seen: &AccountStand, since: Timestamp) -> Result<bool> {
        let mut transaction = self.write().begin().await?;
        if !has_no_more(&mut transaction, seen).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        let sql = "UPDATE accounts SET out_since = $2, last_warned = NULL
             WHERE id = $1 AND out_since IS NULL";
        let done = sqlx::query(sql)
            .bind(seen.id.as_str())
            .bind(since.millis())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Posts what an account is topped up by because it has too little, unless it was topped up or
    /// something else was settled for it since it was `seen`. Returns whether it was posted now.
    ///
    /// # Errors
    /// [`Error::Refused`] for an amount out of range.
    pub async fn account_help(&self, seen: &AccountStand, top_up: &Transfer) -> Result<bool> {
        let mut transaction = self.write().begin().await?;
        let as_seen = has_no_more(&mut transaction, seen).await?
            && is_settled_as(&mut transaction, seen).await?;
        let posted = match as_seen {
            true => top_up_on(&mut transaction, top_up).await,
            false => Err(Error::Exists),
        };
        match posted {
            Ok(()) => {
                transaction.commit().await?;
                Ok(true)
            }
            Err(error) => {
                transaction.rollback().await?;
                match error {
                    Error::Exists => Ok(false),
                    other => Err(other),
                }
            }
        }
    }

    /// Writes what may change of a pod, as [`Store::pod_update`] does, if its account has been without
    /// credit since `since`; none when it has credit again.
    ///
    /// # Errors
    /// [`Error::Stale`] when somebody else wrote.
    pub async fn pod_update_unpaid(&self, pod: &Pod, since: Timestamp) -> Result<Option<Pod>> {
        let mut transaction = self.write().begin().await?;
        if !is_out(&mut transaction, &pod.account, since).await? {
            transaction.rollback().await?;
            return Ok(None);
        }
        let updated = pod::update_on(&mut transaction, pod).await;
        match updated {
            Ok(()) => transaction.commit().await?,
            Err(error) => {
                transaction.rollback().await?;
                return Err(error);
            }
        }
        let mut pod = pod.clone();
        pod.generation += 1;
        Ok(Some(pod))
    }

    /// Writes what may change of a network volume, as [`Store::volume_update`] does, if its account
    /// has been without credit since `since`; none when it has credit again.
    ///
    /// # Errors
    /// [`Error::Stale`] when somebody else wrote.
    pub async fn volume_update_unpaid(
        &self,
        volume: &NetworkVolume,
        since: Timestamp,
    ) -> Result<Option<NetworkVolume>> {
        let mut transaction = self.write().begin().await?;
        if !is_out(&mut transaction, &volume.account, since).await? {
            transaction.rollback().await?;
            return Ok(None);
        }
        let updated = volume::update_on(&mut transaction, volume).await;
        match updated {
            Ok(()) => transaction.commit().await?,
            Err(error) => {
                transaction.rollback().await?;
                return Err(error);
            }
        }
        let mut volume = volume.clone();
        volume.generation += 1;
        Ok(Some(volume))
    }
}

/// Returns whether an account has no more than when it was seen: what is in its books only falls
/// unless it is topped up. Top-ups wait for this transaction's end.
async fn has_no_more(connection: &mut AnyConnection, seen: &AccountStand) -> Result<bool> {
    // Top-ups take this lock too.
    transfer::lock(connection, 0).await?;
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount FROM books
         WHERE book IN ($1, $2)",
    )
    .bind(Book::Balance(seen.id.clone()).to_string())
    .bind(Book::Held(seen.id.clone()).to_string())
    .fetch_one(connection)
    .await?;
    let had = seen.balance.plus(seen.held);
    let had = had.map_err(|error| Error::Refused(error.to_string()))?;
    Ok(Columns(&row).money("amount")? <= had)
}

/// Returns whether nothing was settled since an account was seen. Who settles something waits for
/// this transaction's end.
async fn is_settled_as(connection: &mut AnyConnection, seen: &AccountStand) -> Result<bool> {
    let sql = "UPDATE accounts SET generation = generation WHERE id = $1 AND generation = $2";
    let locked = sqlx::query(sql)
        .bind(seen.id.as_str())
        .bind(seen.generation)
        .execute(connection)
        .await?;
    Ok(locked.rows_affected() == 1)
}

/// Returns whether an account has been without credit since `since`. A top-up waits for this
/// transaction's end.
async fn is_out(
    connection: &mut AnyConnection,
    account: &AccountId,
    since: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE accounts SET out_since = out_since WHERE id = $1 AND out_since = $2";
    let locked = sqlx::query(sql)
        .bind(account.as_str())
        .bind(since.millis())
        .execute(connection)
        .await?;
    Ok(locked.rows_affected() == 1)
}

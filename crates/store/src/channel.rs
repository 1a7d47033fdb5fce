//! Channels: where accounts want their notices carried to.

use crate::error::{Error, Result};
use crate::pool::Store;
use crate::reminder_twin::RouteTwin;
use crate::row::{Columns, to_json};
use livery_domain::reminder::Channel;
use livery_units::AccountId;
use sqlx::any::AnyRow;

impl Store {
    /// Keeps a channel; notices that come from now on go there too.
    ///
    /// # Errors
    /// [`Error::Exists`] when the account has one of that name, [`Error::Refused`] when there is no
    /// such account.
    pub async fn channel_add(&self, channel: &Channel) -> Result<()> {
        sqlx::query(
            "INSERT INTO channels (account_id, name, route, created) VALUES ($1, $2, $3, $4)",
        )
        .bind(channel.account.as_str())
        .bind(channel.name.as_str())
        .bind(to_json(&RouteTwin::from(&channel.route))?)
        .bind(channel.created.millis())
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Returns an account's channels, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel_list(&self, account: &AccountId) -> Result<Vec<Channel>> {
        let rows = sqlx::query(
            "SELECT account_id, name, route, created FROM channels WHERE account_id = $1
             ORDER BY name",
        )
        .bind(account.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(channel).collect()
    }

    /// Returns one channel.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the account has none of that name.
    pub async fn channel_fetch(&self, account: &AccountId, name: &str) -> Result<Channel> {
        let row = sqlx::query(
            "SELECT account_id, name, route, created FROM channels
             WHERE account_id = $1 AND name = $2",
        )
        .bind(account.as_str())
        .bind(name)
        .fetch_one(self.read())
        .await?;
        channel(&row)
    }

    /// Forgets a channel; what was still to be delivered there is not delivered any more, and is shown
    /// at a terminal instead.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the account has none of that name.
    pub async fn channel_remove(&self, account: &AccountId, name: &str) -> Result<()> {
        let mut transaction = self.write().begin().await?;
        let done = sqlx::query("DELETE FROM channels WHERE account_id = $1 AND name = $2")
            .bind(account.as_str())
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            transaction.rollback().await?;
            return Err(Error::NotFound);
        }
        sqlx::query(
            "UPDATE notices SET terminal_from = at_ms
             WHERE account_id = $1 AND terminal_from IS NULL AND notice_key IN (
                SELECT notice_key FROM deliveries
                WHERE account_id = $1 AND channel = $2 AND state <> 'sent')",
        )
        .bind(account.as_str())
        .bind(name)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM deliveries WHERE account_id = $1 AND channel = $2 AND state <> 'sent'",
        )
        .bind(account.as_str())
        .bind(name)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.fold_log().await
    }
}

pub(crate) fn channel(row: &AnyRow) -> Result<Channel> {
    let columns = Columns(row);
    Ok(Channel {
        account: columns.parsed("account_id")?,
        name: columns.text("name")?,
        route: columns.json::<RouteTwin>("route")?.try_into()?,
        created: columns.time("created")?,
    })
}

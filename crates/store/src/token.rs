//! API tokens, of which only hashes are kept.

use crate::error::Result;
use crate::pool::Store;
use crate::row::Columns;
use livery_units::{AccountId, ContentHash, Timestamp};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// An API token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The hash of its text.
    pub hash: ContentHash,
    /// On whose behalf it acts.
    pub account: AccountId,
    /// What that account is called.
    pub account_name: String,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself, if it does.
    pub expires: Option<Timestamp>,
    /// When it was last used, to some minutes; none if never.
    pub used: Option<Timestamp>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT hash, account_id, accounts.name AS account_name, label, tokens.created, expires,
                used
             FROM tokens JOIN accounts ON accounts.id = tokens.account_id ",
            $rest
        )
    };
}

impl Store {
    /// Keeps a token, and forgets those that have expired.
    ///
    /// # Errors
    /// [`crate::Error::Exists`] when it is kept already, [`crate::Error::Refused`] when there is no
    /// such account.
    pub async fn token_insert(
        &self,
        hash: ContentHash,
        account: &AccountId,
        label: &str,
        now: Timestamp,
    ) -> Result<()> {
        let mut transaction = self.write().begin().await?;
        forget_expired(&mut transaction, now).await?;
        insert(&mut transaction, hash, account, label, now).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Returns a token that has not expired, if it is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_fetch(&self, hash: ContentHash, now: Timestamp) -> Result<Option<Token>> {
        let row = sqlx::query(select!(
            "WHERE hash = $1 AND (expires IS NULL OR expires > $2)"
        ))
        .bind(hash.to_string())
        .bind(now.millis())
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(token).transpose()
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_used_set(&self, hash: ContentHash, at: Timestamp) -> Result<()> {
        sqlx::query("UPDATE tokens SET used = $2 WHERE hash = $1")
            .bind(hash.to_string())
            .bind(at.millis())
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Keeps a new token of the same account and label in an old one's place, which ends at `old_until`
    /// at the latest. Returns none when the old one is not kept, or has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_rotate(
        &self,
        old: ContentHash,
        new: ContentHash,
        old_until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Token>> {
        let mut transaction = self.write().begin().await?;
        forget_expired(&mut transaction, now).await?;
        let row = sqlx::query(select!("WHERE hash = $1"))
            .bind(old.to_string())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(before) = row.as_ref().map(token).transpose()? else {
            return Ok(None);
        };
        insert(&mut transaction, new, &before.account, &before.label, now).await?;
        let until = before.expires.map_or(old_until, |set| set.min(old_until));
        let done = sqlx::query("UPDATE tokens SET expires = $2 WHERE hash = $1")
            .bind(old.to_string())
            .bind(until.millis())
            .execute(&mut *transaction)
            .await?;
        // Somebody may have revoked it since it was read.
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        forget_expired(&mut transaction, now).await?;
        transaction.commit().await?;
        Ok(Some(Token {
            hash: new,
            created: now,
            expires: None,
            used: None,
            ..before
        }))
    }

    /// Returns all tokens, the oldest first; some may have expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_list(&self) -> Result<Vec<Token>> {
        let rows = sqlx::query(select!("ORDER BY tokens.created, hash"))
            .fetch_all(self.read())
            .await?;
        rows.iter().map(token).collect()
    }

    /// Forgets a token; one that is not kept is forgotten already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_delete(&self, hash: ContentHash) -> Result<()> {
        sqlx::query("DELETE FROM tokens WHERE hash = $1")
            .bind(hash.to_string())
            .execute(self.write())
            .await?;
        Ok(())
    }
}

async fn insert(
    connection: &mut AnyConnection,
    hash: ContentHash,
    account: &AccountId,
    label: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query("INSERT INTO tokens (hash, account_id, label, created) VALUES ($1, $2, $3, $4)")
        .bind(hash.to_string())
        .bind(account.as_str())
        .bind(label)
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(())
}

async fn forget_expired(connection: &mut AnyConnection, now: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM tokens WHERE expires <= $1")
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(())
}

fn token(row: &AnyRow) -> Result<Token> {
    let columns = Columns(row);
    Ok(Token {
        hash: columns.parsed("hash")?,
        account: columns.parsed("account_id")?,
        account_name: columns.text("account_name")?,
        label: columns.text("label")?,
        created: columns.time("created")?,
        expires: columns.time_option("expires")?,
        used: columns.time_option("used")?,
    })
}

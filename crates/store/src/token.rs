//! API tokens, of which only hashes are kept.

use crate::error::Result;
use crate::pool::Store;
use crate::row::Columns;
use livery_units::{AccountId, ContentHash, Timestamp};

/// An API token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The hash of its text.
    pub hash: ContentHash,
    /// On whose behalf it acts.
    pub account: AccountId,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Store {
    /// Keeps a token.
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
        sqlx::query(
            "INSERT INTO tokens (hash, account_id, label, created) VALUES ($1, $2, $3, $4)",
        )
        .bind(hash.to_string())
        .bind(account.as_str())
        .bind(label)
        .bind(now.millis())
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Returns on whose behalf a token acts, if it is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_account(&self, hash: ContentHash) -> Result<Option<AccountId>> {
        let row = sqlx::query("SELECT account_id FROM tokens WHERE hash = $1")
            .bind(hash.to_string())
            .fetch_optional(self.read())
            .await?;
        row.map(|row| Columns(&row).parsed("account_id"))
            .transpose()
    }

    /// Returns all tokens, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_list(&self) -> Result<Vec<Token>> {
        let rows = sqlx::query(
            "SELECT hash, account_id, label, created FROM tokens ORDER BY created, hash",
        )
        .fetch_all(self.read())
        .await?;
        let token = |row| {
            let columns = Columns(row);
            Ok(Token {
                hash: columns.parsed("hash")?,
                account: columns.parsed("account_id")?,
                label: columns.text("label")?,
                created: columns.time("created")?,
            })
        };
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

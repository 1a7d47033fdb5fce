//! Whether accounts have credit left, and what each may top itself up by.

use crate::error::{Error, Result};
use crate::pool::Store;
use crate::row::Columns;
use livery_domain::account::Standing;
use livery_units::AccountId;

impl Store {
    /// Returns whether an account has credit left.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn account_standing(&self, id: &AccountId) -> Result<Standing> {
        let row = sqlx::query("SELECT out_since FROM accounts WHERE id = $1")
            .bind(id.as_str())
            .fetch_one(self.read())
            .await?;
        let out_since = Columns(&row).time_option("out_since")?;
        Ok(out_since.map_or(Standing::Good, |since| Standing::Out { since }))
    }

    /// Notes whether an account has credit left; a last warning of before counts no more.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn account_standing_set(&self, id: &AccountId, standing: Standing) -> Result<()> {
        let out_since = match standing {
            Standing::Good => None,
            Standing::Out { since } => Some(since.millis()),
        };
        let sql = "UPDATE accounts SET out_since = $2, last_warned = NULL WHERE id = $1";
        let done = sqlx::query(sql)
            .bind(id.as_str())
            .bind(out_since)
            .execute(self.write())
            .await?;
        match done.rows_affected() {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }
}

//! What the line that every command ends with is made of.

use crate::error::Result;
use crate::pool::Store;
use crate::row::Columns;
use livery_units::{AccountId, Money};

impl Store {
    /// Returns what an account's pods that are up were charged so far, all together.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pods_up_charged(&self, account: &AccountId) -> Result<Money> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(m.charged), 0) AS BIGINT) AS charged
             FROM pods p JOIN pod_money m ON m.pod_id = p.id
             WHERE p.account_id = $1 AND p.ended IS NULL AND p.observed = 'up'",
        )
        .bind(account.as_str())
        .fetch_one(self.read())
        .await?;
        Columns(&row).money("charged")
    }
}

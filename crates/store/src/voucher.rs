//! Vouchers: codes that are good for one top-up. Only hashes of the codes are kept.

use crate::credit::top_up_on;
use crate::error::{Error, Result};
use crate::pool::Store;
use crate::row::{Columns, clean};
use livery_units::{AccountId, ContentHash, Money, Timestamp};
use sqlx::AnyConnection;

/// A voucher as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// The hash of its code.
    pub hash: ContentHash,
    /// What it is worth.
    pub amount: Money,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who redeemed it, and when.
    pub redeemed: Option<(AccountId, Timestamp)>,
}

/// What came of redeeming a voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Redeemed {
    /// The account was topped up by this much.
    Now(Money),
    /// Somebody had redeemed it before, and nothing was changed.
    Before(Timestamp),
}

impl Store {
    /// Keeps vouchers, all or none.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is one with the same code already.
    pub async fn voucher_insert(&self, vouchers: &[Voucher]) -> Result<()> {
        let mut transaction = self.write().begin().await?;
        for voucher in vouchers {
            sqlx::query(
                "INSERT INTO vouchers (hash, amount, label, created) VALUES ($1, $2, $3, $4)",
            )
            .bind(voucher.hash.to_string())
            .bind(voucher.amount.nanos())
            .bind(clean(&voucher.label))
            .bind(voucher.created.millis())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Returns all vouchers, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn voucher_list(&self) -> Result<Vec<Voucher>> {
        let rows = sqlx::query(
            "SELECT hash, amount, label, created, redeemed_by, redeemed FROM vouchers
             ORDER BY created, hash",
        )
        .fetch_all(self.read())
        .await?;
        let voucher = |row| {
            let columns = Columns(row);
            let by = columns.parsed_option("redeemed_by")?;
            Ok(Voucher {
                hash: columns.parsed("hash")?,
                amount: columns.money("amount")?,
                label: columns.text("label")?,
                created: columns.time("created")?,
                redeemed: by.zip(columns.time_option("redeemed")?),
            })
        };
        rows.iter().map(voucher).collect()
    }

    /// Redeems a voucher: that it is used up and that the account has its worth is one change.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such voucher.
    pub async fn voucher_redeem(
        &self,
        hash: ContentHash,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<Redeemed> {
        let mut transaction = self.write().begin().await?;
        let taken = sqlx::query(
            "UPDATE vouchers SET redeemed_by = $2, redeemed = $3
             WHERE hash = $1 AND redeemed_by IS NULL RETURNING amount",
        )
        .bind(hash.to_string())
        .bind(account.as_str())
        .bind(now.millis())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = taken else {
            let before = redeemed_before(&mut transaction, hash).await;
            transaction.rollback().await?;
            return before;
        };
        let amount = Columns(&row).money("amount")?;
        let reference = format!("voucher {}", &hash.to_string()[..12]);
        let transfer = livery_ledger::top_up(account, amount, &reference, now);
        top_up_on(&mut transaction, &transfer).await?;
        transaction.commit().await?;
        Ok(Redeemed::Now(amount))
    }
}

async fn redeemed_before(connection: &mut AnyConnection, hash: ContentHash) -> Result<Redeemed> {
    let row = sqlx::query("SELECT redeemed FROM vouchers WHERE hash = $1")
        .bind(hash.to_string())
        .fetch_optional(connection)
        .await?;
    let row = row.ok_or(Error::NotFound)?;
    let at = Columns(&row).time_option("redeemed")?;
    at.map(Redeemed::Before).ok_or(Error::Stale)
}

//! Accounts: who pays.

use crate::error::{Error, Result};
use crate::policy_twin::SettingsTwin;
use crate::pool::Store;
use crate::row::{Columns, clean};
use livery_domain::account::AccountSettings;
use livery_units::{AccountId, Timestamp};
use sqlx::any::AnyRow;
use std::str::FromStr;

/// Whether an account may owe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credit {
    /// Holds are taken from what was paid before.
    Prepaid,
    /// The machine's owner: may go below zero.
    Owner,
}

impl Credit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Prepaid => "prepaid",
            Self::Owner => "owner",
        }
    }
}

impl FromStr for Credit {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "prepaid" => Ok(Self::Prepaid),
            "owner" => Ok(Self::Owner),
            other => Err(format!("`{other}` is neither prepaid nor owner")),
        }
    }
}

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Shown to people.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it may owe.
    pub credit: Credit,
}

impl Store {
    /// Makes a prepaid account unless there is one of that id; an existing one is left as it is.
    ///
    /// # Errors
    /// [`Error::Exists`] when another account has the name.
    pub async fn account_ensure(&self, id: &AccountId, name: &str, now: Timestamp) -> Result<()> {
        let made = sqlx::query(
            "INSERT INTO accounts (id, name, credit, created) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(id.as_str())
        .bind(clean(name))
        .bind(Credit::Prepaid.as_str())
        .bind(now.millis())
        .execute(self.write())
        .await?;
        if made.rows_affected() == 1 {
            return Ok(());
        }
        let of_id = sqlx::query("SELECT id FROM accounts WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(self.write())
            .await?;
        of_id.map(|_| ()).ok_or(Error::Exists)
    }

    /// Says whether an account may owe.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn account_credit_set(&self, id: &AccountId, credit: Credit) -> Result<()> {
        let done = sqlx::query("UPDATE accounts SET credit = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(credit.as_str())
            .execute(self.write())
            .await?;
        match done.rows_affected() {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }

    /// Returns an account.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn account_fetch(&self, id: &AccountId) -> Result<Account> {
        let row = sqlx::query("SELECT id, name, credit, created FROM accounts WHERE id = $1")
            .bind(id.as_str())
            .fetch_one(self.read())
            .await?;
        account(&row)
    }

    /// Returns what an account's owner has settled.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn account_settings(&self, id: &AccountId) -> Result<AccountSettings> {
        let row = sqlx::query("SELECT settings FROM accounts WHERE id = $1")
            .bind(id.as_str())
            .fetch_one(self.read())
            .await?;
        Columns(&row).json::<SettingsTwin>("settings")?.try_into()
    }

    /// Returns all accounts, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_list(&self) -> Result<Vec<Account>> {
        let rows =
            sqlx::query("SELECT id, name, credit, created FROM accounts ORDER BY created, id")
                .fetch_all(self.read())
                .await?;
        rows.iter().map(account).collect()
    }
}

fn account(row: &AnyRow) -> Result<Account> {
    let columns = Columns(row);
    Ok(Account {
        id: columns.parsed("id")?,
        name: columns.text("name")?,
        created: columns.time("created")?,
        credit: columns.parsed("credit")?,
    })
}

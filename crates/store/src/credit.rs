//! Whether accounts have credit left, what they have, and how it is topped up.

use crate::account::Credit;
use crate::activity::policy_nudge;
use crate::error::{Error, Result};
use crate::meter::per;
use crate::policy_twin::SettingsTwin;
use crate::pool::Store;
use crate::row::{Columns, clean, to_json};
use crate::transfer::{self, Posted};
use livery_domain::account::{AccountSettings, Standing};
use livery_ledger::{Book, Transfer};
use livery_units::{AccountId, Money, Rate, Timestamp};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};

/// How an account's money stands, in one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStand {
    /// Its id.
    pub id: AccountId,
    /// Shown to people.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it may owe.
    pub credit: Credit,
    /// What its owner has settled.
    pub settings: AccountSettings,
    /// Whether it has credit left.
    pub standing: Standing,
    /// When its user was warned that what is kept will be deleted.
    pub last_warned: Option<Timestamp>,
    /// The most that it may top itself up by in a month; none when it may not.
    pub auto_pay_cap: Option<Money>,
    /// What it can spend; below zero when it owes.
    pub balance: Money,
    /// What is held for its pods.
    pub held: Money,
    /// Changes with every change of what is settled.
    pub generation: i64,
}

macro_rules! select_stand {
    ($rest:literal) => {
        concat!(
            "SELECT accounts.id, accounts.name, accounts.created, accounts.credit,
                accounts.settings, accounts.out_since, accounts.last_warned,
                accounts.auto_pay_cap, accounts.generation,
                COALESCE(balance.amount, 0) AS balance,
                COALESCE(held.amount, 0) AS held
             FROM accounts
             LEFT JOIN books balance ON balance.book = 'balance:' || accounts.id
             LEFT JOIN books held ON held.book = 'held:' || accounts.id ",
            $rest
        )
    };
}

impl Store {
    /// Returns how an account's money stands.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn account_stand(&self, id: &AccountId) -> Result<AccountStand> {
        let row = sqlx::query(select_stand!("WHERE accounts.id = $1"))
            .bind(id.as_str())
            .fetch_one(self.read())
            .await?;
        stand(&row)
    }

    /// Returns how the money of the account of that name stands.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn account_stand_named(&self, name: &str) -> Result<AccountStand> {
        let row = sqlx::query(select_stand!("WHERE accounts.name = $1"))
            .bind(clean(name))
            .fetch_one(self.read())
            .await?;
        stand(&row)
    }

    /// Returns how every account's money stands, the oldest account first, without those whose rows
    /// cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_stands(&self) -> Result<Vec<AccountStand>> {
        let sql = select_stand!("ORDER BY accounts.created, accounts.id");
        let rows = sqlx::query(sql).fetch_all(self.read()).await?;
        Ok(self.readable("accounts", &rows, stand))
    }

    /// Returns at which rates each account's open meters count: per unit of time, added up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_rates(&self) -> Result<BTreeMap<AccountId, Vec<Rate>>> {
        let rows = sqlx::query(
            "SELECT account_id, rate_per, CAST(SUM(rate_amount) AS BIGINT) AS amount
             FROM meters WHERE closed IS NULL GROUP BY account_id, rate_per",
        )
        .fetch_all(self.read())
        .await?;
        let mut rates: BTreeMap<AccountId, Vec<Rate>> = BTreeMap::new();
        for row in &rows {
            let account = Columns(row).parsed("account_id")?;
            rates.entry(account).or_default().push(rate(row)?);
        }
        Ok(rates)
    }

    /// Returns until when the open meter of each account has counted that is furthest behind, as far as
    /// that is before `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts_silent(&self, now: Timestamp) -> Result<BTreeMap<AccountId, Timestamp>> {
        let rows = sqlx::query(
            "SELECT account_id, MIN(counted_until) AS counted_until FROM meters
             WHERE closed IS NULL AND counted_until < $1 GROUP BY account_id",
        )
        .bind(now.millis())
        .fetch_all(self.read())
        .await?;
        let since = |row: &AnyRow| {
            let columns = Columns(row);
            Ok((
                columns.parsed("account_id")?,
                columns.time("counted_until")?,
            ))
        };
        rows.iter().map(since).collect()
    }

    /// Returns at which rates an account's open meters count: per unit of time, added up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_rates_of(&self, id: &AccountId) -> Result<Vec<Rate>> {
        let rows = sqlx::query(
            "SELECT rate_per, CAST(SUM(rate_amount) AS BIGINT) AS amount
             FROM meters WHERE account_id = $1 AND closed IS NULL
             GROUP BY rate_per ORDER BY rate_per",
        )
        .bind(id.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(rate).collect()
    }

    /// Returns the accounts that have a pod or a network volume that is not gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts_renting(&self) -> Result<BTreeSet<AccountId>> {
        let rows = sqlx::query(
            "SELECT account_id FROM pods WHERE ended IS NULL
             UNION SELECT account_id FROM volumes WHERE ended IS NULL",
        )
        .fetch_all(self.read())
        .await?;
        let account = |row| Columns(row).parsed("account_id");
        rows.iter().map(account).collect()
    }

    /// Returns whether an account has credit left.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account.
    pub async fn account_standing(&self, id: &AccountId) -> Result<Standing> {
        let row = sqlx::query("SELECT out_since FROM accounts WHERE id = $1")
            .bind(id.as_str())
            .fetch_one(self.read())
            .await?;
        standing(&Columns(&row))
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
        found(done.rows_affected())
    }

    /// Notes that an account's user was warned for the last time.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account that is out of credit.
    pub async fn account_warned_set(&self, id: &AccountId, at: Timestamp) -> Result<()> {
        let sql = "UPDATE accounts SET last_warned = $2 WHERE id = $1 AND out_since IS NOT NULL";
        let done = sqlx::query(sql)
            .bind(id.as_str())
            .bind(at.millis())
            .execute(self.write())
            .await?;
        found(done.rows_affected())
    }

    /// Replaces what is settled for an account: what its user settles, and the most that it may top
    /// itself up by in a month, none when it may not. The policies of its pods are looked at again when
    /// they are others by it.
    ///
    /// # Errors
    /// [`Error::Stale`] when something else was settled since the account was `seen`.
    pub async fn account_settle(
        &self,
        seen: &AccountStand,
        settings: &AccountSettings,
        auto_pay_cap: Option<Money>,
    ) -> Result<()> {
        let mut transaction = self.write().begin().await?;
        let done = sqlx::query(
            "UPDATE accounts SET settings = $3, auto_pay_cap = $4, generation = generation + 1
             WHERE id = $1 AND generation = $2",
        )
        .bind(seen.id.as_str())
        .bind(seen.generation)
        .bind(to_json(&SettingsTwin::from(settings))?)
        .bind(auto_pay_cap.map(Money::nanos))
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::Stale);
        }
        if settings.idle != seen.settings.idle {
            policy_nudge(&mut transaction, &seen.id).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Posts a top-up; an account that has credit with it is no longer out of credit, in the same
    /// change.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Refused`] when there is no such account, or for an amount out
    /// of range; [`Error::Exists`] when a top-up of that id is in the books with another amount.
    pub async fn account_top_up(&self, top_up: &Transfer) -> Result<Posted> {
        let mut transaction = self.write().begin().await?;
        match top_up_on(&mut transaction, top_up).await {
            Ok(()) => {
                transaction.commit().await?;
                Ok(Posted::New)
            }
            Err(Error::Exists) => {
                transaction.rollback().await?;
                self.is_replayed(top_up).await
            }
            Err(error) => Err(error),
        }
    }

    async fn is_replayed(&self, top_up: &Transfer) -> Result<Posted> {
        let row = sqlx::query("SELECT amount FROM transfers WHERE id = $1")
            .bind(top_up.id.as_str())
            .fetch_one(self.write())
            .await?;
        match Columns(&row).money("amount")? == top_up.amount {
            true => Ok(Posted::Replayed),
            false => Err(Error::Exists),
        }
    }

    /// Returns when an account was last topped up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_last_top_up(&self, id: &AccountId) -> Result<Option<Timestamp>> {
        let row = sqlx::query(
            "SELECT MAX(at_ms) AS at_ms FROM transfers WHERE account_id = $1 AND kind = 'top-up'",
        )
        .bind(id.as_str())
        .fetch_one(self.read())
        .await?;
        Columns(&row).time_option("at_ms")
    }
}

/// Posts a top-up within a transaction.
pub(crate) async fn top_up_on(connection: &mut AnyConnection, top_up: &Transfer) -> Result<()> {
    if top_up.amount.is_negative() {
        let why = format!("transfer {} moves less than nothing", top_up.id);
        return Err(Error::Refused(why));
    }
    let last = transfer::lock(connection, 1).await?;
    transfer::append(connection, last, std::slice::from_ref(top_up), &[]).await?;
    let account = &top_up.account;
    sqlx::query(
        "UPDATE accounts SET out_since = NULL, last_warned = NULL
         WHERE id = $1 AND (SELECT SUM(amount) FROM books WHERE book IN ($2, $3)) > 0",
    )
    .bind(account.as_str())
    .bind(Book::Balance(account.clone()).to_string())
    .bind(Book::Held(account.clone()).to_string())
    .execute(connection)
    .await?;
    Ok(())
}

fn rate(row: &AnyRow) -> Result<Rate> {
    let columns = Columns(row);
    Ok(Rate {
        amount: columns.money("amount")?,
        per: per(&columns.text("rate_per")?)?,
    })
}

fn stand(row: &AnyRow) -> Result<AccountStand> {
    let columns = Columns(row);
    Ok(AccountStand {
        id: columns.parsed("id")?,
        name: columns.text("name")?,
        created: columns.time("created")?,
        credit: columns.parsed("credit")?,
        settings: columns.json::<SettingsTwin>("settings")?.try_into()?,
        standing: standing(&columns)?,
        last_warned: columns.time_option("last_warned")?,
        auto_pay_cap: columns.int_option("auto_pay_cap")?.map(Money::from_nanos),
        balance: columns.money("balance")?,
        held: columns.money("held")?,
        generation: columns.int("generation")?,
    })
}

fn standing(columns: &Columns<'_>) -> Result<Standing> {
    let out_since = columns.time_option("out_since")?;
    Ok(out_since.map_or(Standing::Good, |since| Standing::Out { since }))
}

fn found(rows: u64) -> Result<()> {
    match rows {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

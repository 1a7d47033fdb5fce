//! Statements: what an account was charged, by day and thing, and what it paid in.

use crate::error::{Error, Result};
use crate::pool::Store;
use crate::row::Columns;
use crate::usage::number;
use livery_ledger::{Book, Item};
use livery_units::{AccountId, Day, Money, Timestamp, TransferId};
use sqlx::any::AnyRow;

const DAY_MS: i64 = 86_400_000;

/// Days from the first on, up to and without the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// The first day.
    pub from: Day,
    /// The day after the last.
    pub until: Day,
}

impl Period {
    /// Returns the last day.
    pub fn last(&self) -> Day {
        Day::of(Timestamp::from_millis(self.until.start().millis() - 1))
    }
}

/// What the lines of a statement are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// Each pod or volume and item on each day.
    Lines,
    /// Each day.
    Days,
    /// Each pod or volume and item.
    Subjects,
}

/// One line of a statement; what its grouping adds up is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementLine {
    /// The day.
    pub day: Option<Day>,
    /// The pod or network volume, by its id.
    pub subject: Option<String>,
    /// What was charged for.
    pub item: Option<Item>,
    /// How much.
    pub amount: Money,
}

/// Money that was paid in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The transfer.
    pub id: TransferId,
    /// When.
    pub at: Timestamp,
    /// How much.
    pub amount: Money,
    /// In words.
    pub memo: String,
}

/// What an account had before a day: paid in less charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// What was paid in.
    pub paid: Money,
    /// What was charged.
    pub charged: Money,
}

impl Store {
    /// Returns the lines of a statement after `after`, in order, `most` of them at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn statement_list(
        &self,
        account: &AccountId,
        period: Period,
        by: Grouping,
        after: Option<&StatementLine>,
        most: u32,
    ) -> Result<Vec<StatementLine>> {
        let sql = match by {
            Grouping::Lines => {
                "SELECT day, subject, item, amount FROM usage_days
                 WHERE account_id = $1 AND day >= $2 AND day < $3
                    AND (day, subject, item) > ($4, $5, $6)
                 ORDER BY day, subject, item LIMIT $7"
            }
            Grouping::Days => {
                "SELECT day, '' AS subject, '' AS item, CAST(SUM(amount) AS BIGINT) AS amount
                 FROM usage_days
                 WHERE account_id = $1 AND day >= $2 AND day < $3
                    AND (day, '', '') > ($4, $5, $6)
                 GROUP BY day ORDER BY day LIMIT $7"
            }
            Grouping::Subjects => {
                "SELECT $4 AS day, subject, item, CAST(SUM(amount) AS BIGINT) AS amount
                 FROM usage_days
                 WHERE account_id = $1 AND day >= $2 AND day < $3
                    AND (subject, item) > ($5, $6)
                 GROUP BY subject, item ORDER BY subject, item LIMIT $7"
            }
        };
        let day = after.and_then(|line| line.day).map_or(i64::MIN, number);
        let subject = after.and_then(|line| line.subject.as_deref());
        let item = after.and_then(|line| line.item).map(Item::as_str);
        let rows = sqlx::query(sql)
            .bind(account.as_str())
            .bind(number(period.from))
            .bind(number(period.until))
            .bind(day)
            .bind(subject.unwrap_or_default())
            .bind(item.unwrap_or_default())
            .bind(i64::from(most))
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| line(row, by)).collect()
    }

    /// Returns what an account was charged in a period.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_spent(&self, account: &AccountId, period: Period) -> Result<Money> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount FROM usage_days
             WHERE account_id = $1 AND day >= $2 AND day < $3",
        )
        .bind(account.as_str())
        .bind(number(period.from))
        .bind(number(period.until))
        .fetch_one(self.read())
        .await?;
        Columns(&row).money("amount")
    }

    /// Returns what was paid in in a period, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn payment_list(&self, account: &AccountId, period: Period) -> Result<Vec<Payment>> {
        let rows = sqlx::query(
            "SELECT id, at_ms, amount, memo FROM transfers
             WHERE account_id = $1 AND kind = 'top-up' AND at_ms >= $2 AND at_ms < $3
             ORDER BY at_ms, id",
        )
        .bind(account.as_str())
        .bind(period.from.start().millis())
        .bind(period.until.start().millis())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(payment).collect()
    }

    /// Returns what was paid in and charged before a day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_carried(&self, account: &AccountId, before: Day) -> Result<Carried> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS paid,
                (SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM usage_days
                 WHERE account_id = $1 AND day < $2) AS charged
             FROM transfers WHERE account_id = $1 AND kind = 'top-up' AND at_ms < $3",
        )
        .bind(account.as_str())
        .bind(number(before))
        .bind(before.start().millis())
        .fetch_one(self.read())
        .await?;
        let columns = Columns(&row);
        Ok(Carried {
            paid: columns.money("paid")?,
            charged: columns.money("charged")?,
        })
    }

    /// Returns what every supplier and host of ours has earned, by its book.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn earnings(&self) -> Result<Vec<(Book, Money)>> {
        let rows = sqlx::query(
            "SELECT book, amount FROM books
             WHERE book LIKE 'earned:%' OR book LIKE 'earnings:%' ORDER BY book",
        )
        .fetch_all(self.read())
        .await?;
        let of_row = |row| {
            let columns = Columns(row);
            Ok((columns.parsed("book")?, columns.money("amount")?))
        };
        rows.iter().map(of_row).collect()
    }
}

fn line(row: &AnyRow, by: Grouping) -> Result<StatementLine> {
    let columns = Columns(row);
    let day = || {
        let start = columns.int("day")?.saturating_mul(DAY_MS);
        Ok::<_, Error>(Day::of(Timestamp::from_millis(start)))
    };
    let (with_day, with_subject) = match by {
        Grouping::Lines => (true, true),
        Grouping::Days => (true, false),
        Grouping::Subjects => (false, true),
    };
    Ok(StatementLine {
        day: with_day.then(day).transpose()?,
        subject: with_subject.then(|| columns.text("subject")).transpose()?,
        item: with_subject.then(|| columns.parsed("item")).transpose()?,
        amount: columns.money("amount")?,
    })
}

fn payment(row: &AnyRow) -> Result<Payment> {
    let columns = Columns(row);
    Ok(Payment {
        id: columns.parsed("id")?,
        at: columns.time("at_ms")?,
        amount: columns.money("amount")?,
        memo: columns.text("memo")?,
    })
}

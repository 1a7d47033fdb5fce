//! Whether everything that is kept about money adds up.
//!
//! Transfers are read page by page, and what must be added up for every pod and meter is added up by
//! the database: memory does not grow with the ledger.

use crate::error::{Error, Result};
use crate::pool::Store;
use crate::row::Columns;
use crate::transfer::{self, columns};
use crate::usage;
use livery_ledger::{Book, Checker};
use sqlx::AnyConnection;
use std::collections::BTreeMap;

/// Transfers read at a time.
const PAGE: i64 = 2_000;

/// Questions with no answer where all is well, and what an answer means.
const QUESTIONS: [(&str, &str); 5] = [
    (
        "SELECT p.pod_id AS id FROM pod_money p LEFT JOIN (
            SELECT pod_id,
                SUM(CASE WHEN kind = 'charge' THEN amount ELSE 0 END) AS charged,
                SUM((CASE WHEN SUBSTR(to_book, 1, 5) = 'held:' THEN amount ELSE 0 END)
                    - (CASE WHEN SUBSTR(from_book, 1, 5) = 'held:' THEN amount ELSE 0 END)) AS held
            FROM transfers WHERE pod_id IS NOT NULL GROUP BY pod_id
         ) s ON s.pod_id = p.pod_id
         WHERE p.held < 0 OR p.held <> COALESCE(s.held, 0) OR p.charged <> COALESCE(s.charged, 0)
         LIMIT 1",
        "what is kept as held and charged for it is not what its transfers add up to",
    ),
    (
        "SELECT t.pod_id AS id FROM transfers t WHERE t.pod_id IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM pod_money p WHERE p.pod_id = t.pod_id) LIMIT 1",
        "there are transfers for it, and nothing is kept of what is held and charged",
    ),
    (
        "SELECT m.id FROM meters m LEFT JOIN (
            SELECT meter_id, SUM(amount) AS charged FROM transfers
            WHERE meter_id IS NOT NULL GROUP BY meter_id
         ) s ON s.meter_id = m.id
         WHERE m.charged <> COALESCE(s.charged, 0) LIMIT 1",
        "what the meter has charged is not what its transfers add up to",
    ),
    (
        "SELECT m.id FROM meters m WHERE m.counted_until < m.began OR m.charged < 0
         OR (m.closed IS NOT NULL AND m.closed <> m.counted_until) LIMIT 1",
        "the meter has counted less than nothing, or beyond its end",
    ),
    (
        "SELECT m.pod_id AS id FROM pod_money m JOIN pods p ON p.id = m.pod_id
         WHERE m.held <> 0 AND p.ended IS NOT NULL LIMIT 1",
        "it has ended, and money is held for it",
    ),
];

impl Store {
    /// Recomputes all books, holds and meters from the transfers and compares; returns how many
    /// transfers there are. Nothing is posted meanwhile.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something does not add up, with what.
    pub async fn ledger_check(&self) -> Result<u64> {
        let mut transaction = self.write().begin().await?;
        transfer::lock(&mut transaction, 0).await?;
        let (count, books) = add_up(&mut transaction).await?;
        compare_books(&mut transaction, &books).await?;
        for (question, meaning) in QUESTIONS {
            let row = sqlx::query(question)
                .fetch_optional(&mut *transaction)
                .await?;
            if let Some(row) = row {
                let id = Columns(&row).text("id")?;
                return Err(Error::Corrupt(format!("{id}: {meaning}")));
            }
        }
        usage::compare(&mut transaction).await?;
        transaction.rollback().await?;
        Ok(count)
    }
}

async fn add_up(connection: &mut AnyConnection) -> Result<(u64, BTreeMap<Book, i128>)> {
    let sql = concat!(
        "SELECT seq, ",
        columns!(),
        " FROM transfers WHERE seq > $1 ORDER BY seq LIMIT $2"
    );
    let corrupt = |error: livery_ledger::Imbalance| Error::Corrupt(error.to_string());
    let (mut checker, mut count, mut last) = (Checker::default(), 0_u64, i64::MIN);
    loop {
        let rows = sqlx::query(sql)
            .bind(last)
            .bind(PAGE)
            .fetch_all(&mut *connection)
            .await?;
        let Some(end) = rows.last() else {
            break;
        };
        last = Columns(end).int("seq")?;
        for row in &rows {
            checker.add(&transfer::transfer(row)?).map_err(corrupt)?;
            count += 1;
        }
    }
    Ok((count, checker.finish().map_err(corrupt)?))
}

/// Compares the books as they are kept with what their transfers add up to.
async fn compare_books(
    connection: &mut AnyConnection,
    wanted: &BTreeMap<Book, i128>,
) -> Result<()> {
    let rows = sqlx::query("SELECT book, amount FROM books")
        .fetch_all(connection)
        .await?;
    let mut kept: BTreeMap<Book, i128> = BTreeMap::new();
    for row in &rows {
        let columns = Columns(row);
        kept.insert(columns.parsed("book")?, i128::from(columns.int("amount")?));
    }
    for (book, amount) in wanted {
        let kept = kept.remove(book).unwrap_or(0);
        if kept != *amount {
            return Err(Error::Corrupt(format!(
                "the book {book} says {kept} nano-dollars and its transfers add up to {amount}"
            )));
        }
    }
    match kept.into_keys().next() {
        Some(book) => Err(Error::Corrupt(format!(
            "there is a book {book} that no transfer is in"
        ))),
        None => Ok(()),
    }
}

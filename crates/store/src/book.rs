//! What is in each book and each pod's hold: kept up to date with every posting.

use crate::error::{Error, Result};
use crate::many;
use crate::pool::Store;
use crate::row::Columns;
use livery_ledger::{Book, Transfer, balances};
use livery_units::{AccountId, Money, PodId, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};
use std::collections::BTreeMap;

impl Store {
    /// Returns what is in a book.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn balance(&self, book: &Book) -> Result<Money> {
        let row = sqlx::query("SELECT amount FROM books WHERE book = $1")
            .bind(book.to_string())
            .fetch_optional(self.read())
            .await?;
        row.map_or(Ok(Money::ZERO), |row| Columns(&row).money("amount"))
    }

    /// Returns what a pod was charged in all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_charged(&self, pod: &PodId) -> Result<Money> {
        let row = sqlx::query("SELECT charged FROM pod_money WHERE pod_id = $1")
            .bind(pod.as_str())
            .fetch_optional(self.read())
            .await?;
        row.map_or(Ok(Money::ZERO), |row| Columns(&row).money("charged"))
    }

    /// Returns what a pod was charged for time after `since` when there were no meters.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_charged_unmetered(&self, pod: &PodId, since: Timestamp) -> Result<Money> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS charged FROM transfers
             WHERE pod_id = $1 AND kind = 'charge' AND at_ms > $2 AND meter_id IS NULL",
        )
        .bind(pod.as_str())
        .bind(since.millis())
        .fetch_one(self.read())
        .await?;
        Columns(&row).money("charged")
    }

    /// Returns what those of these accounts that pay before have, what is held included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_left(&self, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Money>> {
        let mut connection = self.read().acquire().await?;
        left_of_prepaid(&mut connection, accounts).await
    }

    /// Returns what is still held for a pod.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_held(&self, pod: &PodId) -> Result<Money> {
        let row = sqlx::query("SELECT held FROM pod_money WHERE pod_id = $1")
            .bind(pod.as_str())
            .fetch_optional(self.read())
            .await?;
        row.map_or(Ok(Money::ZERO), |row| Columns(&row).money("held"))
    }
}

/// Returns what an account has in its books, what is held included.
pub(crate) async fn left(connection: &mut AnyConnection, account: &AccountId) -> Result<Money> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount FROM books
         WHERE book IN ($1, $2)",
    )
    .bind(Book::Balance(account.clone()).to_string())
    .bind(Book::Held(account.clone()).to_string())
    .fetch_one(connection)
    .await?;
    Columns(&row).money("amount")
}

/// Returns what those of these accounts that pay before have, what is held included.
pub(crate) async fn left_of_prepaid(
    connection: &mut AnyConnection,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Money>> {
    let mut left = BTreeMap::new();
    for slice in many::slices(accounts) {
        let sql = format!(
            "SELECT a.id, COALESCE(b.amount, 0) + COALESCE(h.amount, 0) AS amount FROM accounts a
             LEFT JOIN books b ON b.book = 'balance:' || a.id
             LEFT JOIN books h ON h.book = 'held:' || a.id
             WHERE a.credit = 'prepaid' AND a.id IN {}",
            many::list(slice.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for account in slice {
            query = query.bind(account.as_str());
        }
        for row in query.fetch_all(&mut *connection).await? {
            let columns = Columns(&row);
            left.insert(columns.parsed("id")?, columns.money("amount")?);
        }
    }
    Ok(left)
}

/// By how much transfers change the books, in nano-dollars.
pub(crate) struct Change {
    books: BTreeMap<Book, i128>,
    pods: BTreeMap<PodId, PodChange>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct PodChange {
    held: i128,
    charged: i128,
}

impl PodChange {
    fn of_row(row: &AnyRow) -> Result<Self> {
        let columns = Columns(row);
        Ok(Self {
            held: i128::from(columns.int("held")?),
            charged: i128::from(columns.int("charged")?),
        })
    }
}

impl Change {
    pub(crate) fn of(transfers: &[Transfer]) -> Self {
        let mut pods: BTreeMap<PodId, PodChange> = BTreeMap::new();
        for transfer in transfers {
            if let Some(pod) = &transfer.pod {
                let change = pods.entry(pod.clone()).or_default();
                change.held += transfer.held_change();
                change.charged += transfer.charged_change();
            }
        }
        let books = balances(transfers);
        Self { books, pods }
    }
}

/// Changes the books, unless a rule forbids it. The caller holds the ledger's lock.
pub(crate) async fn apply(
    connection: &mut AnyConnection,
    change: &Change,
    prepaid: &[AccountId],
) -> Result<()> {
    let books: Vec<(&Book, i128)> = change.books.iter().map(|(b, n)| (b, *n)).collect();
    for slice in many::slices(&books) {
        apply_books(connection, slice, prepaid).await?;
    }
    let pods: Vec<(&PodId, PodChange)> = change.pods.iter().map(|(p, c)| (p, *c)).collect();
    for slice in many::slices(&pods) {
        apply_pods(connection, slice).await?;
    }
    Ok(())
}

async fn apply_books(
    connection: &mut AnyConnection,
    changes: &[(&Book, i128)],
    prepaid: &[AccountId],
) -> Result<()> {
    let list = many::list(changes.len());
    let names: Vec<String> = changes.iter().map(|(book, _)| book.to_string()).collect();
    let sql = format!("SELECT book, amount FROM books WHERE book IN {list}");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for name in &names {
        query = query.bind(name.as_str());
    }
    let mut before = BTreeMap::new();
    for row in query.fetch_all(&mut *connection).await? {
        let columns = Columns(&row);
        before.insert(columns.text("book")?, columns.money("amount")?);
    }
    let places = many::places(changes.len(), 2, 0);
    let sql = format!(
        "INSERT INTO books (book, amount) VALUES {places}
         ON CONFLICT (book) DO UPDATE SET amount = excluded.amount"
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for ((book, amount), name) in changes.iter().zip(&names) {
        let before = before.get(name).copied().unwrap_or(Money::ZERO);
        let after = allowed(book, before, *amount, prepaid)?;
        query = query.bind(name.as_str()).bind(after.nanos());
    }
    query.execute(connection).await?;
    Ok(())
}

/// Returns what is in a book after a change, unless a rule forbids it.
fn allowed(book: &Book, before: Money, change: i128, prepaid: &[AccountId]) -> Result<Money> {
    let after = in_range(i128::from(before.nanos()) + change)?;
    match book {
        Book::Held(_) if after.is_negative() => Err(Error::Stale),
        Book::Balance(account)
            if after.is_negative() && change < 0 && prepaid.contains(account) =>
        {
            Err(Error::InsufficientFunds {
                needed: in_range(-change)?,
                available: before,
            })
        }
        Book::Held(_) | Book::Balance(_) | Book::Earned(_) | Book::Earnings(_) | Book::Outside => {
            Ok(after)
        }
    }
}

async fn apply_pods(connection: &mut AnyConnection, changes: &[(&PodId, PodChange)]) -> Result<()> {
    let list = many::list(changes.len());
    let sql = format!("SELECT pod_id, held, charged FROM pod_money WHERE pod_id IN {list}");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (pod, _) in changes {
        query = query.bind(pod.as_str());
    }
    let mut before = BTreeMap::new();
    for row in query.fetch_all(&mut *connection).await? {
        before.insert(Columns(&row).text("pod_id")?, PodChange::of_row(&row)?);
    }
    let places = many::places(changes.len(), 3, 0);
    let sql = format!(
        "INSERT INTO pod_money (pod_id, held, charged) VALUES {places}
         ON CONFLICT (pod_id) DO UPDATE SET held = excluded.held, charged = excluded.charged"
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (pod, change) in changes {
        let before = before.get(pod.as_str()).copied().unwrap_or_default();
        let held = in_range(before.held + change.held)?;
        let charged = in_range(before.charged + change.charged)?;
        if held.is_negative() {
            return Err(Error::Stale);
        }
        query = query
            .bind(pod.as_str())
            .bind(held.nanos())
            .bind(charged.nanos());
    }
    query.execute(connection).await?;
    Ok(())
}

fn in_range(nanos: i128) -> Result<Money> {
    let refused = || Error::Refused("the amount is beyond what money can count".to_owned());
    let nanos = i64::try_from(nanos).map_err(|_| refused())?;
    Ok(Money::from_nanos(nanos))
}

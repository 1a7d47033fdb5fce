//! Brings a database's tables up to date: numbered steps, each applied once, whoever comes first.

use crate::error::{Error, Result};
use crate::row::Columns;
use sqlx::AnyPool;
use std::time::Duration;

/// The steps in order; never changed once released, only added to.
const STEPS: &[(i64, &str)] = &[
    (1, include_str!("../migrations/0001_accounts.sql")),
    (2, include_str!("../migrations/0002_pods.sql")),
    (3, include_str!("../migrations/0003_runs.sql")),
    (4, include_str!("../migrations/0004_money.sql")),
    (5, include_str!("../migrations/0005_policies.sql")),
    (6, include_str!("../migrations/0006_meters.sql")),
    (7, include_str!("../migrations/0007_credit.sql")),
    (8, include_str!("../migrations/0008_notices.sql")),
    (9, include_str!("../migrations/0009_volumes.sql")),
    (10, include_str!("../migrations/0010_activity.sql")),
    (11, include_str!("../migrations/0011_orphans.sql")),
    (12, include_str!("../migrations/0012_account_names.sql")),
    (13, include_str!("../migrations/0013_notices_by_pod.sql")),
    (14, include_str!("../migrations/0014_by_end.sql")),
    (15, include_str!("../migrations/0015_counted.sql")),
    (16, include_str!("../migrations/0016_seats.sql")),
    (17, include_str!("../migrations/0017_starts.sql")),
    (18, include_str!("../migrations/0018_strays.sql")),
    (20, include_str!("../migrations/0020_registry_logins.sql")),
    (30, include_str!("../migrations/0030_token_times.sql")),
];

/// PostgreSQL fails one of two processes that make the same table at once.
const CREATE_ATTEMPTS: u32 = 10;
const CREATE_REST: Duration = Duration::from_millis(50);

/// Applies the steps that are missing.
///
/// A step and the row that says that it was applied are one transaction, and that row is written
/// first: a second process waits there, and then finds nothing to do.
pub(crate) async fn migrate(pool: &AnyPool, owned: Owned) -> Result<()> {
    match owned {
        Owned::Known => {}
        Owned::ByItsTables => must_be_ours(pool).await?,
    }
    create_version_table(pool).await?;
    let found = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version")
        .fetch_one(pool)
        .await?;
    let found = Columns(&found).int("version")?;
    let known = STEPS[STEPS.len() - 1].0;
    if found > known {
        return Err(Error::TooNew { found, known });
    }
    for (version, sql) in STEPS
        .iter()
        .copied()
        .filter(|(version, _)| *version > found)
    {
        let mut transaction = pool.begin().await?;
        let first = sqlx::query(
            "INSERT INTO schema_version (version) VALUES ($1) ON CONFLICT (version) DO NOTHING",
        )
        .bind(version)
        .execute(&mut *transaction)
        .await?;
        if first.rows_affected() == 1 {
            sqlx::raw_sql(sql).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// How it is known that a database is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owned {
    /// Its file says so.
    Known,
    /// One without any table is to be ours, and one with ours is.
    ByItsTables,
}

/// Refuses a database that has tables and not ours. One look sees both: somebody else may be making ours.
async fn must_be_ours(pool: &AnyPool) -> Result<()> {
    let row = sqlx::query(
        "SELECT CAST(COUNT(*) AS BIGINT) AS tables,
            CAST(COUNT(CASE WHEN table_name = 'schema_version' THEN 1 END) AS BIGINT) AS ours,
            CAST(current_database() AS TEXT) AS name,
            CAST(current_schema() AS TEXT) AS schema
         FROM information_schema.tables WHERE table_schema = current_schema()",
    )
    .fetch_one(pool)
    .await?;
    let row = Columns(&row);
    match (row.int("tables")?, row.int("ours")?) {
        (0, _) | (_, 1..) => Ok(()),
        (tables, _) => Err(Error::Foreign {
            place: format!(
                "the schema {} of the database {}",
                row.text("schema")?,
                row.text("name")?
            ),
            why: format!("has {tables} tables of another program"),
        }),
    }
}

async fn create_version_table(pool: &AnyPool) -> Result<()> {
    let mut attempt = 1;
    loop {
        let created =
            sqlx::query("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)")
                .execute(pool)
                .await;
        match created.map_err(Error::from) {
            Ok(_) => return Ok(()),
            Err(Error::Exists | Error::Unavailable(_) | Error::Busy(_) | Error::Failed(_))
                if attempt < CREATE_ATTEMPTS =>
            {
                attempt += 1;
                tokio::time::sleep(CREATE_REST).await;
            }
            Err(error) => return Err(error),
        }
    }
}

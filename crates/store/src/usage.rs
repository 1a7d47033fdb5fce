//! What each account used, by day and thing: kept up to date with every posting, so that a statement
//! reads as many rows as it has lines, however often was charged.

use crate::error::{Error, Result};
use crate::many;
use crate::row::Columns;
use livery_ledger::{Item, Kind, Transfer};
use livery_units::Day;
use sqlx::{AnyConnection, AssertSqlSafe};
use std::collections::BTreeMap;

const DAY_MS: i64 = 86_400_000;

/// Of what a line counts: the account, the day, the pod or network volume, and the item.
type Key<'t> = (&'t str, i64, &'t str, Item);

/// Counts what is charged with these transfers. The caller holds the ledger's lock.
pub(crate) async fn add(connection: &mut AnyConnection, transfers: &[Transfer]) -> Result<()> {
    let lines: Vec<(Key<'_>, i64)> = lines(transfers)?.into_iter().collect();
    for slice in many::slices(&lines) {
        let places = many::places(slice.len(), 5, 0);
        let sql = format!(
            "INSERT INTO usage_days (account_id, day, subject, item, amount) VALUES {places}
             ON CONFLICT (account_id, day, subject, item)
             DO UPDATE SET amount = usage_days.amount + excluded.amount"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for ((account, day, subject, item), amount) in slice {
            query = query
                .bind(*account)
                .bind(*day)
                .bind(*subject)
                .bind(item.as_str())
                .bind(*amount);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

fn lines(transfers: &[Transfer]) -> Result<BTreeMap<Key<'_>, i64>> {
    let mut lines: BTreeMap<Key<'_>, i64> = BTreeMap::new();
    for transfer in transfers.iter().filter(|t| t.kind == Kind::Charge) {
        let line = lines.entry(key(transfer)).or_default();
        *line = line
            .checked_add(transfer.amount.nanos())
            .ok_or_else(|| Error::Refused("the amount is beyond what money can count".into()))?;
    }
    Ok(lines)
}

fn key(transfer: &Transfer) -> Key<'_> {
    let pod = transfer.pod.as_ref().map(|pod| pod.as_str());
    let volume = transfer.volume.as_ref().map(|volume| volume.as_str());
    (
        transfer.account.as_str(),
        number(Day::of(transfer.at)),
        pod.or(volume).unwrap_or_default(),
        // Charges of before there were items are for pods that were up.
        transfer.item.unwrap_or(Item::Compute),
    )
}

/// Returns a day's number as it is stored.
pub(crate) fn number(day: Day) -> i64 {
    day.start().millis().div_euclid(DAY_MS)
}

/// Compares what is kept with what the transfers add up to.
pub(crate) async fn compare(connection: &mut AnyConnection) -> Result<()> {
    const WRONG: &str = "WITH charged AS (
            SELECT account_id, at_ms / 86400000 AS day,
                COALESCE(pod_id, volume_id, '') AS subject,
                COALESCE(item, 'compute') AS item, CAST(SUM(amount) AS BIGINT) AS amount
            FROM transfers WHERE kind = 'charge'
            GROUP BY account_id, at_ms / 86400000, COALESCE(pod_id, volume_id, ''),
                COALESCE(item, 'compute')
        ), wrong AS (
            SELECT COALESCE(charged.subject, usage_days.subject) AS subject
            FROM charged FULL OUTER JOIN usage_days
                ON charged.account_id = usage_days.account_id
                AND charged.day = usage_days.day
                AND charged.subject = usage_days.subject
                AND charged.item = usage_days.item
            WHERE COALESCE(charged.amount, 0) <> COALESCE(usage_days.amount, 0)
        ) SELECT subject FROM wrong ORDER BY subject LIMIT 1";
    let row = sqlx::query(WRONG).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(()) };
    let subject = Columns(&row).text("subject")?;
    Err(Error::Corrupt(format!(
        "the statement lines of {subject} are not what its charges add up to"
    )))
}

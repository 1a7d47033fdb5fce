//! Claims: a worker's time-limited lock on a row, the same for pods, runs and network volumes.
//!
//! A claim moves the row's due time to its own end, so that a worker that dies is followed by
//! another. A nudge sets the due time to zero; a release and a renewal leave a zero alone, so a
//! nudge that comes while a worker is busy is not lost.
//!
//! A row that is due, or claimed, further ahead than [`AHEAD_MOST`] was written by a clock that was
//! set back since: it is due, or free, now.

use crate::error::Result;
use crate::pool::Store;
use crate::row::Columns;
use livery_units::{ClaimToken, Span, Timestamp};
use sqlx::any::AnyRow;

/// Longer than any row rests and any claim stands. The clocks of control planes that share a database
/// must not differ by as much.
pub const AHEAD_MOST: Span = Span::from_secs(900);

/// The SQL of one claimable table.
pub(crate) struct ClaimSql {
    candidates: [&'static str; 2],
    claim: &'static str,
    renew: &'static str,
    release: &'static str,
    nudge: &'static str,
}

macro_rules! claim_sql {
    ($table:literal, $columns:ident, $drivable:ident) => {
        $crate::claim::ClaimSql::new(
            [
                concat!(
                    "SELECT id FROM ",
                    $table,
                    " WHERE ended IS NULL AND due <= $1 AND (claim_until <= $1 OR claim_until > $2)",
                    " AND ",
                    $drivable!(),
                    " ORDER BY due, id LIMIT $3"
                ),
                concat!(
                    "SELECT id FROM ",
                    $table,
                    " WHERE ended IS NULL AND due > $2 AND (claim_until <= $1 OR claim_until > $2)",
                    " AND ",
                    $drivable!(),
                    " ORDER BY due, id LIMIT $3"
                ),
            ],
            concat!(
                "UPDATE ",
                $table,
                " SET claim_token = $2, claim_until = $3, due = $3",
                " WHERE id = $1 AND ended IS NULL AND (due <= $4 OR due > $5)",
                " AND (claim_until <= $4 OR claim_until > $5) RETURNING ",
                $columns!()
            ),
            concat!(
                "UPDATE ",
                $table,
                " SET claim_until = $3,",
                " due = CASE WHEN due = 0 THEN 0 ELSE $3 END WHERE id = $1 AND claim_token = $2"
            ),
            concat!(
                "UPDATE ",
                $table,
                " SET claim_token = NULL, claim_until = 0,",
                " due = CASE WHEN due = 0 THEN 0 ELSE $3 END WHERE id = $1 AND claim_token = $2"
            ),
            concat!("UPDATE ", $table, " SET due = 0 WHERE id = $1"),
        )
    };
}
pub(crate) use claim_sql;

impl ClaimSql {
    pub(crate) const fn new(
        candidates: [&'static str; 2],
        claim: &'static str,
        renew: &'static str,
        release: &'static str,
        nudge: &'static str,
    ) -> Self {
        Self {
            candidates,
            claim,
            renew,
            release,
            nudge,
        }
    }
}

impl Store {
    /// Claims up to `limit` rows that are due, free, and to be driven here. Looking costs no write; rows are then taken
    /// in the order of their ids, so that two workers never wait for each other in a circle.
    pub(crate) async fn claim(
        &self,
        sql: &ClaimSql,
        token: &ClaimToken,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<AnyRow>> {
        let ahead = now.after(AHEAD_MOST).millis();
        let mut ids = Vec::new();
        for candidates in sql.candidates {
            let rows = sqlx::query(candidates)
                .bind(now.millis())
                .bind(ahead)
                .bind(i64::from(limit))
                .bind(self.plane_text())
                .fetch_all(self.read())
                .await?;
            for row in &rows {
                ids.push(Columns(row).text("id")?);
            }
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        ids.sort_unstable();
        let mut transaction = self.write().begin().await?;
        let mut claimed = Vec::with_capacity(ids.len());
        for id in ids {
            let row = sqlx::query(sql.claim)
                .bind(id)
                .bind(self.claim_text(token))
                .bind(until.millis())
                .bind(now.millis())
                .bind(ahead)
                .fetch_optional(&mut *transaction)
                .await?;
            claimed.extend(row);
        }
        transaction.commit().await?;
        Ok(claimed)
    }

    pub(crate) async fn claim_renew(
        &self,
        sql: &ClaimSql,
        id: &str,
        token: &ClaimToken,
        until: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(sql.renew)
            .bind(id)
            .bind(self.claim_text(token))
            .bind(until.millis())
            .execute(self.write())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    pub(crate) async fn claim_release(
        &self,
        sql: &ClaimSql,
        id: &str,
        token: &ClaimToken,
        due: Timestamp,
    ) -> Result<()> {
        sqlx::query(sql.release)
            .bind(id)
            .bind(self.claim_text(token))
            .bind(due.millis())
            .execute(self.write())
            .await?;
        Ok(())
    }

    pub(crate) async fn claim_nudge(&self, sql: &ClaimSql, id: &str) -> Result<()> {
        sqlx::query(sql.nudge)
            .bind(id)
            .execute(self.write())
            .await?;
        Ok(())
    }
}

impl Store {
    /// Writes down whose a claim is: a process's of a control plane.
    fn claim_text(&self, token: &ClaimToken) -> String {
        format!("{}/{token}", self.plane_text())
    }

    /// Forgets the claims that earlier processes of this control plane had.
    pub(crate) async fn claims_forget_own(&self) -> Result<()> {
        // Nothing in an id means anything else to LIKE than itself or one character.
        let ours = format!("{}/%", self.plane_text());
        for sql in [
            "UPDATE pods SET claim_token = NULL, claim_until = 0, due = 0
             WHERE ended IS NULL AND claim_token LIKE $1",
            "UPDATE volumes SET claim_token = NULL, claim_until = 0, due = 0
             WHERE ended IS NULL AND claim_token LIKE $1",
            "UPDATE runs SET claim_token = NULL, claim_until = 0, due = 0
             WHERE ended IS NULL AND claim_token LIKE $1",
        ] {
            sqlx::query(sql).bind(&ours).execute(self.write()).await?;
        }
        Ok(())
    }

    /// Forgets every claim, so that what a dead control plane was at can be taken up at once.
    ///
    /// Only for the one control plane of a database: with several, claims must expire.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claims_forget(&self) -> Result<()> {
        for sql in [
            "UPDATE pods SET claim_token = NULL, claim_until = 0, due = 0 WHERE ended IS NULL",
            "UPDATE volumes SET claim_token = NULL, claim_until = 0, due = 0 WHERE ended IS NULL",
            "UPDATE runs SET claim_token = NULL, claim_until = 0, due = 0 WHERE ended IS NULL",
            "UPDATE deliveries SET claim_until = 0 WHERE state = 'due' AND claim_until > 0",
            "DELETE FROM seats",
            "UPDATE runs SET home = NULL WHERE ended IS NULL",
            "UPDATE planes SET alive_until = 0",
        ] {
            sqlx::query(sql).execute(self.write()).await?;
        }
        Ok(())
    }
}

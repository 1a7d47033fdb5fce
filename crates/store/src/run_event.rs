//! Events of runs: what happened, numbered without gaps.

use crate::error::{Error, Result};
use crate::pool::Store;
use crate::row::{Columns, clean};
use livery_domain::run::{EventKind, RunEvent, RunStep};
use livery_units::{RunId, Timestamp};

impl Store {
    /// Appends an event and returns it with its number. The run's own row counts the events, so
    /// that two writers wait for each other and numbers have no gaps.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such run.
    pub async fn run_event_append(
        &self,
        run: &RunId,
        at: Timestamp,
        step: RunStep,
        kind: EventKind,
        message: &str,
    ) -> Result<RunEvent> {
        let mut transaction = self.write().begin().await?;
        let counted = sqlx::query(
            "UPDATE runs SET event_count = event_count + 1 WHERE id = $1 RETURNING event_count",
        )
        .bind(run.as_str())
        .fetch_optional(&mut *transaction)
        .await?;
        let seq = Columns(&counted.ok_or(Error::NotFound)?).int("event_count")?;
        let message = clean(message);
        sqlx::query(
            "INSERT INTO run_events (run_id, seq, at_ms, step, kind, message)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(run.as_str())
        .bind(seq)
        .bind(at.millis())
        .bind(step.as_str())
        .bind(kind.as_str())
        .bind(message.as_str())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(RunEvent {
            seq,
            at,
            step,
            kind,
            message,
        })
    }

    /// Returns up to `limit` events after the one numbered `after_seq`, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_event_list(
        &self,
        run: &RunId,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<RunEvent>> {
        let rows = sqlx::query(
            "SELECT seq, at_ms, step, kind, message FROM run_events
             WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(run.as_str())
        .bind(after_seq)
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?;
        let event = |row| {
            let columns = Columns(row);
            Ok(RunEvent {
                seq: columns.int("seq")?,
                at: columns.time("at_ms")?,
                step: columns.parsed("step")?,
                kind: columns.parsed("kind")?,
                message: columns.text("message")?,
            })
        };
        rows.iter().map(event).collect()
    }
}

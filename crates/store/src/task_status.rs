//! Status rows of background tasks: when each last ran and what came of it.

use crate::error::Result;
use crate::pool::Store;
use crate::row::{Columns, clean};
use livery_units::Timestamp;

/// The last activation of a background task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRun {
    /// The task.
    pub name: String,
    /// When its last activation began.
    pub started: Timestamp,
    /// When that ended.
    pub finished: Timestamp,
    /// What came of it, as JSON.
    pub result_json: String,
    /// How often it has run.
    pub activations: i64,
}

impl Store {
    /// Records an activation of a task and counts it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn task_status_set(
        &self,
        name: &str,
        started: Timestamp,
        finished: Timestamp,
        result_json: &str,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO task_status (name, started, finished, result, activations)
             VALUES ($1, $2, $3, $4, 1)
             ON CONFLICT (name) DO UPDATE SET
                started = excluded.started, finished = excluded.finished,
                result = excluded.result, activations = task_status.activations + 1",
        )
        .bind(name)
        .bind(started.millis())
        .bind(finished.millis())
        .bind(clean(result_json))
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Returns the last activation of every task, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn task_status_list(&self) -> Result<Vec<TaskRun>> {
        let rows = sqlx::query(
            "SELECT name, started, finished, result, activations FROM task_status ORDER BY name",
        )
        .fetch_all(self.read())
        .await?;
        let task = |row| {
            let columns = Columns(row);
            Ok(TaskRun {
                name: columns.text("name")?,
                started: columns.time("started")?,
                finished: columns.time("finished")?,
                result_json: columns.text("result")?,
                activations: columns.int("activations")?,
            })
        };
        rows.iter().map(task).collect()
    }
}

//! Notes of runs: small values by name, in which steps keep what they need to resume.

use crate::error::Result;
use crate::pool::Store;
use crate::row::{Columns, clean};
use livery_units::RunId;

impl Store {
    /// Sets a note.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] when there is no such run.
    pub async fn run_note_set(&self, run: &RunId, name: &str, content: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO run_notes (run_id, name, content) VALUES ($1, $2, $3)
             ON CONFLICT (run_id, name) DO UPDATE SET content = excluded.content",
        )
        .bind(run.as_str())
        .bind(name)
        .bind(clean(content))
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Returns a note, if it was set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_note_get(&self, run: &RunId, name: &str) -> Result<Option<String>> {
        let row = sqlx::query("SELECT content FROM run_notes WHERE run_id = $1 AND name = $2")
            .bind(run.as_str())
            .bind(name)
            .fetch_optional(self.read())
            .await?;
        row.map(|row| Columns(&row).text("content")).transpose()
    }
}

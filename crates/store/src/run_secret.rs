//! Secrets of runs: in a table of their own, deleted when the run is over.

use crate::error::Result;
use crate::pool::Store;
use crate::row::Columns;
use livery_units::{RunId, Secret};
use sqlx::AnyConnection;
use std::collections::BTreeMap;

impl Store {
    /// Deletes the secrets of a run; on SQLite their place in the file is overwritten too, and in
    /// the log beside it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_secrets_forget(&self, run: &RunId) -> Result<()> {
        sqlx::query("DELETE FROM run_secrets WHERE run_id = $1")
            .bind(run.as_str())
            .execute(self.write())
            .await?;
        self.fold_log().await
    }

    pub(crate) async fn run_secrets(
        &self,
        run: &RunId,
    ) -> Result<BTreeMap<String, Secret<String>>> {
        let rows = sqlx::query("SELECT name, content FROM run_secrets WHERE run_id = $1")
            .bind(run.as_str())
            .fetch_all(self.read())
            .await?;
        let secret = |row| {
            let columns = Columns(row);
            Ok((columns.text("name")?, Secret::new(columns.text("content")?)))
        };
        rows.iter().map(secret).collect()
    }
}

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    run: &RunId,
    secrets: &BTreeMap<String, Secret<String>>,
) -> Result<()> {
    for (name, secret) in secrets {
        sqlx::query("INSERT INTO run_secrets (run_id, name, content) VALUES ($1, $2, $3)")
            .bind(run.as_str())
            .bind(name.as_str())
            .bind(secret.expose().as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(crate) async fn delete(connection: &mut AnyConnection, run: &RunId) -> Result<()> {
    sqlx::query("DELETE FROM run_secrets WHERE run_id = $1")
        .bind(run.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

//! Settings: single values by name, such as the server's identity.

use crate::error::Result;
use crate::pool::Store;
use crate::row::Columns;

impl Store {
    /// Returns a setting.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting_get(&self, name: &str) -> Result<Option<String>> {
        let row = sqlx::query("SELECT content FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(self.read())
            .await?;
        row.map(|row| Columns(&row).text("content")).transpose()
    }

    /// Takes a setting away; one that is not there is gone already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting_delete(&self, name: &str) -> Result<()> {
        sqlx::query("DELETE FROM settings WHERE name = $1")
            .bind(name)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting_set(&self, name: &str, content: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO settings (name, content) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET content = excluded.content",
        )
        .bind(name)
        .bind(content)
        .execute(self.write())
        .await?;
        Ok(())
    }
}

//! Hosts: machines of ours that the control plane knows.

use crate::error::Result;
use crate::pool::Store;
use crate::row::{Columns, millis, to_json};
use crate::twin::RateTwin;
use livery_units::{HostId, Rate, Timestamp};

/// A host as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRow {
    /// Its id.
    pub id: HostId,
    /// Shown to people.
    pub name: String,
    /// Where its agent answers.
    pub address: String,
    /// What it costs.
    pub price: Rate,
    /// When it was first known.
    pub added: Timestamp,
    /// When its agent last answered.
    pub last_seen: Option<Timestamp>,
}

impl Store {
    /// Keeps a host, or changes what is kept of it; when it was first known stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_upsert(&self, host: &HostRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO hosts (id, name, address, price, added, last_seen)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET
                name = excluded.name, address = excluded.address, price = excluded.price,
                last_seen = excluded.last_seen",
        )
        .bind(host.id.as_str())
        .bind(host.name.as_str())
        .bind(host.address.as_str())
        .bind(to_json(&RateTwin::from(host.price))?)
        .bind(host.added.millis())
        .bind(millis(host.last_seen))
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Returns all hosts, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_list(&self) -> Result<Vec<HostRow>> {
        let rows = sqlx::query(
            "SELECT id, name, address, price, added, last_seen FROM hosts ORDER BY added, id",
        )
        .fetch_all(self.read())
        .await?;
        let host = |row| {
            let columns = Columns(row);
            Ok(HostRow {
                id: columns.parsed("id")?,
                name: columns.text("name")?,
                address: columns.text("address")?,
                price: columns.json::<RateTwin>("price")?.into(),
                added: columns.time("added")?,
                last_seen: columns.time_option("last_seen")?,
            })
        };
        rows.iter().map(host).collect()
    }

    /// Forgets a host; one that is not kept is forgotten already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_delete(&self, id: &HostId) -> Result<()> {
        sqlx::query("DELETE FROM hosts WHERE id = $1")
            .bind(id.as_str())
            .execute(self.write())
            .await?;
        Ok(())
    }
}

//! Strays: network volumes that suppliers list and that no volume of the store stands for.

use crate::error::{Error, Result};
use crate::pool::Store;
use crate::row::{Columns, Unread, Which, clean, unread};
use livery_domain::offer::SupplierName;
use livery_domain::orphan::Stray;
use livery_units::{Bytes, Timestamp, VolumeId};
use sqlx::any::AnyRow;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT supplier, host, volume_id, size, first_seen, last_seen, end_asked, gone, detail \
             FROM strays ",
            $rest
        )
    };
}

impl Store {
    /// Keeps what was found now: a new stray, or a new look at a known one. When it was first seen and
    /// whether its end was asked for stay as they are; returns it so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stray_saw(&self, found: &Stray) -> Result<Stray> {
        let size = i64::try_from(found.size.get()).unwrap_or(i64::MAX);
        let row = sqlx::query(
            "INSERT INTO strays (supplier, host, volume_id, size, first_seen, last_seen, end_asked,
                gone, detail)
             VALUES ($1, $2, $3, $4, $5, $6, NULL, NULL, $7)
             ON CONFLICT (supplier, host, volume_id) DO UPDATE SET
                size = excluded.size,
                first_seen = CASE WHEN strays.gone IS NULL THEN strays.first_seen
                                  ELSE excluded.first_seen END,
                end_asked = CASE WHEN strays.gone IS NULL THEN strays.end_asked ELSE NULL END,
                last_seen = excluded.last_seen, gone = NULL, detail = excluded.detail
             RETURNING supplier, host, volume_id, size, first_seen, last_seen, end_asked, gone,
                detail",
        )
        .bind(found.supplier.as_str())
        .bind(found.host.as_str())
        .bind(found.volume.as_str())
        .bind(size)
        .bind(found.first_seen.millis())
        .bind(found.last_seen.millis())
        .bind(found.detail.as_deref().map(clean))
        .fetch_one(self.write())
        .await?;
        stray(&row)
    }

    /// Records that a stray was found no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stray_gone(&self, stray: &Stray, at: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE strays SET gone = $4, detail = NULL
             WHERE supplier = $1 AND host = $2 AND volume_id = $3 AND gone IS NULL",
        )
        .bind(stray.supplier.as_str())
        .bind(stray.host.as_str())
        .bind(stray.volume.as_str())
        .bind(at.millis())
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Asks for the end of every stray of that id that is still there; returns how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stray_end_ask(&self, volume: &VolumeId, at: Timestamp) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE strays SET end_asked = COALESCE(end_asked, $2)
             WHERE gone IS NULL AND volume_id = $1",
        )
        .bind(volume.as_str())
        .bind(at.millis())
        .execute(self.write())
        .await?;
        Ok(done.rows_affected())
    }

    /// Returns strays, the newest first; [`Which::All`] has those too that are gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stray_list(&self, which: Which) -> Result<Vec<Stray>> {
        let sql = match which {
            Which::Live => select!("WHERE gone IS NULL ORDER BY first_seen DESC, volume_id, host"),
            Which::All => select!("ORDER BY first_seen DESC, volume_id, host"),
        };
        let rows = sqlx::query(sql).fetch_all(self.read()).await?;
        Ok(self.readable("strays", &rows, stray))
    }

    /// Returns strays that are there and whose rows cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stray_unread(&self) -> Result<Vec<Unread>> {
        let rows = sqlx::query(select!("WHERE gone IS NULL ORDER BY first_seen DESC"))
            .fetch_all(self.read())
            .await?;
        Ok(unread(&rows, stray))
    }

    /// Forgets strays that were gone before that time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn strays_forget(&self, gone_before: Timestamp) -> Result<()> {
        sqlx::query("DELETE FROM strays WHERE gone IS NOT NULL AND gone < $1")
            .bind(gone_before.millis())
            .execute(self.write())
            .await?;
        Ok(())
    }
}

fn stray(row: &AnyRow) -> Result<Stray> {
    let columns = Columns(row);
    let size = u64::try_from(columns.int("size")?);
    Ok(Stray {
        supplier: SupplierName::new(columns.text("supplier")?),
        host: columns.parsed("host")?,
        volume: columns.parsed("volume_id")?,
        size: Bytes::new(size.map_err(|error| Error::column("size", error))?),
        first_seen: columns.time("first_seen")?,
        last_seen: columns.time("last_seen")?,
        end_asked: columns.time_option("end_asked")?,
        gone: columns.time_option("gone")?,
        detail: columns.text_option("detail")?,
    })
}

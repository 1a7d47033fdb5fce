//! Orphans: what suppliers list and the store does not own, and the other way round.

use crate::error::Result;
use crate::pool::Store;
use crate::row::{Columns, Unread, Which, clean, unread};
use livery_domain::offer::SupplierName;
use livery_domain::orphan::Orphan;
use livery_units::Timestamp;
use sqlx::any::AnyRow;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT supplier, launch_key, foreign_id, kind, pod_id, account_id, first_seen, \
             last_seen, end_asked, gone, detail FROM orphans ",
            $rest
        )
    };
}

impl Store {
    /// Keeps what was found now: a new orphan, or a new look at a known one. When it was first seen
    /// and whether its end was asked for stay as they are; returns it so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orphan_saw(&self, found: &Orphan) -> Result<Orphan> {
        let row = sqlx::query(
            "INSERT INTO orphans (supplier, launch_key, foreign_id, kind, pod_id, account_id,
                first_seen, last_seen, end_asked, gone, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, NULL, $9)
             ON CONFLICT (supplier, launch_key, foreign_id) DO UPDATE SET
                kind = excluded.kind, pod_id = excluded.pod_id, account_id = excluded.account_id,
                first_seen = CASE WHEN orphans.gone IS NULL THEN orphans.first_seen
                                  ELSE excluded.first_seen END,
                last_seen = excluded.last_seen, gone = NULL, detail = excluded.detail
             RETURNING supplier, launch_key, foreign_id, kind, pod_id, account_id, first_seen,
                last_seen, end_asked, gone, detail",
        )
        .bind(found.supplier.as_str())
        .bind(found.key.as_str())
        .bind(clean(&found.foreign_id))
        .bind(found.kind.as_str())
        .bind(found.pod.as_ref().map(ToString::to_string))
        .bind(found.account.as_ref().map(ToString::to_string))
        .bind(found.first_seen.millis())
        .bind(found.last_seen.millis())
        .bind(found.detail.as_deref().map(clean))
        .fetch_one(self.write())
        .await?;
        orphan(&row)
    }

    /// Records that an orphan was found no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orphan_gone(&self, orphan: &Orphan, at: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE orphans SET gone = $4, detail = NULL
             WHERE supplier = $1 AND launch_key = $2 AND foreign_id = $3 AND gone IS NULL",
        )
        .bind(orphan.supplier.as_str())
        .bind(orphan.key.as_str())
        .bind(clean(&orphan.foreign_id))
        .bind(at.millis())
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Asks for the end of every orphan with that launch key or foreign id that is still there;
    /// returns how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orphan_end_ask(&self, key_or_foreign_id: &str, at: Timestamp) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE orphans SET end_asked = COALESCE(end_asked, $2)
             WHERE gone IS NULL AND (launch_key = $1 OR foreign_id = $1)",
        )
        .bind(clean(key_or_foreign_id))
        .bind(at.millis())
        .execute(self.write())
        .await?;
        Ok(done.rows_affected())
    }

    /// Returns orphans, the newest first; [`Which::All`] has those too that are gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orphan_list(&self, which: Which) -> Result<Vec<Orphan>> {
        let sql = match which {
            Which::Live => {
                select!("WHERE gone IS NULL ORDER BY first_seen DESC, launch_key, foreign_id")
            }
            Which::All => select!("ORDER BY first_seen DESC, launch_key, foreign_id"),
        };
        let rows = sqlx::query(sql).fetch_all(self.read()).await?;
        Ok(self.readable("orphans", &rows, orphan))
    }

    /// Returns orphans that are there and whose rows cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orphan_unread(&self) -> Result<Vec<Unread>> {
        let rows = sqlx::query(select!("WHERE gone IS NULL ORDER BY first_seen DESC"))
            .fetch_all(self.read())
            .await?;
        Ok(unread(&rows, orphan))
    }

    /// Forgets orphans that were gone before that time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orphans_forget(&self, gone_before: Timestamp) -> Result<()> {
        sqlx::query("DELETE FROM orphans WHERE gone IS NOT NULL AND gone < $1")
            .bind(gone_before.millis())
            .execute(self.write())
            .await?;
        Ok(())
    }
}

fn orphan(row: &AnyRow) -> Result<Orphan> {
    let columns = Columns(row);
    Ok(Orphan {
        supplier: SupplierName::new(columns.text("supplier")?),
        key: columns.parsed("launch_key")?,
        foreign_id: columns.text("foreign_id")?,
        kind: columns.parsed("kind")?,
        pod: columns.parsed_option("pod_id")?,
        account: columns.parsed_option("account_id")?,
        first_seen: columns.time("first_seen")?,
        last_seen: columns.time("last_seen")?,
        end_asked: columns.time_option("end_asked")?,
        gone: columns.time_option("gone")?,
        detail: columns.text_option("detail")?,
    })
}

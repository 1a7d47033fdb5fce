//! Network volumes.

use crate::claim::{ClaimSql, claim_sql};
use crate::count::Count;
use crate::error::{Error, Result};
use crate::plane::drivable;
use crate::pool::Store;
use crate::row::{Columns, Unread, Which, clean, millis, to_json, unread};
use crate::twin::RateTwin;
use livery_domain::offer::SupplierName;
use livery_domain::pod::Pod;
use livery_domain::volume::{NetworkVolume, VolumeObserved};
use livery_units::{AccountId, Bytes, ClaimToken, PodId, Timestamp, VolumeId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

macro_rules! columns {
    () => {
        "id, account_id, name, size, supplier, host, rate, desired, observed, size_seen, reason, \
         attempts, created, began, kept_until, ended, observed_at, generation, \
         counted, counted_wall, counted_clock, counted_shows"
    };
}

macro_rules! drivable_here {
    () => {
        drivable!("volumes.host")
    };
}

const CLAIM: ClaimSql = claim_sql!("volumes", columns, drivable_here);

const INSERT: &str = concat!(
    "INSERT INTO volumes (",
    columns!(),
    ", due, claim_token, claim_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
     $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, 0, NULL, 0)"
);

const UPDATE: &str = "UPDATE volumes SET size = $3, desired = $4, observed = $5, size_seen = $6, \
     reason = $7, attempts = $8, began = $9, kept_until = $10, ended = $11, observed_at = $12, \
     counted = $13, counted_wall = $14, counted_clock = $15, counted_shows = $16, \
     generation = generation + 1 WHERE id = $1 AND generation = $2";

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM volumes ", $rest)
    };
}

impl Store {
    /// Keeps a new volume; it is due at once.
    ///
    /// # Errors
    /// [`Error::Exists`] when its id is taken, or its name among the account's volumes that are not
    /// gone; [`Error::Refused`] when its account is not there or it is larger than can be counted.
    pub async fn volume_insert(&self, volume: &NetworkVolume) -> Result<()> {
        let (observed, size_seen) = observed(volume.observed)?;
        let count = Count::of(volume.counted);
        sqlx::query(INSERT)
            .bind(volume.id.as_str())
            .bind(volume.account.as_str())
            .bind(volume.name.as_str())
            .bind(bytes(volume.size)?)
            .bind(volume.supplier.as_str())
            .bind(volume.host.as_str())
            .bind(to_json(&RateTwin::from(volume.rate))?)
            .bind(volume.desired.as_str())
            .bind(observed)
            .bind(size_seen)
            .bind(volume.reason.as_deref().map(clean))
            .bind(i64::from(volume.attempts))
            .bind(volume.created.millis())
            .bind(millis(volume.began))
            .bind(millis(volume.kept_until))
            .bind(millis(volume.ended))
            .bind(millis(volume.observed_at))
            .bind(volume.generation)
            .bind(count.own)
            .bind(count.wall)
            .bind(count.clock)
            .bind(count.shows)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Returns a volume.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such volume.
    pub async fn volume_fetch(&self, id: &VolumeId) -> Result<NetworkVolume> {
        let row = sqlx::query(select!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_one(self.read())
            .await?;
        volume(&row)
    }

    /// Returns volumes of one account or of all, the newest first, without those whose rows cannot be
    /// read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn volume_list(
        &self,
        account: Option<&AccountId>,
        which: Which,
    ) -> Result<Vec<NetworkVolume>> {
        let sql = match (account, which) {
            (Some(_), Which::Live) => {
                select!("WHERE account_id = $1 AND ended IS NULL ORDER BY created DESC, id DESC")
            }
            (Some(_), Which::All) => {
                select!("WHERE account_id = $1 ORDER BY created DESC, id DESC")
            }
            (None, Which::Live) => select!("WHERE ended IS NULL ORDER BY created DESC, id DESC"),
            (None, Which::All) => select!("ORDER BY created DESC, id DESC"),
        };
        let mut query = sqlx::query(sql);
        if let Some(account) = account {
            query = query.bind(account.as_str());
        }
        let rows = query.fetch_all(self.read()).await?;
        Ok(self.readable("volumes", &rows, volume))
    }

    /// Returns volumes of one account that live or ended at `since` or later, the newest first, without
    /// those whose rows cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn volume_list_since(
        &self,
        account: &AccountId,
        since: Timestamp,
    ) -> Result<Vec<NetworkVolume>> {
        let rows = sqlx::query(select!(
            "WHERE account_id = $1 AND (ended IS NULL OR ended >= $2) \
             ORDER BY created DESC, id DESC"
        ))
        .bind(account.as_str())
        .bind(since.millis())
        .fetch_all(self.read())
        .await?;
        Ok(self.readable("volumes", &rows, volume))
    }

    /// Returns volumes of an account that live and whose rows cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn volume_unread(&self, account: &AccountId) -> Result<Vec<Unread>> {
        let rows = sqlx::query(select!(
            "WHERE account_id = $1 AND ended IS NULL ORDER BY created DESC, id DESC"
        ))
        .bind(account.as_str())
        .fetch_all(self.read())
        .await?;
        Ok(unread(&rows, volume))
    }

    /// Returns which pod has a volume: at most one that has not ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn volume_holder(&self, id: &VolumeId) -> Result<Option<PodId>> {
        let row = sqlx::query("SELECT id FROM pods WHERE network_volume = $1 AND ended IS NULL")
            .bind(id.as_str())
            .fetch_optional(self.read())
            .await?;
        row.map(|row| Columns(&row).parsed("id")).transpose()
    }

    /// Writes what may change of a volume, if nobody else wrote since it was read, and no pod took
    /// it; returns it with its new generation. Its account, name, place, rate and creation never
    /// change.
    ///
    /// # Errors
    /// [`Error::Stale`] when somebody else wrote, [`Error::NotFound`] when there is no such volume.
    pub async fn volume_update(&self, volume: &NetworkVolume) -> Result<NetworkVolume> {
        let mut connection = self.write().acquire().await?;
        let updated = update_on(&mut connection, volume).await;
        drop(connection);
        if updated == Err(Error::Stale) {
            self.volume_fetch(&volume.id).await?;
        }
        updated?;
        Ok(NetworkVolume {
            generation: volume.generation + 1,
            ..volume.clone()
        })
    }

    /// Claims up to `limit` volumes that are due and that nobody holds, until `until`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn volume_claim(
        &self,
        token: &ClaimToken,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<NetworkVolume>> {
        let rows = self.claim(&CLAIM, token, now, until, limit).await?;
        Ok(self.readable("volumes", &rows, volume))
    }

    /// Gives a claimed volume back, to be looked at again at `due`; nothing when the claim was lost.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn volume_release(
        &self,
        id: &VolumeId,
        token: &ClaimToken,
        due: Timestamp,
    ) -> Result<()> {
        self.claim_release(&CLAIM, id.as_str(), token, due).await
    }

    /// Makes a volume due at once, or as soon as the present claim on it ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn volume_nudge(&self, id: &VolumeId) -> Result<()> {
        self.claim_nudge(&CLAIM, id.as_str()).await
    }
}

/// Writes what may change of a volume within a transaction.
pub(crate) async fn update_on(
    connection: &mut AnyConnection,
    volume: &NetworkVolume,
) -> Result<()> {
    let (observed, size_seen) = observed(volume.observed)?;
    let count = Count::of(volume.counted);
    let done = sqlx::query(UPDATE)
        .bind(volume.id.as_str())
        .bind(volume.generation)
        .bind(bytes(volume.size)?)
        .bind(volume.desired.as_str())
        .bind(observed)
        .bind(size_seen)
        .bind(volume.reason.as_deref().map(clean))
        .bind(i64::from(volume.attempts))
        .bind(millis(volume.began))
        .bind(millis(volume.kept_until))
        .bind(millis(volume.ended))
        .bind(millis(volume.observed_at))
        .bind(count.own)
        .bind(count.wall)
        .bind(count.clock)
        .bind(count.shows)
        .execute(connection)
        .await?;
    match done.rows_affected() {
        0 => Err(Error::Stale),
        _ => Ok(()),
    }
}

/// Has a new pod take its network volume, in the transaction that keeps the pod.
///
/// The volume gets a new generation, so that whoever decided to delete it before that must look
/// again.
pub(crate) async fn take(connection: &mut AnyConnection, pod: &Pod) -> Result<()> {
    let Some(mount) = &pod.order.network_volume else {
        return Ok(());
    };
    let volume = &mount.volume;
    let found = sqlx::query(
        "UPDATE volumes SET generation = generation + 1
         WHERE id = $1 AND account_id = $2 AND desired = 'present' AND ended IS NULL",
    )
    .bind(volume.as_str())
    .bind(pod.account.as_str())
    .execute(&mut *connection)
    .await?;
    if found.rows_affected() == 0 {
        return Err(Error::NotFound);
    }
    let taken = sqlx::query("UPDATE pods SET network_volume = $2 WHERE id = $1")
        .bind(pod.id.as_str())
        .bind(volume.as_str())
        .execute(&mut *connection)
        .await;
    match taken.map_err(Error::from) {
        Ok(_) => Ok(()),
        Err(Error::Exists) => Err(Error::InUse),
        Err(error) => Err(error),
    }
}

const UNKNOWN: &str = "unknown";
const ABSENT: &str = "absent";
const PRESENT: &str = "present";

fn observed(observed: VolumeObserved) -> Result<(&'static str, Option<i64>)> {
    match observed {
        VolumeObserved::Unknown => Ok((UNKNOWN, None)),
        VolumeObserved::Absent => Ok((ABSENT, None)),
        VolumeObserved::Present(size) => Ok((PRESENT, Some(bytes(size)?))),
    }
}

fn bytes(size: Bytes) -> Result<i64> {
    i64::try_from(size.get()).map_err(|_| Error::Refused(format!("no volume has {size}")))
}

fn volume(row: &AnyRow) -> Result<NetworkVolume> {
    let columns = Columns(row);
    let attempts = columns.int("attempts")?;
    let size = |name: &str, bytes: i64| -> Result<Bytes> {
        let bytes = u64::try_from(bytes).map_err(|error| Error::column(name, error))?;
        Ok(Bytes::new(bytes))
    };
    let seen = columns.int_option("size_seen")?;
    Ok(NetworkVolume {
        id: columns.parsed("id")?,
        account: columns.parsed("account_id")?,
        name: columns.text("name")?,
        size: size("size", columns.int("size")?)?,
        supplier: SupplierName::new(columns.text("supplier")?),
        host: columns.parsed("host")?,
        rate: columns.json::<RateTwin>("rate")?.into(),
        desired: columns.parsed("desired")?,
        observed: match (columns.text("observed")?.as_str(), seen) {
            (UNKNOWN, _) => VolumeObserved::Unknown,
            (ABSENT, _) => VolumeObserved::Absent,
            (PRESENT, Some(seen)) => VolumeObserved::Present(size("size_seen", seen)?),
            (other, _) => return Err(Error::column("observed", format!("`{other}`"))),
        },
        reason: columns.text_option("reason")?,
        attempts: u32::try_from(attempts).map_err(|error| Error::column("attempts", error))?,
        created: columns.time("created")?,
        began: columns.time_option("began")?,
        kept_until: columns.time_option("kept_until")?,
        ended: columns.time_option("ended")?,
        observed_at: columns.time_option("observed_at")?,
        counted: columns.counted()?,
        generation: columns.int("generation")?,
    })
}

//! Control planes that share a database, and which hosts are connected to which.
//!
//! A control plane that lives says so again and again, in one row however many hosts it has. A seat says
//! that a host is connected to it. What is on a host is claimed by whoever has a seat for it; while nobody
//! who lives has one, by anybody, so that what it needs is seen to and said. A host may be connected to
//! several: claims see to it that one drives. A control plane without a name is the only one of its
//! database; it has no seats and needs none.

use crate::claim::AHEAD_MOST;
use crate::error::Result;
use crate::pool::Store;
use crate::row::Columns;
use livery_units::{HostId, PlaneId, RunId, Timestamp};

/// The SQL of whether a row is to be driven by the control plane `$4`, at the time `$1`; one that is alive
/// for longer than until `$2` was written by a clock that was set back since. `$host` is the row's host.
macro_rules! drivable {
    ($host:literal) => {
        $crate::plane::drivable!($host, "1 = 1")
    };
    ($host:literal, $of_nobody:literal) => {
        concat!(
            "(EXISTS (SELECT 1 FROM seats WHERE seats.host = ",
            $host,
            " AND seats.plane = $4) OR (NOT EXISTS (SELECT 1 FROM seats JOIN planes ON ",
            "planes.id = seats.plane WHERE seats.host = ",
            $host,
            " AND planes.alive_until > $1 AND planes.alive_until <= $2) AND ",
            $of_nobody,
            "))"
        )
    };
}
pub(crate) use drivable;

/// Whether a run is to be driven here. Without a host that somebody has, it is whose its files are.
macro_rules! run_drivable {
    () => {
        $crate::plane::drivable!(
            "(SELECT pods.host FROM pods WHERE pods.id = runs.pod_id)",
            "NOT EXISTS (SELECT 1 FROM planes WHERE planes.id = runs.home AND planes.id <> $4 \
             AND planes.alive_until > $1 AND planes.alive_until <= $2)"
        )
    };
}
pub(crate) use run_drivable;

const RUN_STAYS: &str = concat!("SELECT id FROM runs WHERE id = $3 AND ", run_drivable!());

/// A control plane that has something of which another was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its id.
    pub plane: PlaneId,
    /// How people find it.
    pub name: String,
}

impl Store {
    /// Returns the database as one of several control planes has it: by that id it holds seats, and
    /// claims what it can drive.
    pub fn of_plane(&self, plane: PlaneId) -> Self {
        let mut store = self.clone();
        store.plane = Some(plane);
        store
    }

    /// Returns the id by which this control plane claims; no row's when it is the only one.
    pub(crate) fn plane_text(&self) -> &str {
        self.plane.as_ref().map_or("", PlaneId::as_str)
    }

    /// Says that this control plane lives, and how people find it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn plane_alive(&self, name: &str, until: Timestamp) -> Result<()> {
        let Some(plane) = &self.plane else {
            return Ok(());
        };
        sqlx::query(
            "INSERT INTO planes (id, name, alive_until) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET
                name = excluded.name, alive_until = excluded.alive_until",
        )
        .bind(plane.as_str())
        .bind(crate::row::clean(name))
        .bind(until.millis())
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Says that a host is connected here. Its pods are due at once: how it is with them was perhaps
    /// not known for long.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seat_take(&self, host: &HostId) -> Result<()> {
        let Some(plane) = &self.plane else {
            return Ok(());
        };
        sqlx::query("INSERT INTO seats (host, plane) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(host.as_str())
            .bind(plane.as_str())
            .execute(self.write())
            .await?;
        sqlx::query("UPDATE pods SET due = 0 WHERE host = $1 AND ended IS NULL")
            .bind(host.as_str())
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Says that a host is connected here no longer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seat_leave(&self, host: &HostId) -> Result<()> {
        sqlx::query("DELETE FROM seats WHERE host = $1 AND plane = $2")
            .bind(host.as_str())
            .bind(self.plane_text())
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Forgets what this control plane had when it ended: its seats, and the claims of its process. The
    /// lock on its data says that this process is alone with it, so nothing is waited for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn plane_begin(&self) -> Result<()> {
        sqlx::query("DELETE FROM seats WHERE plane = $1")
            .bind(self.plane_text())
            .execute(self.write())
            .await?;
        self.claims_forget_own().await
    }

    /// Returns another control plane that lives and to which a host is connected.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seat_elsewhere(&self, host: &HostId, now: Timestamp) -> Result<Option<Elsewhere>> {
        let row = sqlx::query(
            "SELECT planes.id AS id, planes.name AS name
             FROM seats JOIN planes ON planes.id = seats.plane
             WHERE seats.host = $1 AND planes.id <> $2
                AND planes.alive_until > $3 AND planes.alive_until <= $4
             ORDER BY planes.id LIMIT 1",
        )
        .bind(host.as_str())
        .bind(self.plane_text())
        .bind(now.millis())
        .bind(now.after(AHEAD_MOST).millis())
        .fetch_optional(self.read())
        .await?;
        row.map(|row| elsewhere(&Columns(&row))).transpose()
    }

    /// Returns whether this control plane is still the one to drive a run, and makes itself the run's
    /// home when its pod's host is connected here.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_stays(&self, run: &RunId, now: Timestamp) -> Result<bool> {
        let Some(plane) = &self.plane else {
            return Ok(true);
        };
        sqlx::query(
            "UPDATE runs SET home = $2 WHERE id = $1 AND COALESCE(home, '') <> $2
             AND EXISTS (SELECT 1 FROM pods JOIN seats ON seats.host = pods.host
                WHERE pods.id = runs.pod_id AND seats.plane = $2)",
        )
        .bind(run.as_str())
        .bind(plane.as_str())
        .execute(self.write())
        .await?;
        let row = sqlx::query(RUN_STAYS)
            .bind(now.millis())
            .bind(now.after(AHEAD_MOST).millis())
            .bind(run.as_str())
            .bind(plane.as_str())
            .fetch_optional(self.read())
            .await?;
        Ok(row.is_some())
    }

    /// Returns the control plane that has a run's files, its log and its results, when that is another.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_elsewhere(&self, run: &RunId) -> Result<Option<Elsewhere>> {
        let row = sqlx::query(
            "SELECT planes.id AS id, planes.name AS name
             FROM runs JOIN planes ON planes.id = runs.home
             WHERE runs.id = $1 AND planes.id <> $2",
        )
        .bind(run.as_str())
        .bind(self.plane_text())
        .fetch_optional(self.read())
        .await?;
        row.map(|row| elsewhere(&Columns(&row))).transpose()
    }
}

fn elsewhere(columns: &Columns<'_>) -> Result<Elsewhere> {
    Ok(Elsewhere {
        plane: columns.parsed("id")?,
        name: columns.text("name")?,
    })
}

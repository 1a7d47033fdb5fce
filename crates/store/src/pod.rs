//! Pods.

use crate::claim::{ClaimSql, claim_sql};
use crate::count::Count;
use crate::error::{Error, Result};
use crate::plane::drivable;
use crate::policy_twin::PolicyTwin;
use crate::pool::Store;
use crate::row::{Columns, Unread, Which, clean, millis, to_json, unread};
use crate::twin::{OfferTwin, OrderTwin};
use crate::volume;
use livery_domain::pod::Pod;
use livery_units::{AccountId, ClaimToken, LaunchKey, PodId, RunId, Timestamp};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

macro_rules! columns {
    () => {
        "id, account_id, pod_order, offer, run_id, launch_key, foreign_id, desired, observed, \
         reason, failure, attempts, created, started, up_until, ended, observed_at, generation, \
         policy, ruled, counted, counted_wall, counted_clock, counted_shows, starts"
    };
}

macro_rules! drivable_here {
    () => {
        drivable!("pods.host")
    };
}

const CLAIM: ClaimSql = claim_sql!("pods", columns, drivable_here);

const INSERT: &str = concat!(
    "INSERT INTO pods (",
    columns!(),
    ", host, due, claim_token, claim_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
     $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, 0, NULL, 0)"
);

const UPDATE: &str = "UPDATE pods SET foreign_id = $3, desired = $4, observed = $5, reason = $6, \
     failure = $7, attempts = $8, started = $9, up_until = $10, ended = $11, observed_at = $12, \
     policy = $13, ruled = $14, counted = $15, counted_wall = $16, counted_clock = $17, \
     counted_shows = $18, starts = $19, policy_due = CASE WHEN desired <> $4 OR policy <> $13 OR \
     COALESCE(started, -1) <> COALESCE($9, -1) THEN 0 ELSE policy_due END, \
     host = COALESCE(host, $20), generation = generation + 1 WHERE id = $1 AND generation = $2";

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM pods ", $rest)
    };
}

impl Store {
    /// Keeps a new pod; it is due at once.
    ///
    /// # Errors
    /// [`Error::Exists`] when its id or launch key is taken, [`Error::Refused`] when its account is
    /// not there; [`Error::NotFound`] and [`Error::InUse`] for the network volume that it takes.
    pub async fn pod_insert(&self, pod: &Pod) -> Result<()> {
        self.pod_insert_held(pod, None, &[]).await
    }

    /// Returns a pod.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such pod.
    pub async fn pod_fetch(&self, id: &PodId) -> Result<Pod> {
        let row = sqlx::query(select!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_one(self.read())
            .await?;
        pod(&row)
    }

    /// Returns the pod with that launch key, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_by_key(&self, key: &LaunchKey) -> Result<Option<Pod>> {
        let row = sqlx::query(select!("WHERE launch_key = $1"))
            .bind(key.as_str())
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(pod).transpose()
    }

    /// Returns pods of one account or of all, the newest first, without those whose rows cannot be
    /// read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_list(&self, account: Option<&AccountId>, which: Which) -> Result<Vec<Pod>> {
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
        Ok(self.readable("pods", &rows, pod))
    }

    /// Returns pods of one account that live or ended at `since` or later, the newest first, without
    /// those whose rows cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_list_since(&self, account: &AccountId, since: Timestamp) -> Result<Vec<Pod>> {
        let rows = sqlx::query(select!(
            "WHERE account_id = $1 AND (ended IS NULL OR ended >= $2) \
             ORDER BY created DESC, id DESC"
        ))
        .bind(account.as_str())
        .bind(since.millis())
        .fetch_all(self.read())
        .await?;
        Ok(self.readable("pods", &rows, pod))
    }

    /// Returns pods of an account that live and whose rows cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_unread(&self, account: &AccountId) -> Result<Vec<Unread>> {
        let rows = sqlx::query(select!(
            "WHERE account_id = $1 AND ended IS NULL ORDER BY created DESC, id DESC"
        ))
        .bind(account.as_str())
        .fetch_all(self.read())
        .await?;
        Ok(unread(&rows, pod))
    }

    /// Returns every pod that a run ever had, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_list_of_run(&self, run: &RunId) -> Result<Vec<Pod>> {
        let rows = sqlx::query(select!("WHERE run_id = $1 ORDER BY created DESC, id DESC"))
            .bind(run.as_str())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(pod).collect()
    }

    /// Writes what may change of a pod, if nobody else wrote since it was read; returns it with its
    /// new generation. Its account, order, offer, run, launch key and creation never change.
    ///
    /// # Errors
    /// [`Error::Stale`] when somebody else wrote, [`Error::NotFound`] when there is no such pod.
    pub async fn pod_update(&self, pod: &Pod) -> Result<Pod> {
        let mut connection = self.write().acquire().await?;
        let updated = update_on(&mut connection, pod).await;
        drop(connection);
        if updated == Err(Error::Stale) {
            self.pod_fetch(&pod.id).await?;
        }
        updated?;
        let generation = pod.generation + 1;
        Ok(Pod {
            generation,
            ..pod.clone()
        })
    }

    /// Claims up to `limit` live pods that are due and that nobody holds, until `until`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_claim(
        &self,
        token: &ClaimToken,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Pod>> {
        let rows = self.claim(&CLAIM, token, now, until, limit).await?;
        Ok(self.readable("pods", &rows, pod))
    }

    /// Holds a claimed pod for longer; `false` when the claim was lost.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_claim_renew(
        &self,
        id: &PodId,
        token: &ClaimToken,
        until: Timestamp,
    ) -> Result<bool> {
        self.claim_renew(&CLAIM, id.as_str(), token, until).await
    }

    /// Returns live pods whose policies are to be looked at, the longest due first. One that is due
    /// after `ahead` was put off by a clock that was set back since, and is due too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_policy_due(
        &self,
        now: Timestamp,
        ahead: Timestamp,
        limit: u32,
    ) -> Result<Vec<Pod>> {
        let rows = sqlx::query(select!(
            "WHERE ended IS NULL AND (policy_due <= $1 OR policy_due > $2) \
             ORDER BY policy_due, id LIMIT $3"
        ))
        .bind(now.millis())
        .bind(ahead.millis())
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?;
        Ok(self.readable("pods", &rows, pod))
    }

    /// Gives a claimed pod back, to be looked at again at `due`; nothing when the claim was lost.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_release(&self, id: &PodId, token: &ClaimToken, due: Timestamp) -> Result<()> {
        self.claim_release(&CLAIM, id.as_str(), token, due).await
    }

    /// Makes a pod due at once, or as soon as the present claim on it ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_nudge(&self, id: &PodId) -> Result<()> {
        self.claim_nudge(&CLAIM, id.as_str()).await
    }
}

/// Keeps a new pod within a transaction.
pub(crate) async fn insert_on(connection: &mut AnyConnection, pod: &Pod) -> Result<()> {
    let count = Count::of(pod.counted);
    sqlx::query(INSERT)
        .bind(pod.id.as_str())
        .bind(pod.account.as_str())
        .bind(to_json(&OrderTwin::from(&pod.order))?)
        .bind(to_json(&OfferTwin::from(&pod.offer))?)
        .bind(pod.run.as_ref().map(|run| run.to_string()))
        .bind(pod.launch_key.as_str())
        .bind(pod.foreign_id.clone())
        .bind(pod.desired.as_str())
        .bind(pod.observed.as_str())
        .bind(pod.reason.as_deref().map(clean))
        .bind(pod.failure.map(|failure| failure.as_str()))
        .bind(i64::from(pod.attempts))
        .bind(pod.created.millis())
        .bind(millis(pod.started))
        .bind(millis(pod.up_until))
        .bind(millis(pod.ended))
        .bind(millis(pod.observed_at))
        .bind(pod.generation)
        .bind(to_json(&PolicyTwin::from(&pod.policy))?)
        .bind(pod.ruled.as_deref().map(clean))
        .bind(count.own)
        .bind(count.wall)
        .bind(count.clock)
        .bind(count.shows)
        .bind(i64::from(pod.starts))
        .bind(pod.offer.host.as_ref().map(|host| host.to_string()))
        .execute(&mut *connection)
        .await?;
    volume::take(connection, pod).await
}

/// Writes what may change of a pod within a transaction.
pub(crate) async fn update_on(connection: &mut AnyConnection, pod: &Pod) -> Result<()> {
    let count = Count::of(pod.counted);
    let done = sqlx::query(UPDATE)
        .bind(pod.id.as_str())
        .bind(pod.generation)
        .bind(pod.foreign_id.clone())
        .bind(pod.desired.as_str())
        .bind(pod.observed.as_str())
        .bind(pod.reason.as_deref().map(clean))
        .bind(pod.failure.map(|failure| failure.as_str()))
        .bind(i64::from(pod.attempts))
        .bind(millis(pod.started))
        .bind(millis(pod.up_until))
        .bind(millis(pod.ended))
        .bind(millis(pod.observed_at))
        .bind(to_json(&PolicyTwin::from(&pod.policy))?)
        .bind(pod.ruled.as_deref().map(clean))
        .bind(count.own)
        .bind(count.wall)
        .bind(count.clock)
        .bind(count.shows)
        .bind(i64::from(pod.starts))
        .bind(pod.offer.host.as_ref().map(|host| host.to_string()))
        .execute(connection)
        .await?;
    match done.rows_affected() {
        0 => Err(Error::Stale),
        _ => Ok(()),
    }
}

fn pod(row: &AnyRow) -> Result<Pod> {
    let columns = Columns(row);
    let (attempts, starts) = (columns.int("attempts")?, columns.int("starts")?);
    Ok(Pod {
        id: columns.parsed("id")?,
        account: columns.parsed("account_id")?,
        order: columns.json::<OrderTwin>("pod_order")?.try_into()?,
        offer: columns.json::<OfferTwin>("offer")?.try_into()?,
        policy: columns.json::<PolicyTwin>("policy")?.try_into()?,
        run: columns.parsed_option("run_id")?,
        launch_key: columns.parsed("launch_key")?,
        foreign_id: columns.text_option("foreign_id")?,
        desired: columns.parsed("desired")?,
        observed: columns.parsed("observed")?,
        reason: columns.text_option("reason")?,
        ruled: columns.text_option("ruled")?,
        failure: columns.parsed_option("failure")?,
        attempts: u32::try_from(attempts).map_err(|error| Error::column("attempts", error))?,
        created: columns.time("created")?,
        started: columns.time_option("started")?,
        up_until: columns.time_option("up_until")?,
        ended: columns.time_option("ended")?,
        observed_at: columns.time_option("observed_at")?,
        counted: columns.counted()?,
        starts: u32::try_from(starts).map_err(|error| Error::column("starts", error))?,
        generation: columns.int("generation")?,
    })
}

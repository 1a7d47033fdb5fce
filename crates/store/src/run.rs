//! Runs.

use crate::claim::{ClaimSql, claim_sql};
use crate::error::{Error, Result};
use crate::plane::run_drivable;
use crate::pool::Store;
use crate::row::{Columns, Unread, Which, clean, millis, to_json, unread};
use crate::run_secret;
use crate::twin::SubmissionTwin;
use livery_domain::run::Run;
use livery_units::{AccountId, ClaimToken, OfferId, RunId, Timestamp};
use sqlx::any::AnyRow;

macro_rules! columns {
    () => {
        "id, account_id, name, submission, step, step_began, outcome, ended, pod_id, excluded, \
         exit_code, reason, cancel_requested, results, created, due, generation"
    };
}

const CLAIM: ClaimSql = claim_sql!("runs", columns, run_drivable);

const INSERT: &str = concat!(
    "INSERT INTO runs (",
    columns!(),
    ", event_count, claim_token, claim_until, home) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
     $11, $12, $13, $14, $15, $16, $17, 0, NULL, 0, $18)"
);

const UPDATE: &str = "UPDATE runs SET step = $3, step_began = $4, outcome = $5, ended = $6, \
     pod_id = $7, excluded = $8, exit_code = $9, reason = $10, cancel_requested = $11, \
     results = $12, generation = generation + 1 WHERE id = $1 AND generation = $2";

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM runs ", $rest)
    };
}

impl Store {
    /// Keeps a new run with its secrets; it is due at its `due`. Its files are here.
    ///
    /// # Errors
    /// [`Error::Exists`] when its id is taken, [`Error::Refused`] when its account is not there.
    pub async fn run_insert(&self, run: &Run) -> Result<()> {
        let mut transaction = self.write().begin().await?;
        sqlx::query(INSERT)
            .bind(run.id.as_str())
            .bind(run.account.as_str())
            .bind(clean(&run.name))
            .bind(to_json(&SubmissionTwin::from(&run.submission))?)
            .bind(run.step.as_str())
            .bind(run.step_began.millis())
            .bind(run.outcome.as_str())
            .bind(millis(run.ended))
            .bind(run.pod.as_ref().map(|pod| pod.to_string()))
            .bind(excluded_json(&run.excluded)?)
            .bind(run.exit_code.map(i64::from))
            .bind(run.reason.as_deref().map(clean))
            .bind(millis(run.cancel_requested))
            .bind(run.results.map(|hash| hash.to_string()))
            .bind(run.created.millis())
            .bind(run.due.millis())
            .bind(run.generation)
            .bind(self.plane.as_ref().map(|plane| plane.to_string()))
            .execute(&mut *transaction)
            .await?;
        run_secret::insert(&mut transaction, &run.id, &run.submission.secrets).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Returns a run with its secrets, if it still has them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such run.
    pub async fn run_fetch(&self, id: &RunId) -> Result<Run> {
        let row = sqlx::query(select!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_one(self.read())
            .await?;
        self.with_secrets(run(&row)?).await
    }

    /// Returns runs of one account or of all, the newest first, without their secrets.
    ///
    /// # Errors
    /// When the database fails, and when one of them cannot be read: what only that one refers to must
    /// not seem to be of no use.
    pub async fn run_list(&self, account: Option<&AccountId>, which: Which) -> Result<Vec<Run>> {
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
        rows.iter().map(run).collect()
    }

    /// Returns runs of one account that live or ended at `since` or later, the newest first, without
    /// their secrets and without those whose rows cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_list_since(&self, account: &AccountId, since: Timestamp) -> Result<Vec<Run>> {
        let rows = sqlx::query(select!(
            "WHERE account_id = $1 AND (ended IS NULL OR ended >= $2) \
             ORDER BY created DESC, id DESC"
        ))
        .bind(account.as_str())
        .bind(since.millis())
        .fetch_all(self.read())
        .await?;
        Ok(self.readable("runs", &rows, run))
    }

    /// Returns runs of an account that live and whose rows cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_unread(&self, account: &AccountId) -> Result<Vec<Unread>> {
        let rows = sqlx::query(select!(
            "WHERE account_id = $1 AND ended IS NULL ORDER BY created DESC, id DESC"
        ))
        .bind(account.as_str())
        .fetch_all(self.read())
        .await?;
        Ok(unread(&rows, run))
    }

    /// Writes what may change of a run, if nobody else wrote since it was read; returns it with its
    /// new generation. Its account, name, submission and creation never change, and its due time is
    /// changed by claims, releases and nudges alone. A run that has ended keeps no secrets.
    ///
    /// # Errors
    /// [`Error::Stale`] when somebody else wrote, [`Error::NotFound`] when there is no such run.
    pub async fn run_update(&self, run: &Run) -> Result<Run> {
        let mut transaction = self.write().begin().await?;
        let done = sqlx::query(UPDATE)
            .bind(run.id.as_str())
            .bind(run.generation)
            .bind(run.step.as_str())
            .bind(run.step_began.millis())
            .bind(run.outcome.as_str())
            .bind(millis(run.ended))
            .bind(run.pod.as_ref().map(|pod| pod.to_string()))
            .bind(excluded_json(&run.excluded)?)
            .bind(run.exit_code.map(i64::from))
            .bind(run.reason.as_deref().map(clean))
            .bind(millis(run.cancel_requested))
            .bind(run.results.map(|hash| hash.to_string()))
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            transaction.rollback().await?;
            self.run_fetch(&run.id).await?;
            return Err(Error::Stale);
        }
        let mut written = run.clone();
        written.generation += 1;
        if run.is_over() {
            run_secret::delete(&mut transaction, &run.id).await?;
            written.submission.secrets.clear();
        }
        transaction.commit().await?;
        Ok(written)
    }

    /// Claims up to `limit` live runs that are due and that nobody holds, until `until`; they come
    /// with their secrets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_claim(
        &self,
        token: &ClaimToken,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Run>> {
        let rows = self.claim(&CLAIM, token, now, until, limit).await?;
        let mut runs = Vec::with_capacity(rows.len());
        for run in self.readable("runs", &rows, run) {
            runs.push(self.with_secrets(run).await?);
        }
        Ok(runs)
    }

    /// Holds a claimed run for longer; `false` when the claim was lost.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_claim_renew(
        &self,
        id: &RunId,
        token: &ClaimToken,
        until: Timestamp,
    ) -> Result<bool> {
        self.claim_renew(&CLAIM, id.as_str(), token, until).await
    }

    /// Gives a claimed run back, to be looked at again at `due`; nothing when the claim was lost.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_release(&self, id: &RunId, token: &ClaimToken, due: Timestamp) -> Result<()> {
        self.claim_release(&CLAIM, id.as_str(), token, due).await
    }

    /// Makes a run due at once, or as soon as the present claim on it ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_nudge(&self, id: &RunId) -> Result<()> {
        self.claim_nudge(&CLAIM, id.as_str()).await
    }

    async fn with_secrets(&self, mut run: Run) -> Result<Run> {
        if !run.is_over() {
            run.submission.secrets = self.run_secrets(&run.id).await?;
        }
        Ok(run)
    }
}

fn excluded_json(offers: &[OfferId]) -> Result<String> {
    let ids: Vec<&str> = offers.iter().map(OfferId::as_str).collect();
    to_json(&ids)
}

fn run(row: &AnyRow) -> Result<Run> {
    let columns = Columns(row);
    let excluded = columns.json::<Vec<String>>("excluded")?;
    let excluded = excluded.iter().map(|id| id.parse());
    let exit_code = columns.int_option("exit_code")?.map(i32::try_from);
    Ok(Run {
        id: columns.parsed("id")?,
        account: columns.parsed("account_id")?,
        name: columns.text("name")?,
        submission: columns.json::<SubmissionTwin>("submission")?.try_into()?,
        step: columns.parsed("step")?,
        step_began: columns.time("step_began")?,
        outcome: columns.parsed("outcome")?,
        ended: columns.time_option("ended")?,
        pod: columns.parsed_option("pod_id")?,
        excluded: excluded
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| Error::column("excluded", error))?,
        exit_code: exit_code
            .transpose()
            .map_err(|error| Error::column("exit_code", error))?,
        reason: columns.text_option("reason")?,
        cancel_requested: columns.time_option("cancel_requested")?,
        results: columns.parsed_option("results")?,
        created: columns.time("created")?,
        due: columns.time("due")?,
        generation: columns.int("generation")?,
    })
}

//! What is known about the use of pods, and when their policies are looked at next.

use crate::error::{Error, Result};
use crate::many::{list, places, slices};
use crate::policy_twin::{PolicyTwin, SettingsTwin};
use crate::pool::Store;
use crate::row::{Columns, millis};
use livery_domain::account::AccountSettings;
use livery_domain::pod::{Activity, IdlePolicy, PodPolicy, Usage};
use livery_units::{AccountId, Bytes, PodId, Span, Timestamp};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

macro_rules! columns {
    () => {
        "pod_id, active_at, used, idle_ms, sampled, idle_at_base_ms, host_uptime_ms, cpu_micros, \
         network, written"
    };
}

/// How many there are.
const COLUMNS: usize = 10;

const REPLACE: &str = " ON CONFLICT (pod_id) DO UPDATE SET active_at = excluded.active_at, \
     used = excluded.used, idle_ms = excluded.idle_ms, sampled = excluded.sampled, \
     idle_at_base_ms = excluded.idle_at_base_ms, host_uptime_ms = excluded.host_uptime_ms, \
     cpu_micros = excluded.cpu_micros, network = excluded.network, written = excluded.written";

/// A pod whose use is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The pod.
    pub pod: PodId,
    /// What happens when nobody uses it: its own policy, or its account's.
    pub idle: Option<IdlePolicy>,
    /// What was known at the last look.
    pub activity: Option<Activity>,
}

impl Store {
    /// Returns those of these pods that are live, with what was known of their use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_watched(&self, pods: &[PodId]) -> Result<Vec<Watched>> {
        let mut watched = Vec::with_capacity(pods.len());
        let known = self.pod_activities(pods).await?;
        for slice in slices(pods) {
            let sql = format!(
                "SELECT pods.id AS id, pods.policy AS policy, accounts.settings AS settings \
                 FROM pods JOIN accounts ON accounts.id = pods.account_id \
                 WHERE pods.ended IS NULL AND pods.id IN {}",
                list(slice.len())
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for pod in slice {
                query = query.bind(pod.as_str());
            }
            let rows = query.fetch_all(self.read()).await?;
            watched.extend(self.readable("pods", &rows, |row| watch(row, &known)));
        }
        Ok(watched)
    }

    /// Returns what is known about the use of these pods; nothing for those never looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_activities(&self, pods: &[PodId]) -> Result<BTreeMap<PodId, Activity>> {
        let mut known = BTreeMap::new();
        for slice in slices(pods) {
            let sql = format!(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM pod_activity WHERE pod_id IN {}"
                ),
                list(slice.len())
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for pod in slice {
                query = query.bind(pod.as_str());
            }
            let rows = query.fetch_all(self.read()).await?;
            let read = |row: &AnyRow| Ok((Columns(row).parsed("pod_id")?, activity(row)?));
            known.extend(self.readable("pod_activity", &rows, read));
        }
        Ok(known)
    }

    /// Keeps what is known about the use of pods, in one transaction.
    ///
    /// # Errors
    /// [`Error::Refused`] when one of the pods is not there.
    pub async fn pod_activity_set(&self, known: &[(PodId, Activity)]) -> Result<()> {
        if known.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write().begin().await?;
        for slice in slices(known) {
            let sql = format!(
                concat!("INSERT INTO pod_activity (", columns!(), ") VALUES {}{}"),
                places(slice.len(), COLUMNS, 0),
                REPLACE
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for (pod, activity) in slice {
                let base = &activity.base;
                query = query
                    .bind(pod.as_str())
                    .bind(activity.active_at.millis())
                    .bind(activity.used.as_str())
                    .bind(span(activity.idle))
                    .bind(activity.sampled.millis())
                    .bind(span(activity.idle_at_base))
                    .bind(span(base.host_uptime))
                    .bind(whole(base.cpu_micros))
                    .bind(whole(base.network.get()))
                    .bind(whole(base.written.get()));
            }
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets what is known about the use of a pod: it came up anew, and was not seen since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_activity_forget(&self, pod: &PodId) -> Result<()> {
        sqlx::query("DELETE FROM pod_activity WHERE pod_id = $1")
            .bind(pod.as_str())
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Says when the policies of pods are looked at next; never for those without a time. A pod that
    /// was changed since it was read at that generation is left due.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pod_policy_rest(&self, pods: &[(PodId, i64, Option<Timestamp>)]) -> Result<()> {
        if pods.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write().begin().await?;
        for (pod, generation, due) in pods {
            sqlx::query("UPDATE pods SET policy_due = $3 WHERE id = $1 AND generation = $2")
                .bind(pod.as_str())
                .bind(*generation)
                .bind(millis(*due))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Makes the policies of an account's pods due at once, in the transaction that changes the
/// account's own idle policy. The generation is raised, so that a look under way, which knows the old
/// one only, does not put them off again.
pub(crate) async fn policy_nudge(
    connection: &mut AnyConnection,
    account: &AccountId,
) -> Result<()> {
    sqlx::query(
        "UPDATE pods SET policy_due = 0, generation = generation + 1
         WHERE account_id = $1 AND ended IS NULL",
    )
    .bind(account.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

fn activity(row: &AnyRow) -> Result<Activity> {
    let columns = Columns(row);
    let count = |name: &str| {
        let number = columns.int(name)?;
        u64::try_from(number).map_err(|error| Error::column(name, error))
    };
    let span = |name: &str| count(name).map(Span::from_millis);
    Ok(Activity {
        active_at: columns.time("active_at")?,
        used: columns.parsed("used")?,
        idle: span("idle_ms")?,
        sampled: columns.time("sampled")?,
        idle_at_base: span("idle_at_base_ms")?,
        base: Usage {
            host_uptime: span("host_uptime_ms")?,
            cpu_micros: count("cpu_micros")?,
            network: Bytes::new(count("network")?),
            written: Bytes::new(count("written")?),
            // What these say was taken in when they were new.
            gpu_at: None,
            session_at: None,
        },
    })
}

fn watch(row: &AnyRow, known: &BTreeMap<PodId, Activity>) -> Result<Watched> {
    let columns = Columns(row);
    let pod: PodId = columns.parsed("id")?;
    let policy: PodPolicy = columns.json::<PolicyTwin>("policy")?.try_into()?;
    let settings: AccountSettings = columns.json::<SettingsTwin>("settings")?.try_into()?;
    Ok(Watched {
        idle: policy.or_idle(settings.idle).idle,
        activity: known.get(&pod).copied(),
        pod,
    })
}

/// A counter that a database can hold; none comes near the end of it.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn span(span: Span) -> i64 {
    whole(span.millis())
}

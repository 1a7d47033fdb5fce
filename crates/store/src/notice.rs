//! Notices: what accounts are told, each once.

use crate::error::Result;
use crate::pool::Store;
use crate::reminder_twin::ReminderTwin;
use crate::row::{Columns, clean, millis, to_json};
use livery_domain::reminder::{DeliveryState, Notice, ReminderSettings, Terminal};
use livery_units::{AccountId, Timestamp};
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

/// What came of adding a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeAdded {
    /// It is to be told now.
    New,
    /// One of that key was there before; nothing was changed.
    Known,
}

/// A notice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    /// What is told.
    pub notice: Notice,
    /// When it was shown at a terminal.
    pub shown: Option<Timestamp>,
    /// How it stands with each channel that it goes to.
    pub deliveries: Vec<DeliveryRow>,
}

/// How it stands with one notice and one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// The channel's name.
    pub channel: String,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while it is due.
    pub due: Timestamp,
    /// Why the last try failed; none once it was sent.
    pub problem: Option<String>,
    /// When this last changed.
    pub changed: Timestamp,
}

/// What the next command shows. A pod's later notices are found by its own index: by the account's,
/// each would be compared with every other. Of a network volume there are few, and what comes before the
/// mark at the end of their keys says of which.
const UNSHOWN: &str =
    "SELECT n.account_id, n.notice_key, n.pod_id, n.kind, n.message, n.at_ms, n.shown
     FROM notices n
     WHERE n.account_id = $1 AND n.shown IS NULL AND n.terminal_from <= $2
        AND NOT (n.pod_id IS NULL AND n.kind = 'still-kept' AND EXISTS (
            SELECT 1 FROM notices later
            WHERE later.account_id = n.account_id AND later.at_ms > n.at_ms
            AND later.pod_id IS NULL AND later.kind = 'still-kept'
            AND RTRIM(later.notice_key, '0123456789') = RTRIM(n.notice_key, '0123456789')))
        AND (n.pod_id IS NULL OR n.kind NOT IN ('started', 'still-running', 'still-kept') OR (
            EXISTS (SELECT 1 FROM pods p WHERE p.id = n.pod_id AND (
                (n.kind = 'still-kept' AND p.ended IS NULL AND p.observed = 'down')
                OR (n.kind <> 'still-kept' AND (p.desired = 'running'
                    OR (p.ended IS NULL AND p.observed IN ('up', 'unknown'))))))
            AND NOT EXISTS (SELECT 1 FROM notices later
                WHERE later.account_id = n.account_id AND later.pod_id = n.pod_id
                AND later.kind IN ('started', 'still-running', 'still-kept')
                AND later.at_ms > n.at_ms)))
     ORDER BY n.at_ms, n.notice_key LIMIT $3";

/// What is forgotten.
const OLD: &str = "at_ms < $1
     AND NOT EXISTS (SELECT 1 FROM pods p WHERE p.id = notices.pod_id AND p.ended IS NULL)
     AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.account_id = notices.account_id
        AND d.notice_key = notices.notice_key AND d.state = 'due')";

impl Store {
    /// Keeps a notice, to be delivered to every channel of its account as the account's settings
    /// have it. One whose key the account has already changes nothing.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] or [`crate::Error::NotFound`] when there is no such account.
    pub async fn notice_add(&self, notice: &Notice) -> Result<NoticeAdded> {
        if self.notice_is_known(notice).await? {
            return Ok(NoticeAdded::Known);
        }
        let settings = self.reminder_settings(&notice.account).await?;
        let from = settings.carried_from(notice.kind, notice.at);
        let on_terminal = match settings.terminal {
            Terminal::On => true,
            Terminal::Off => {
                notice.kind.is_urgent() || self.has_no_channel(&notice.account).await?
            }
        };
        let mut transaction = self.write().begin().await?;
        let added = sqlx::query(
            "INSERT INTO notices
                (account_id, notice_key, pod_id, kind, message, at_ms, terminal_from, shown)
             VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)
             ON CONFLICT (account_id, notice_key) DO NOTHING",
        )
        .bind(notice.account.as_str())
        .bind(clean(&notice.key))
        .bind(notice.pod.as_ref().map(|pod| pod.to_string()))
        .bind(notice.kind.as_str())
        .bind(clean(&notice.message))
        .bind(notice.at.millis())
        .bind(millis(from.filter(|_| on_terminal)))
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(NoticeAdded::Known);
        }
        if let Some(from) = from {
            sqlx::query(
                "INSERT INTO deliveries
                    (account_id, notice_key, channel, state, attempts, first_try, due, claim_until,
                     problem, changed)
                 SELECT account_id, $2, name, 'due', 0, NULL, $3, 0, NULL, $4
                 FROM channels WHERE account_id = $1",
            )
            .bind(notice.account.as_str())
            .bind(clean(&notice.key))
            .bind(from.millis())
            .bind(notice.at.millis())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(NoticeAdded::New)
    }

    /// Without a channel the terminal is all there is.
    async fn has_no_channel(&self, account: &AccountId) -> Result<bool> {
        let row = sqlx::query("SELECT name FROM channels WHERE account_id = $1 LIMIT 1")
            .bind(account.as_str())
            .fetch_optional(self.read())
            .await?;
        Ok(row.is_none())
    }

    /// Looking costs no write, and most notices are added again and again by what looks at states.
    async fn notice_is_known(&self, notice: &Notice) -> Result<bool> {
        let row =
            sqlx::query("SELECT at_ms FROM notices WHERE account_id = $1 AND notice_key = $2")
                .bind(notice.account.as_str())
                .bind(clean(&notice.key))
                .fetch_optional(self.read())
                .await?;
        Ok(row.is_some())
    }

    /// Returns an account's notices, the newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notice_list(&self, account: &AccountId, limit: u32) -> Result<Vec<NoticeRow>> {
        let rows = sqlx::query(
            "SELECT account_id, notice_key, pod_id, kind, message, at_ms, shown FROM notices
             WHERE account_id = $1 ORDER BY at_ms DESC, notice_key DESC LIMIT $2",
        )
        .bind(account.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?;
        let mut listed = rows.iter().map(kept).collect::<Result<Vec<NoticeRow>>>()?;
        let Some(oldest) = listed.last().map(|row| row.notice.at) else {
            return Ok(listed);
        };
        let mut deliveries = self.deliveries_since(account, oldest).await?;
        for row in &mut listed {
            row.deliveries = deliveries.remove(&row.notice.key).unwrap_or_default();
        }
        Ok(listed)
    }

    /// Returns the deliveries of an account's notices of that time and later, by the notice's key.
    async fn deliveries_since(
        &self,
        account: &AccountId,
        oldest: Timestamp,
    ) -> Result<BTreeMap<String, Vec<DeliveryRow>>> {
        let rows = sqlx::query(
            "SELECT d.notice_key, d.channel, d.state, d.attempts, d.due, d.problem, d.changed
             FROM notices n JOIN deliveries d
                ON d.account_id = n.account_id AND d.notice_key = n.notice_key
             WHERE n.account_id = $1 AND n.at_ms >= $2 ORDER BY d.notice_key, d.channel",
        )
        .bind(account.as_str())
        .bind(oldest.millis())
        .fetch_all(self.read())
        .await?;
        let mut found: BTreeMap<String, Vec<DeliveryRow>> = BTreeMap::new();
        for row in &rows {
            let key = Columns(row).text("notice_key")?;
            found.entry(key).or_default().push(delivery(row)?);
        }
        Ok(found)
    }

    /// Returns the notices that the next command of an account's user is to show, the oldest first,
    /// at most `limit`. That a pod runs is news only while it is to run or may, that its disk costs only
    /// while it is down, and both only by its last notice.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notice_unshown(
        &self,
        account: &AccountId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Notice>> {
        let rows = sqlx::query(UNSHOWN)
            .bind(account.as_str())
            .bind(now.millis())
            .bind(i64::from(limit))
            .fetch_all(self.read())
            .await?;
        let notices = rows.iter().map(|row| Ok(kept(row)?.notice));
        notices.collect()
    }

    /// Says that notices were shown at a terminal.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notice_shown(
        &self,
        account: &AccountId,
        keys: &[String],
        now: Timestamp,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut transaction = self.write().begin().await?;
        for key in keys {
            sqlx::query(
                "UPDATE notices SET shown = $3
                 WHERE account_id = $1 AND notice_key = $2 AND shown IS NULL",
            )
            .bind(account.as_str())
            .bind(key.as_str())
            .bind(now.millis())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets notices from before a time, with their deliveries. Those of pods that still exist are
    /// kept, so that they are not told again, and so are those that are still to be delivered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notice_forget(&self, before: Timestamp) -> Result<u64> {
        let mut transaction = self.write().begin().await?;
        let sql = format!(
            "DELETE FROM deliveries WHERE EXISTS (SELECT 1 FROM notices
                WHERE notices.account_id = deliveries.account_id
                AND notices.notice_key = deliveries.notice_key AND {OLD})"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(before.millis())
            .execute(&mut *transaction)
            .await?;
        let sql = format!("DELETE FROM notices WHERE {OLD}");
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(before.millis())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }

    /// Returns what an account's owner has settled about reminders.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when there is no such account.
    pub async fn reminder_settings(&self, account: &AccountId) -> Result<ReminderSettings> {
        let row = sqlx::query("SELECT reminders FROM accounts WHERE id = $1")
            .bind(account.as_str())
            .fetch_one(self.read())
            .await?;
        Columns(&row).json::<ReminderTwin>("reminders")?.try_into()
    }

    /// Replaces what an account's owner has settled about reminders.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when there is no such account.
    pub async fn reminder_settings_set(
        &self,
        account: &AccountId,
        settings: &ReminderSettings,
    ) -> Result<()> {
        let done = sqlx::query("UPDATE accounts SET reminders = $2 WHERE id = $1")
            .bind(account.as_str())
            .bind(to_json(&ReminderTwin::from(settings))?)
            .execute(self.write())
            .await?;
        match done.rows_affected() {
            0 => Err(crate::Error::NotFound),
            _ => Ok(()),
        }
    }
}

fn kept(row: &AnyRow) -> Result<NoticeRow> {
    let columns = Columns(row);
    Ok(NoticeRow {
        notice: notice(row)?,
        shown: columns.time_option("shown")?,
        deliveries: Vec::new(),
    })
}

/// Reads the columns of a notice.
pub(crate) fn notice(row: &AnyRow) -> Result<Notice> {
    let columns = Columns(row);
    Ok(Notice {
        key: columns.text("notice_key")?,
        account: columns.parsed("account_id")?,
        pod: columns.parsed_option("pod_id")?,
        kind: columns.parsed("kind")?,
        message: columns.text("message")?,
        at: columns.time("at_ms")?,
    })
}

fn delivery(row: &AnyRow) -> Result<DeliveryRow> {
    let columns = Columns(row);
    Ok(DeliveryRow {
        channel: columns.text("channel")?,
        state: columns.parsed("state")?,
        attempts: u32::try_from(columns.int("attempts")?).unwrap_or(u32::MAX),
        due: columns.time("due")?,
        problem: columns.text_option("problem")?,
        changed: columns.time("changed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn plan(store: &Store, sql: &str) -> String {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let steps = sqlx::query(sqlx::AssertSqlSafe(explain));
        let steps = steps.fetch_all(store.read()).await.unwrap();
        let text = |row: &AnyRow| Columns(row).text("detail").unwrap();
        steps.iter().map(text).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn no_question_compares_all_notices_with_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("x.db").display());
        let store = Store::open(&url).await.unwrap();
        let unshown = plan(&store, UNSHOWN).await;
        let by_pod = "notices_by_pod (account_id=? AND pod_id=? AND at_ms>?)";
        assert!(unshown.contains(by_pod), "{unshown}");
        let old = plan(&store, &format!("DELETE FROM notices WHERE {OLD}")).await;
        assert!(old.contains("notices_by_age (at_ms<?)"), "{old}");
        store.close().await;
    }
}

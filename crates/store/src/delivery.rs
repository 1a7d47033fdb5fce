//! Deliveries: notices on their way to channels, tried again until a channel has taken them.

use crate::channel::channel;
use crate::error::{Error, Result};
use crate::notice::notice;
use crate::pool::Store;
use crate::row::{Columns, clean};
use livery_domain::reminder::{Channel, Notice};
use livery_units::{AccountId, Span, Timestamp};
use sqlx::any::AnyRow;

/// A delivery that was changed this long from now, or later, was changed before the clock was set back.
const SET_BACK: Span = Span::from_secs(60);

/// What may be taken now. Those that others are at count for their account.
const CLAIMABLE: &str =
    "SELECT account_id, notice_key, pod_id, kind, message, at_ms, name, route, \
        created, attempts, first_try
     FROM (SELECT n.account_id, n.notice_key, n.pod_id, n.kind, n.message, n.at_ms,
            c.name, c.route, c.created, d.attempts, d.first_try, d.due,
            CASE WHEN n.kind IN ('out-of-credit', 'last-warning') THEN 0 ELSE 1 END AS hurry,
            COALESCE(b.under_way, 0) + ROW_NUMBER() OVER (
                PARTITION BY d.account_id
                ORDER BY CASE WHEN n.kind IN ('out-of-credit', 'last-warning') THEN 0 ELSE 1 END,
                    d.due, d.notice_key, d.channel) AS nth
        FROM deliveries d
        JOIN notices n ON n.account_id = d.account_id AND n.notice_key = d.notice_key
        JOIN channels c ON c.account_id = d.account_id AND c.name = d.channel
        LEFT JOIN (SELECT account_id, COUNT(*) AS under_way FROM deliveries
            WHERE state = 'due' AND claim_until > $1 AND changed <= $3
            GROUP BY account_id) b ON b.account_id = d.account_id
        WHERE d.state = 'due' AND ((d.due <= $1 AND d.claim_until <= $1) OR d.changed > $3)
     ) claimable
     WHERE nth <= $4
     ORDER BY hurry, nth, due, account_id, notice_key, name LIMIT $2";

/// A notice to be carried to a channel now. The claim on it is what its number of attempts was when
/// it was taken: whoever takes it later counts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What is told.
    pub notice: Notice,
    /// Where.
    pub channel: Channel,
    /// Which try this is, from 1.
    pub attempts: u32,
    /// When it was tried for the first time.
    pub first_try: Timestamp,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The channel has taken it.
    Sent,
    /// It failed, and is tried again at `due`.
    Again {
        /// When.
        due: Timestamp,
        /// Why it failed, in words for the user.
        problem: String,
    },
    /// It failed for good.
    Failed {
        /// Why, in words for the user.
        problem: String,
    },
}

/// A delivery whose last try failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryProblem {
    /// The notice.
    pub notice: Notice,
    /// The channel's name.
    pub channel: String,
    /// Why it failed, in words for the user.
    pub problem: String,
    /// When it is tried again; none when it was given up.
    pub next_try: Option<Timestamp>,
}

impl Store {
    /// Takes up to `limit` deliveries that are due and that nobody else is at, until `until`, and
    /// counts a try of each. No account has more than `each` under way, so that receivers that hang
    /// hold up nobody else's; what is urgent goes first, and then whose account has the fewest under
    /// way. One that was put off by a clock that was set back since is due too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery_claim(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
        each: u32,
    ) -> Result<Vec<Delivery>> {
        let set_back = now.after(SET_BACK).millis();
        let rows = sqlx::query(CLAIMABLE)
            .bind(now.millis())
            .bind(i64::from(limit))
            .bind(set_back)
            .bind(i64::from(each))
            .fetch_all(self.read())
            .await?;
        let mut due = self.readable("deliveries", &rows, |row| delivery(row, now));
        // Always in one order, so that two workers never wait for each other in a circle.
        due.sort_by(|a, b| {
            let key = |one: &Delivery| {
                let (account, channel) = (&one.channel.account, &one.channel.name);
                (account.clone(), one.notice.key.clone(), channel.clone())
            };
            key(a).cmp(&key(b))
        });
        if due.is_empty() {
            return Ok(due);
        }
        let mut transaction = self.write().begin().await?;
        let mut claimed = Vec::with_capacity(due.len());
        for delivery in due {
            let done = sqlx::query(
                "UPDATE deliveries SET attempts = attempts + 1, claim_until = $5, changed = $6,
                    first_try = COALESCE(first_try, $6)
                 WHERE account_id = $1 AND notice_key = $2 AND channel = $3 AND state = 'due'
                    AND attempts = $4 AND (claim_until <= $6 OR changed > $7)",
            )
            .bind(delivery.notice.account.as_str())
            .bind(delivery.notice.key.as_str())
            .bind(delivery.channel.name.as_str())
            .bind(i64::from(delivery.attempts) - 1)
            .bind(until.millis())
            .bind(now.millis())
            .bind(set_back)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() == 1 {
                claimed.push(delivery);
            }
        }
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Notes what came of a try. A first failure has the notice shown at the next terminal too.
    ///
    /// # Errors
    /// [`Error::Stale`] when somebody else took the delivery meanwhile, or the channel is gone.
    pub async fn delivery_tried(
        &self,
        delivery: &Delivery,
        tried: &Tried,
        now: Timestamp,
    ) -> Result<()> {
        let (state, due, problem) = match tried {
            Tried::Sent => ("sent", now, None),
            Tried::Again { due, problem } => ("due", *due, Some(clean(problem))),
            Tried::Failed { problem } => ("failed", now, Some(clean(problem))),
        };
        let mut transaction = self.write().begin().await?;
        let done = sqlx::query(
            "UPDATE deliveries SET state = $5, due = $6, problem = $7, claim_until = 0, changed = $8
             WHERE account_id = $1 AND notice_key = $2 AND channel = $3 AND state = 'due'
                AND attempts = $4",
        )
        .bind(delivery.notice.account.as_str())
        .bind(delivery.notice.key.as_str())
        .bind(delivery.channel.name.as_str())
        .bind(i64::from(delivery.attempts))
        .bind(state)
        .bind(due.millis())
        .bind(problem.clone())
        .bind(now.millis())
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            transaction.rollback().await?;
            return Err(Error::Stale);
        }
        if problem.is_some() {
            sqlx::query(
                "UPDATE notices SET terminal_from = $3
                 WHERE account_id = $1 AND notice_key = $2 AND terminal_from IS NULL",
            )
            .bind(delivery.notice.account.as_str())
            .bind(delivery.notice.key.as_str())
            .bind(now.millis())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Returns an account's deliveries whose last try failed, the latest first: those that are tried
    /// again, and those that were given up after `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery_problems(
        &self,
        account: &AccountId,
        since: Timestamp,
    ) -> Result<Vec<DeliveryProblem>> {
        let rows = sqlx::query(
            "SELECT n.account_id, n.notice_key, n.pod_id, n.kind, n.message, n.at_ms,
                d.channel, d.problem, d.state, d.due
             FROM deliveries d
             JOIN notices n ON n.account_id = d.account_id AND n.notice_key = d.notice_key
             WHERE d.account_id = $1 AND d.problem IS NOT NULL
                AND (d.state = 'due' OR (d.state = 'failed' AND d.changed >= $2))
             ORDER BY d.changed DESC, d.notice_key, d.channel LIMIT 100",
        )
        .bind(account.as_str())
        .bind(since.millis())
        .fetch_all(self.read())
        .await?;
        let problem = |row| {
            let columns = Columns(row);
            let due = columns.time("due")?;
            let is_due = columns.text("state")? == "due";
            Ok(DeliveryProblem {
                notice: notice(row)?,
                channel: columns.text("channel")?,
                problem: columns.text("problem")?,
                next_try: is_due.then_some(due),
            })
        };
        rows.iter().map(problem).collect()
    }
}

fn delivery(row: &AnyRow, now: Timestamp) -> Result<Delivery> {
    let columns = Columns(row);
    let attempts = u32::try_from(columns.int("attempts")?).unwrap_or(u32::MAX - 1);
    Ok(Delivery {
        notice: notice(row)?,
        channel: channel(row)?,
        attempts: attempts + 1,
        first_try: columns.time_option("first_try")?.unwrap_or(now),
    })
}

#[cfg(test)]
mod tests {
    use super::CLAIMABLE;
    use livery_domain::reminder::NoticeKind;

    #[test]
    fn what_goes_first_is_what_is_urgent() {
        for kind in NoticeKind::ALL {
            let named = CLAIMABLE.matches(&format!("'{kind}'")).count();
            assert_eq!(named, 2 * usize::from(kind.is_urgent()), "{kind}");
        }
    }
}

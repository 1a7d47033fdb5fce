//! Credit: what happens when an account's money runs short, decided from values alone.
//!
//! Everything is done before it is due: pods stop while there is still money for one more metering
//! interval, so an account never owes more than it was told. Of what nobody has seen for longer, it is
//! assumed that it runs on. What is kept of an account, the volumes, is not charged from then on and
//! waits for the grace period.

use crate::account::{AccountSettings, AutoPay, Standing};
use livery_units::{Money, Span, Timestamp};

/// How much earlier than pods runs are told to end, in metering intervals: their results are still
/// to come home.
pub const RUN_MARGIN_INTERVALS: i64 = 5;

/// How long a run that was told to end may take to bring its results home when nothing is left.
pub const RUN_PATIENCE: Span = Span::from_secs(300);

/// How long before the deletion of what is kept the last warning comes.
pub const LAST_WARNING: Span = Span::from_secs(86_400);

/// What is known of an account's money at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Balance and holds less what was used and is not charged yet; none for one that may owe.
    pub left: Option<Money>,
    /// What everything that it has costs in one metering interval.
    pub burn: Money,
    /// What has been used beside that which is confirmed, if whatever is silent runs on.
    pub silent: Money,
    /// What it has spent, with what is not charged yet.
    pub spent: Spent,
    /// What its owner has settled.
    pub settings: AccountSettings,
    /// Whether it had credit when last looked at.
    pub standing: Standing,
    /// When its user was warned that what is kept will be deleted.
    pub last_warned: Option<Timestamp>,
    /// What it may top itself up by.
    pub allowance: Allowance,
    /// What it has that costs.
    pub has: Has,
}

/// What an account has spent, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Spent {
    /// On this day.
    pub day: Money,
    /// In this month.
    pub month: Money,
}

/// What an account may top itself up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Allowance {
    /// The most per month; none when it may not at all.
    pub cap: Option<Money>,
    /// What it has topped itself up by this month.
    pub used: Money,
}

/// How many things that cost an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Has {
    /// Pods that should be up and serve no run.
    pub pods: usize,
    /// Pods of runs.
    pub runs: usize,
    /// Pods and network volumes that are kept without running.
    pub kept: usize,
}

/// Why pods are stopped and runs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shortage {
    /// There is no credit left.
    Credit,
    /// There is none left if what is silent runs on.
    Silence,
    /// The limit of the day is reached.
    DayLimit,
    /// The limit of the month is reached.
    MonthLimit,
}

/// What is to be done for an account. Doing any of it twice changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Top it up by this much.
    TopUp(Money),
    /// Warn its user that little is left.
    WarnLow,
    /// Note that it has no credit left from now on.
    RunOut,
    /// Note that it has credit, because it may owe now.
    Restore,
    /// Send its runs to their end.
    EndRuns(Shortage),
    /// Stop its pods.
    StopPods(Shortage),
    /// Warn its user for the last time.
    WarnLast {
        /// When what is kept will be deleted.
        deletion: Timestamp,
    },
    /// Delete what is kept.
    Delete,
}

/// Decides what is to be done for an account now.
pub fn decide(facts: &Facts, now: Timestamp) -> Vec<Act> {
    if let Some(amount) = own_top_up(facts) {
        // Nothing else is decided on a balance that is about to change.
        return vec![Act::TopUp(amount)];
    }
    let mut acts = Vec::new();
    match (facts.left, facts.standing) {
        (None, Standing::Good) => {}
        (None, Standing::Out { .. }) => acts.push(Act::Restore),
        (Some(left), Standing::Good) => running_low(facts, left, &mut acts),
        (Some(_), Standing::Out { since }) => {
            end(facts, Shortage::Credit, &mut acts);
            keep(facts, since, now, &mut acts);
        }
    }
    if let Some(shortage) = limit_reached(facts) {
        end(facts, shortage, &mut acts);
    }
    acts
}

fn own_top_up(facts: &Facts) -> Option<Money> {
    let (AutoPay::On { amount, below }, Some(cap)) = (facts.settings.auto_pay, facts.allowance.cap)
    else {
        return None;
    };
    let in_need = facts.left? < below;
    let allowed = facts.allowance.used.saturating_plus(amount) <= cap;
    (in_need && allowed && amount > Money::ZERO).then_some(amount)
}

fn running_low(facts: &Facts, left: Money, acts: &mut Vec<Act>) {
    if facts.has == Has::default() {
        return;
    }
    // Pods on their way up burn nothing yet.
    if left <= Money::ZERO || left < facts.burn {
        acts.push(Act::RunOut);
        end(facts, Shortage::Credit, acts);
        return;
    }
    // Whether it has run out is known when somebody answers.
    if left.saturating_minus(facts.silent) < facts.burn {
        end(facts, Shortage::Silence, acts);
    }
    if left < times(facts.burn, RUN_MARGIN_INTERVALS) && facts.has.runs > 0 {
        acts.push(Act::EndRuns(Shortage::Credit));
    }
    if facts.settings.low_balance.is_some_and(|low| left < low) {
        acts.push(Act::WarnLow);
    }
}

fn end(facts: &Facts, shortage: Shortage, acts: &mut Vec<Act>) {
    if facts.has.runs > 0 {
        acts.push(Act::EndRuns(shortage));
    }
    if facts.has.pods > 0 {
        acts.push(Act::StopPods(shortage));
    }
}

/// Keeps what is kept until it is time, after a last warning.
fn keep(facts: &Facts, since: Timestamp, now: Timestamp, acts: &mut Vec<Act>) {
    if facts.has.kept == 0 {
        return;
    }
    let grace = facts.settings.grace;
    let deletion = deletion(grace, since, facts.last_warned, now);
    match facts.last_warned {
        None if now.after(LAST_WARNING.min(grace)) >= deletion => {
            acts.push(Act::WarnLast { deletion });
        }
        Some(_) if now >= deletion => acts.push(Act::Delete),
        None | Some(_) => {}
    }
}

/// Returns when what is kept for an account without credit will be deleted: once the grace period is
/// over and the last warning, which comes now at the earliest, is a day old, or as old as a shorter
/// grace period.
pub fn deletion(
    grace: Span,
    since: Timestamp,
    last_warned: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let warned = last_warned.unwrap_or(now);
    since
        .after(grace)
        .max(warned.after(LAST_WARNING.min(grace)))
}

/// Returns which limit has no room for one more interval.
fn limit_reached(facts: &Facts) -> Option<Shortage> {
    let limits = facts.settings.limits_in_force();
    let reached = |limit: Option<Money>, spent: Money| {
        limit.is_some_and(|limit| {
            let room = limit.saturating_minus(spent);
            room <= Money::ZERO || room < facts.burn
        })
    };
    if reached(limits.month, facts.spent.month) {
        return Some(Shortage::MonthLimit);
    }
    reached(limits.day, facts.spent.day).then_some(Shortage::DayLimit)
}

fn times(amount: Money, factor: i64) -> Money {
    Money::from_nanos(amount.nanos().saturating_mul(factor))
}

/// Returns for how long an amount lasts at so much an hour; none for ever.
pub fn lasts(left: Money, hourly: Money) -> Option<Span> {
    if hourly <= Money::ZERO {
        return None;
    }
    let millis = i128::from(left.nanos().max(0)) * 3_600_000 / i128::from(hourly.nanos());
    Some(Span::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
}

/// Returns whether a run that was told to end at `told` may still bring its results home although
/// nothing is left.
pub fn may_pull(told: Timestamp, now: Timestamp) -> bool {
    now < told.after(RUN_PATIENCE)
}

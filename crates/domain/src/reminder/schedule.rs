//! When a running pod, or a budget that is used up, gives a notice.
//!
//! Functions here say what is due at a time, and only the latest of it: a control plane that was away
//! for ten hours tells once of a pod that ran for ten hours, not five times. Keys are made of what a
//! notice is for, so that evaluating again, late, or on two control planes tells nothing twice.

use super::{Notice, NoticeKind, for_people};
use crate::pod::{Observed, Phase, Pod, cost_up};
use livery_units::{AccountId, Day, Money, PodId, Span, Timestamp};

/// Reminders come at these multiples of the first interval, as far as they are within a day.
pub const MULTIPLES: [u64; 4] = [1, 2, 4, 8];

/// Reminders come at this interval from the first day on.
pub const DAILY: Span = Span::from_secs(86_400);

const HOUR: Span = Span::from_secs(3_600);

/// The parts of a budget, in percent, at which its user is told.
pub const MARKS: [u8; 3] = [50, 80, 100];

/// Returns the last reminder that fell due within `elapsed`, as the time after the start, if any did.
pub fn last_mark(first: Span, elapsed: Span) -> Option<Span> {
    let within_a_day = MULTIPLES
        .iter()
        .map(|times| Span::from_millis(first.millis().saturating_mul(*times)))
        .filter(|mark| *mark < DAILY && *mark <= elapsed && *mark > Span::ZERO)
        .max();
    let days = elapsed.millis() / DAILY.millis();
    match days {
        0 => within_a_day,
        _ => Some(Span::from_millis(days.saturating_mul(DAILY.millis()))),
    }
}

/// Returns the key of the notice that is due of a running pod; none while it is not running.
///
/// It needs no amount, so that whoever asks reads the books only when there is something to tell.
pub fn running_key(pod: &Pod, first: Span, now: Timestamp) -> Option<String> {
    let (started, end) = running_since(pod)?;
    let mark = last_mark(first, now.since(started));
    let mark = match end {
        End::Open => mark.unwrap_or(Span::ZERO),
        // That it came up is no news any more.
        End::Asked => mark?,
    };
    let mark = mark.millis();
    Some(format!("running/{}/{}/{mark}", pod.id, started.millis()))
}

/// Returns the notice that is due of a running pod, with what it has cost so far.
pub fn running(pod: &Pod, so_far: Money, first: Span, now: Timestamp) -> Option<Notice> {
    let (started, end) = running_since(pod)?;
    let elapsed = now.since(started);
    let (kind, message) = match (last_mark(first, elapsed), end) {
        (None, _) => (NoticeKind::Started, started_words(pod)),
        (Some(_), End::Open) => (
            NoticeKind::StillRunning,
            still_running_words(pod, elapsed, so_far),
        ),
        (Some(_), End::Asked) => (NoticeKind::StillRunning, unconfirmed_words(pod, so_far)),
    };
    Some(Notice {
        key: running_key(pod, first, now)?,
        account: pod.account.clone(),
        pod: Some(pod.id.clone()),
        kind,
        message,
        at: now,
    })
}

/// Whether a pod was asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It is to run.
    Open,
    /// It is to end, and nobody has said that it did.
    Asked,
}

/// Returns since when a pod is running, or may be: one that was asked to end costs until it has.
fn running_since(pod: &Pod) -> Option<(Timestamp, End)> {
    let end = match pod.phase() {
        Phase::Running => End::Open,
        Phase::Stopping | Phase::Terminating => End::Asked,
        Phase::Pending | Phase::Starting | Phase::Stopped => return None,
        Phase::Exited | Phase::Terminated | Phase::Lost => return None,
    };
    match pod.observed {
        Observed::Up | Observed::Unknown => pod.started.map(|started| (started, end)),
        Observed::Absent | Observed::Starting | Observed::Down | Observed::Lost => None,
    }
}

fn started_words(pod: &Pod) -> String {
    let (name, on, price) = (called(pod), machine(pod), price(pod));
    let until = match pod.run {
        Some(_) => "It ends with its run",
        None => "It costs until it is ended",
    };
    format!(
        "{name} is running on {on} at {price}. {until}: {}",
        end_command(pod)
    )
}

fn still_running_words(pod: &Pod, elapsed: Span, so_far: Money) -> String {
    let (name, on, price) = (called(pod), machine(pod), price(pod));
    let (long, so_far, end) = (for_people(elapsed), so_far.shown(), end_command(pod));
    let verb = match pod.run {
        Some(_) => "Cancel",
        None => "Stop",
    };
    format!("{name} has run for {long} on {on} at {price}: {so_far} so far. {verb} it: {end}")
}

fn unconfirmed_words(pod: &Pod, so_far: Money) -> String {
    let (name, on, price, so_far) = (called(pod), machine(pod), price(pod), so_far.shown());
    let why = match &pod.reason {
        Some(why) => format!(" ({why})"),
        None => String::new(),
    };
    format!(
        "{name} was asked to end and may still be running on {on} at {price}: nobody has confirmed \
         it{why}; {so_far} so far. How it is: livery pods"
    )
}

fn called(pod: &Pod) -> String {
    match &pod.run {
        Some(run) => format!("pod {} of run {run}", pod.order.name),
        None => format!("pod {}", pod.order.name),
    }
}

fn machine(pod: &Pod) -> String {
    match &pod.offer.gpus {
        Some(gpus) if pod.order.gpu_count > 1 => format!("{}x {}", pod.order.gpu_count, gpus.model),
        Some(gpus) if pod.order.gpu_count == 1 => gpus.model.to_string(),
        Some(_) | None => format!("a CPU machine of {}", pod.supplier()),
    }
}

/// Says what a pod costs while it is up, with its disks.
fn price(pod: &Pod) -> String {
    format!("{}/h", cost_up(pod, HOUR).shown())
}

/// Returns the command that ends what a pod costs by the hour.
pub fn end_command(pod: &Pod) -> String {
    match &pod.run {
        Some(run) => format!("livery cancel {run}"),
        None => format!("livery pod stop {}", pod.id),
    }
}

/// What money is limited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// What one pod may cost in all.
    Pod {
        /// Its id.
        id: PodId,
        /// Its name.
        name: String,
        /// The command that ends what it costs.
        end: String,
    },
    /// What a run may cost in all.
    Run {
        /// Its id.
        id: livery_units::RunId,
        /// Its name.
        name: String,
    },
    /// What an account may spend on a day.
    Day(Day),
    /// What an account may spend in a month, named by its first day.
    Month(Day),
}

impl Scope {
    /// Returns what is limited for one pod.
    pub fn of_pod(pod: &Pod) -> Self {
        Self::Pod {
            id: pod.id.clone(),
            name: pod.order.name.clone(),
            end: end_command(pod),
        }
    }
}

/// A limit, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Who is told.
    pub account: AccountId,
    /// What it is for.
    pub scope: Scope,
    /// The most that may be spent.
    pub limit: Money,
    /// What is spent.
    pub spent: Money,
}

impl Budget {
    /// Returns the last mark that was reached, in percent.
    pub fn mark(&self) -> Option<u8> {
        let spent = i128::from(self.spent.nanos()) * 100;
        let limit = i128::from(self.limit.nanos());
        let reached = |mark: &&u8| spent >= limit * i128::from(**mark);
        // A limit of nothing is reached by the first nano-dollar, not by having spent none.
        let spent_any = self.spent > Money::ZERO;
        MARKS
            .iter()
            .rev()
            .find(reached)
            .copied()
            .filter(|_| spent_any)
    }

    /// Returns the notice of what is ended because of its limit. That is a little before all is spent,
    /// so that the end is within the limit too.
    pub fn reached(&self, now: Timestamp) -> Notice {
        self.at_mark(MARKS[MARKS.len() - 1], now)
    }

    /// Returns how much is spent, in whole percent; everything when there was nothing to spend.
    fn percent(&self) -> i128 {
        let spent = i128::from(self.spent.nanos()) * 100;
        spent
            .checked_div(i128::from(self.limit.nanos()))
            .unwrap_or(100)
    }

    /// Returns the notice of the last mark that was reached. A limit that was changed has marks of
    /// its own.
    pub fn notice(&self, now: Timestamp) -> Option<Notice> {
        Some(self.at_mark(self.mark()?, now))
    }

    fn at_mark(&self, mark: u8, now: Timestamp) -> Notice {
        let limit = self.limit.nanos();
        let (subject, pod, what, advice) = self.words(Reached::of(mark));
        let (spent, of) = (self.spent.shown(), self.limit.shown());
        Notice {
            key: format!("budget/{subject}/{limit}/{mark}"),
            account: self.account.clone(),
            pod,
            kind: NoticeKind::BudgetMark,
            message: format!(
                "{what}: {spent} of {of} is spent ({} %). {advice}",
                self.percent()
            ),
            at: now,
        }
    }

    fn words(&self, reached: Reached) -> (String, Option<PodId>, String, String) {
        match &self.scope {
            Scope::Pod { id, name, end } => {
                let advice = match reached {
                    Reached::All => "It is being terminated".to_owned(),
                    Reached::Part => {
                        format!("It is terminated at its limit; end it now: {end}")
                    }
                };
                let what = format!("the limit of pod {name}");
                (format!("pod/{id}"), Some(id.clone()), what, advice)
            }
            Scope::Run { id, name } => {
                let advice = match reached {
                    Reached::All => {
                        "It is being ended; what it has made is brought home".to_owned()
                    }
                    Reached::Part => {
                        format!("It is ended at its budget; cancel it now: livery cancel {id}")
                    }
                };
                (
                    format!("run/{id}"),
                    None,
                    format!("the budget of run {name}"),
                    advice,
                )
            }
            Scope::Day(day) => {
                let what = format!("today's spending limit ({day})");
                (format!("day/{day}"), None, what, limit_advice(reached))
            }
            Scope::Month(first) => {
                let (year, month, _) = first.ymd();
                let what = format!("this month's spending limit ({year:04}-{month:02})");
                (format!("month/{first}"), None, what, limit_advice(reached))
            }
        }
    }
}

/// How much of a limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    Part,
    All,
}

impl Reached {
    const fn of(mark: u8) -> Self {
        match mark {
            0..100 => Self::Part,
            100.. => Self::All,
        }
    }
}

fn limit_advice(reached: Reached) -> String {
    match reached {
        Reached::Part => "Pods are stopped at the limit; what runs now: livery pods".to_owned(),
        Reached::All => "Pods are being stopped; the limits: livery balance".to_owned(),
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
pub(super) mod tests;

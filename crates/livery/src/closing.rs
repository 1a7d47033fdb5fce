//! What every command ends with: one line on standard error about what costs, and what its user has
//! not been shown yet.
//!
//! It is asked over the connection that the command used, so a command that needed no control plane
//! starts none and waits for none. When the answer does not come at once, there is no line.
//!
//! A reminder is shown once, so it is shown where somebody reads: a script that drops what commands
//! say must not take it from its user.

use crate::ui::say;
use crate::ui::style::Style;
use livery_api::Client;
use livery_api::dto::{Closing, Reminder, Resting, Running, Shown, Trouble};
use livery_domain::reminder::for_people;
use livery_units::Span;
use std::cell::RefCell;
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::time::Duration;

/// How long a command waits for the answer at most.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reminders that one command shows.
const SHOWN_MAX: usize = 5;

#[derive(Default)]
struct Last {
    client: Option<Client>,
    closing: Option<(Closing, Showing)>,
}

/// Where standard error goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// To somebody who reads.
    Terminal,
    /// To a file, a pipe or nowhere.
    Elsewhere,
}

/// What becomes of reminders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Showing {
    /// They are shown, and are not shown again.
    Shown,
    /// They are counted, and wait until somebody reads.
    Waiting,
}

impl Showing {
    /// Returns what the user wants; nothing when they want to hear nothing.
    fn wanted(remind: Option<&OsStr>, place: Place) -> Option<Self> {
        match (remind.and_then(OsStr::to_str), place) {
            (Some("off"), _) => None,
            (Some("always"), _) => Some(Self::Shown),
            (Some(_) | None, Place::Terminal) => Some(Self::Shown),
            (Some(_) | None, Place::Elsewhere) => Some(Self::Waiting),
        }
    }

    /// Returns how many one command shows.
    fn most(self) -> usize {
        match self {
            Self::Shown => SHOWN_MAX,
            Self::Waiting => 0,
        }
    }
}

thread_local! {
    /// Commands run on one thread, and a process runs one command.
    static LAST: RefCell<Last> = RefCell::default();
}

/// Remembers the connection that a command uses.
pub fn remember(client: &Client) {
    LAST.with_borrow_mut(|last| last.client = Some(client.clone()));
}

/// Asks what the command ends with, if it talked to a control plane; failures are nobody's concern.
pub async fn ask() {
    let Some(client) = LAST.with_borrow_mut(|last| last.client.take()) else {
        return;
    };
    let remind = std::env::var_os("LIVERY_REMIND");
    let place = match std::io::stderr().is_terminal() {
        true => Place::Terminal,
        false => Place::Elsewhere,
    };
    let Some(showing) = Showing::wanted(remind.as_deref(), place) else {
        return;
    };
    // However far it came by then: what was learnt is said.
    let _ = tokio::time::timeout(PATIENCE, ask_now(&client, showing)).await;
}

/// Keeps the answer before it says that it was shown: reminders are rather shown twice than never.
async fn ask_now(client: &Client, showing: Showing) {
    let Ok(closing) = client.closing().await else {
        return;
    };
    let shown = closing.reminders.iter().take(showing.most());
    let keys: Vec<String> = shown.map(|reminder| reminder.key.clone()).collect();
    LAST.with_borrow_mut(|last| last.closing = Some((closing, showing)));
    if !keys.is_empty() {
        let _ = client.reminders_shown(&Shown { keys }).await;
    }
}

/// Says what was learnt, as the last words of the command.
pub fn say_it() {
    let Some((closing, showing)) = LAST.with_borrow_mut(|last| last.closing.take()) else {
        return;
    };
    let style = Style::stderr();
    for words in reminded(&closing.reminders, showing) {
        say(&format!("{}: {words}", style.warn("reminder")));
    }
    if let Some(trouble) = &closing.trouble {
        say(&format!(
            "{}: {}",
            style.warn("warning"),
            undelivered(trouble)
        ));
    }
    if let Some(line) = line(&closing) {
        say(&style.dim(&line));
    }
}

fn reminded(reminders: &[Reminder], showing: Showing) -> Vec<String> {
    let messages = reminders.iter().take(showing.most());
    let mut said: Vec<String> = messages.map(|one| one.message.clone()).collect();
    match (reminders.len().saturating_sub(said.len()), said.len()) {
        (0, _) => {}
        (1, 0) => said.push("1 waits for you: livery reminders".to_owned()),
        (more, 0) => said.push(format!("{more} wait for you: livery reminders")),
        (more, _) => said.push(format!("and {more} more: livery reminders")),
    }
    said
}

fn undelivered(trouble: &Trouble) -> String {
    let (count, channel, problem) = (trouble.count, &trouble.channel, &trouble.problem);
    match count {
        1 => format!("1 reminder could not be delivered: {channel}: {problem} (livery reminders)"),
        _ => format!(
            "{count} reminders could not be delivered, the last to {channel}: {problem} (livery \
             reminders)"
        ),
    }
}

/// Says what costs, or may; nothing when nothing does.
fn line(closing: &Closing) -> Option<String> {
    let mut line = closing.running.as_ref().map(running);
    if let Some(resting) = &closing.resting {
        line = Some(match line {
            Some(line) => format!("{line}; {} more", rests(resting)),
            None => format!("nothing is running, but {}", rests(resting)),
        });
    }
    if closing.silent > 0 {
        let silent = match closing.silent {
            1 => "1 pod does not answer and may be running".to_owned(),
            pods => format!("{pods} pods do not answer and may be running"),
        };
        line = Some(line.map_or_else(|| silent.clone(), |line| format!("{line}; {silent}")));
    }
    let more = match &closing.resting {
        Some(_) => "livery spend",
        None => "livery pods",
    };
    line.map(|line| format!("{line} ({more})"))
}

fn running(running: &Running) -> String {
    let long = for_people(Span::from_millis(running.longest_ms));
    let (hourly, so_far) = (running.hourly.shown(), running.so_far.shown());
    match running.pods {
        1 => format!("1 pod is running, for {long}, at {hourly}/h: {so_far} so far"),
        pods => format!(
            "{pods} pods are running, the longest for {long}, at {hourly}/h: {so_far} so far"
        ),
    }
}

fn rests(resting: &Resting) -> String {
    let pods = match resting.pods {
        0 => None,
        1 => Some("1 stopped pod".to_owned()),
        pods => Some(format!("{pods} stopped pods")),
    };
    let volumes = match resting.volumes {
        0 => None,
        1 => Some("1 volume".to_owned()),
        volumes => Some(format!("{volumes} volumes")),
    };
    let things: Vec<String> = pods.into_iter().chain(volumes).collect();
    let verb = match resting.pods.saturating_add(resting.volumes) {
        1 => "costs",
        _ => "cost",
    };
    let hourly = resting.hourly.shown();
    format!("{} {verb} {hourly}/h", things.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_domain::reminder::NoticeKind;
    use livery_units::{Money, Timestamp};

    fn up(pods: u64) -> Option<Running> {
        Some(Running {
            pods,
            longest_ms: 7_260_000,
            hourly: Money::from_nanos(690_000_000),
            so_far: Money::from_nanos(1_391_500_000),
        })
    }

    fn down(pods: u64, volumes: u64, nanos: i64) -> Option<Resting> {
        Some(Resting {
            pods,
            volumes,
            hourly: Money::from_nanos(nanos),
        })
    }

    #[test]
    fn the_line_says_how_many_for_how_long_at_what_rate_and_how_much() {
        for (running, resting, silent, said) in [
            (None, None, 0, None),
            (
                up(1),
                None,
                0,
                Some("1 pod is running, for 2h 01m, at $0.69/h: $1.39 so far (livery pods)"),
            ),
            (
                up(3),
                None,
                2,
                Some(
                    "3 pods are running, the longest for 2h 01m, at $0.69/h: $1.39 so far; 2 pods do \
                     not answer and may be running (livery pods)",
                ),
            ),
            (
                up(1),
                down(2, 1, 20_000_000),
                0,
                Some(
                    "1 pod is running, for 2h 01m, at $0.69/h: $1.39 so far; 2 stopped pods and 1 \
                     volume cost $0.02/h more (livery spend)",
                ),
            ),
            (
                None,
                down(1, 0, 20_000_000),
                0,
                Some("nothing is running, but 1 stopped pod costs $0.02/h (livery spend)"),
            ),
            (
                None,
                down(0, 2, 97_222),
                1,
                Some(
                    "nothing is running, but 2 volumes cost $0.00009722/h; 1 pod does not answer \
                     and may be running (livery spend)",
                ),
            ),
            (
                None,
                None,
                1,
                Some("1 pod does not answer and may be running (livery pods)"),
            ),
        ] {
            let closing = Closing {
                running,
                resting,
                silent,
                ..Closing::default()
            };
            assert_eq!(line(&closing).as_deref(), said);
        }
    }

    #[test]
    fn reminders_are_shown_where_somebody_reads_and_counted_elsewhere() {
        for (remind, place, wanted) in [
            (None, Place::Terminal, Some(Showing::Shown)),
            (None, Place::Elsewhere, Some(Showing::Waiting)),
            (Some("always"), Place::Elsewhere, Some(Showing::Shown)),
            (Some("off"), Place::Terminal, None),
            (Some("on"), Place::Elsewhere, Some(Showing::Waiting)),
        ] {
            let found = Showing::wanted(remind.map(OsStr::new), place);
            assert_eq!(found, wanted, "{remind:?} {place:?}");
        }
        let reminder = |number| Reminder {
            key: format!("key {number}"),
            kind: NoticeKind::Idle,
            message: format!("message {number}"),
            pod: None,
            at: Timestamp::from_millis(0),
            shown: None,
            deliveries: Vec::new(),
        };
        let seven: Vec<Reminder> = (1..=7).map(reminder).collect();
        let said = reminded(&seven, Showing::Shown);
        assert_eq!((said.len(), said[0].as_str()), (6, "message 1"));
        assert_eq!(said[5], "and 2 more: livery reminders");
        assert_eq!(reminded(&seven[..5], Showing::Shown).len(), 5);
        let waiting = ["7 wait for you: livery reminders"];
        assert_eq!(reminded(&seven, Showing::Waiting), waiting);
        assert_eq!(reminded(&[], Showing::Waiting), [""; 0]);
    }

    #[test]
    fn what_could_not_be_delivered_is_said_with_the_reason() {
        let trouble = |count| Trouble {
            count,
            channel: "slack".to_owned(),
            problem: "the server answered 404 Not Found".to_owned(),
        };
        assert_eq!(
            undelivered(&trouble(1)),
            "1 reminder could not be delivered: slack: the server answered 404 Not Found (livery \
             reminders)"
        );
        assert!(
            undelivered(&trouble(4))
                .starts_with("4 reminders could not be delivered, the last to slack")
        );
    }
}

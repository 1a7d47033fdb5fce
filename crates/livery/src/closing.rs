//! What every command ends with: one line on standard error about what is running, and what its
//! user has not been shown yet.
//!
//! It is asked over the connection that the command used, so a command that needed no control plane
//! starts none and waits for none. When the answer does not come at once, there is no line.

use crate::ui::say;
use crate::ui::style::Style;
use livery_api::Client;
use livery_api::dto::{Closing, Running, Shown, Trouble};
use livery_domain::reminder::{for_people, rounded};
use livery_units::Span;
use std::cell::RefCell;
use std::time::Duration;

/// How long a command waits for the answer at most.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reminders that one command shows.
const SHOWN_MAX: usize = 5;

#[derive(Default)]
struct Last {
    client: Option<Client>,
    closing: Option<Closing>,
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
    let client = LAST.with_borrow_mut(|last| last.client.take());
    let Some(client) = client.filter(|_| is_wanted()) else {
        return;
    };
    let asked = tokio::time::timeout(PATIENCE, ask_now(&client)).await;
    if let Ok(Some(closing)) = asked {
        LAST.with_borrow_mut(|last| last.closing = Some(closing));
    }
}

async fn ask_now(client: &Client) -> Option<Closing> {
    let closing = client.closing().await.ok()?;
    let shown = closing.reminders.iter().take(SHOWN_MAX);
    let keys: Vec<String> = shown.map(|reminder| reminder.key.clone()).collect();
    if !keys.is_empty() {
        client.reminders_shown(&Shown { keys }).await.ok()?;
    }
    Some(closing)
}

fn is_wanted() -> bool {
    std::env::var_os("LIVERY_REMIND").is_none_or(|value| value != "off")
}

/// Says what was learnt, as the last words of the command.
pub fn say_it() {
    let Some(closing) = LAST.with_borrow_mut(|last| last.closing.take()) else {
        return;
    };
    let style = Style::stderr();
    for reminder in closing.reminders.iter().take(SHOWN_MAX) {
        say(&format!("{}: {}", style.warn("reminder"), reminder.message));
    }
    let more = closing.reminders.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        say(&format!(
            "{}: and {more} more: livery reminders",
            style.warn("reminder")
        ));
    }
    if let Some(trouble) = &closing.trouble {
        say(&format!(
            "{}: {}",
            style.warn("warning"),
            undelivered(trouble)
        ));
    }
    if let Some(running) = &closing.running {
        say(&style.dim(&line(running)));
    }
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

fn line(running: &Running) -> String {
    let long = for_people(Span::from_millis(running.longest_ms));
    let (hourly, so_far) = (rounded(running.hourly), rounded(running.so_far));
    match running.pods {
        1 => format!("1 pod is running, for {long}, at {hourly}/h: {so_far} so far (livery pods)"),
        pods => format!(
            "{pods} pods are running, the longest for {long}, at {hourly}/h: {so_far} so far (livery \
             pods)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_units::Money;

    #[test]
    fn the_line_says_how_many_for_how_long_at_what_rate_and_how_much() {
        let running = |pods| Running {
            pods,
            longest_ms: 7_260_000,
            hourly: Money::from_nanos(690_000_000),
            so_far: Money::from_nanos(1_391_500_000),
        };
        assert_eq!(
            line(&running(1)),
            "1 pod is running, for 2h 01m, at $0.69/h: $1.39 so far (livery pods)"
        );
        assert_eq!(
            line(&running(3)),
            "3 pods are running, the longest for 2h 01m, at $0.69/h: $1.39 so far (livery pods)"
        );
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

//! A line per step on standard error.

use super::log::LogEnd;
use super::patience::Patience;
use crate::ui::say;
use crate::ui::style::Style;
use livery_api::dto::{EventsQuery, Run, RunEvent};
use livery_api::{Client, WAIT_MAX_MS};
use livery_domain::run::{EventKind, RunStep};
use livery_units::Timestamp;

/// What is printed while waiting.
pub enum Wait {
    /// Every step; that training is over, after the job's own output.
    Printing(LogEnd),
    /// Nothing.
    Quietly,
}

/// Waits until a run is over, teardown included, and returns it.
pub async fn until_over(client: &Client, run: &str, wait: Wait) -> anyhow::Result<Run> {
    until_over_patiently(client, run, wait, &mut Patience::only_waiting()).await
}

/// Waits until a run is over; broken connections are made again.
pub async fn until_over_patiently(
    client: &Client,
    run: &str,
    mut wait: Wait,
    patience: &mut Patience<'_>,
) -> anyhow::Result<Run> {
    let mut after = 0;
    let mut printer = Printer::new();
    let mut is_over = false;
    loop {
        // The last event comes a moment before the run itself says that it has ended.
        let wait_ms = if is_over { LAST_LOOK_MS } else { WAIT_MAX_MS };
        let answer = client.run_events(run, EventsQuery { after, wait_ms }).await;
        let events = match answer {
            Ok(answer) => answer.events,
            Err(error) => {
                patience.after(error).await?;
                continue;
            }
        };
        patience.answered();
        for event in &events {
            after = event.seq;
            is_over |= event.kind == EventKind::Over;
            match &mut wait {
                Wait::Printing(log_end) => {
                    if ends_training(event) {
                        log_end.soon().await;
                    }
                    printer.print(event);
                }
                Wait::Quietly => {}
            }
        }
        if is_over || events.is_empty() {
            match client.run(run).await {
                Ok(run) if run.ended.is_some() => return Ok(run),
                Ok(_) => {}
                Err(error) => patience.after(error).await?,
            }
        }
    }
}

fn ends_training(event: &RunEvent) -> bool {
    let is_end = match event.kind {
        EventKind::Done | EventKind::Failed => true,
        EventKind::Began | EventKind::Note | EventKind::Over => false,
    };
    is_end && event.step == RunStep::Train
}

/// How long to wait for one more event once the last has come.
const LAST_LOOK_MS: u64 = 50;

struct Printer {
    style: Style,
    began: Option<(RunStep, Timestamp)>,
}

impl Printer {
    fn new() -> Self {
        Self {
            style: Style::stderr(),
            began: None,
        }
    }

    fn print(&mut self, event: &RunEvent) {
        let style = self.style;
        let number = format!("{}/8", event.step.number());
        let took = match self.began {
            Some((step, at)) if step == event.step => event.at.since(at).to_string(),
            Some(_) | None => String::new(),
        };
        let mut lines = event.message.lines();
        let first = lines.next().unwrap_or_default();
        match event.kind {
            EventKind::Began => {
                self.began = Some((event.step, event.at));
                // Steps are told of when they end; training is where the job's own words begin.
                if event.step == RunStep::Train {
                    say(&format!("{} {number} {}", style.info("▸"), event.step));
                }
                return;
            }
            EventKind::Note => say(&format!("  {}", style.dim(first))),
            EventKind::Done => {
                let mark = style.good("✓");
                say(&format!("{mark} {number} {:<8} {took:>7}", event.step));
            }
            EventKind::Failed => {
                let mark = style.bad("✗");
                say(format!("{mark} {number} {:<8} {took:>7}  {first}", event.step).trim_end());
            }
            EventKind::Over => say(first),
        }
        for line in lines {
            match event.kind {
                EventKind::Over => say(line),
                EventKind::Began | EventKind::Note => say(&format!("  {line}")),
                EventKind::Done | EventKind::Failed => say(&format!("      {line}")),
            }
        }
    }
}

//! What to do about a broken connection: wait, try again, and start the control plane if it stays
//! away.

use crate::serve::background;
use crate::settings::{Settings, Start};
use crate::ui::{say, warn};
use livery_api::Error;
use std::time::{Duration, Instant};

/// How long a control plane may be away before one is started, where that is allowed.
const START_AFTER: Duration = Duration::from_secs(20);

/// How long a control plane may be away before the user is told to come back later.
const GIVE_UP_AFTER: Duration = Duration::from_secs(15 * 60);

const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Remembers since when nobody answers.
pub struct Patience<'a> {
    settings: Option<&'a Settings>,
    away_since: Option<Instant>,
    pause: Duration,
}

impl<'a> Patience<'a> {
    /// Patience that may start a control plane, where the settings allow it.
    pub fn new(settings: &'a Settings) -> Self {
        let may_start = settings.server.is_none() && settings.start == Start::WhenNeeded;
        Self {
            settings: may_start.then_some(settings),
            away_since: None,
            pause: PAUSE_FIRST,
        }
    }

    /// Patience that only waits.
    pub fn only_waiting() -> Self {
        Self {
            settings: None,
            away_since: None,
            pause: PAUSE_FIRST,
        }
    }

    /// Notes that somebody answered.
    pub fn answered(&mut self) {
        if self.away_since.take().is_some() {
            say("connected again");
        }
        self.pause = PAUSE_FIRST;
    }

    /// Waits before another try; an error that will not pass comes straight back.
    pub async fn after(&mut self, error: Error) -> anyhow::Result<()> {
        if !passes(&error) {
            return Err(error.into());
        }
        let since = *self.away_since.get_or_insert_with(|| {
            warn(&format!(
                "{error}; waiting (the run goes on without this terminal)"
            ));
            Instant::now()
        });
        if since.elapsed() > GIVE_UP_AFTER {
            return Err(error.into());
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        // One that answers, however badly, is there.
        let is_there = matches!(error, Error::Refused { .. });
        let is_due = since.elapsed() > START_AFTER && !is_there;
        if let Some(settings) = self.settings.filter(|_| is_due) {
            // Another try follows whether or not this works.
            if let Err(why) = background::start(settings, background::Asked::ByAnotherCommand).await
            {
                warn(&format!("the control plane could not be started: {why}"));
            }
        }
        Ok(())
    }
}

/// Whether waiting helps: also for somebody who makes room on the control plane's disk.
fn passes(error: &Error) -> bool {
    const DISK_FULL: u16 = 507;
    let is_full = matches!(error, Error::Refused { status, .. } if *status == DISK_FULL);
    error.is_passing() || is_full
}

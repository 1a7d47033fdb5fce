//! Follows a run to its end, with Ctrl-C as users of other tools expect it.

use super::cancelling::{self, Left};
use super::log::{self, LogEnd, Until};
use super::patience::Patience;
use super::steps::{self, Wait};
use crate::settings::Settings;
use crate::signals::Signals;
use crate::ui::warn;
use livery_api::Client;
use livery_api::dto::Run;

/// How following a run ended.
pub enum Followed {
    /// The run is over, teardown included.
    ToTheEnd(Box<Run>),
    /// The user left before that.
    Left(Left),
}

/// What the user has wished before the run was there to be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// To follow it.
    Following,
    /// To cancel it.
    Cancelling,
}

/// Prints steps and the job's output until the run is over. The first Ctrl-C cancels the run and
/// waits for its teardown, the second leaves.
pub async fn follow(
    client: &Client,
    run: &str,
    settings: &Settings,
    signals: &mut Signals,
    start: Start,
) -> anyhow::Result<Followed> {
    let mut for_steps = Patience::new(settings);
    let mut for_log = Patience::only_waiting();
    let (log_ended, log_end) = LogEnd::channel();
    let steps = steps::until_over_patiently(client, run, Wait::Printing(log_end), &mut for_steps);
    let log = async {
        // The steps tell what matters: a log that breaks does not end them.
        if let Err(error) = log::print_patiently(client, run, Until::Over, &mut for_log).await {
            warn(&format!(
                "the job's output stops here: {error} (`livery logs {run}`)"
            ));
        }
        log_ended.send_replace(true);
    };
    let both = async { tokio::join!(steps, log).0 };
    let left = async {
        match start {
            Start::Following => cancelling::wishes(client, run, signals).await,
            Start::Cancelling => cancelling::cancel(client, run, signals).await,
        }
    };
    tokio::select! {
        run = both => Ok(Followed::ToTheEnd(Box::new(run?))),
        left = left => Ok(Followed::Left(left)),
    }
}

//! Follows a run to its end, with Ctrl-C as users of other tools expect it.

use super::log::{self, LogEnd, Until};
use super::patience::Patience;
use super::steps::{self, Wait};
use crate::settings::Settings;
use crate::ui::{say, warn};
use livery_api::Client;
use livery_api::dto::Run;

/// How following a run ended.
pub enum Followed {
    /// The run is over, teardown included.
    ToTheEnd(Box<Run>),
    /// The user left; the run's teardown goes on without them.
    Left,
}

/// Prints steps and the job's output until the run is over. The first Ctrl-C cancels the run and
/// waits for its teardown, the second leaves at once.
pub async fn follow(client: &Client, run: &str, settings: &Settings) -> anyhow::Result<Followed> {
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
    tokio::select! {
        run = both => Ok(Followed::ToTheEnd(Box::new(run?))),
        result = interrupts(client, run) => {
            result?;
            Ok(Followed::Left)
        }
    }
}

/// Returns after the second Ctrl-C.
async fn interrupts(client: &Client, run: &str) -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await?;
    say("cancelling the run and tearing it down (Ctrl-C again to leave; the teardown goes on)");
    let cancel = async {
        if let Err(error) = client.run_cancel(run).await {
            warn(&format!(
                "the run could not be cancelled: {error} (`livery cancel {run}`)"
            ));
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = cancel => {}
        second = tokio::signal::ctrl_c() => second?,
    }
    say(&format!(
        "left; `livery run show {run}` shows how it goes on"
    ));
    Ok(())
}

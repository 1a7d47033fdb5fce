//! Ctrl-C: what is said is what the control plane has recorded.

use crate::signals::Signals;
use crate::ui::{say, warn};
use livery_api::{Client, Error};
use rustix::process::Signal;
use std::time::Duration;

/// How the user left a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It is being cancelled; the control plane has said so.
    Cancelled,
    /// As far as is known it goes on.
    GoesOn,
    /// It goes on: this command was ended by a signal.
    Signalled(Signal),
}

/// How long a user who wants to leave waits for the control plane's word.
const LEAVE_PATIENCE: Duration = Duration::from_secs(10);

/// How soon a control plane that does not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(300);

/// Waits for the user's signals: the first Ctrl-C cancels, the next leaves once that is recorded.
pub async fn wishes(client: &Client, run: &str, signals: &mut Signals) -> Left {
    if let Err(signal) = signals.interrupted().await {
        return signalled(run, signal);
    }
    cancel(client, run, signals).await
}

/// Cancels a run and waits until its user leaves.
pub async fn cancel(client: &Client, run: &str, signals: &mut Signals) -> Left {
    say("asking the control plane to cancel the run…");
    let mut recorded = std::pin::pin!(record(client, run));
    let answer = tokio::select! {
        answer = recorded.as_mut() => answer,
        wish = signals.interrupted() => match wish {
            Err(_) => return leave(run, Err(None)),
            Ok(()) => {
                let answer = last_word(recorded.as_mut(), signals).await;
                return leave(run, answer);
            }
        },
    };
    match answer {
        Ok(()) => {
            say(
                "cancelling the run and tearing it down (Ctrl-C again to leave; the teardown goes on)",
            );
        }
        Err(ref error) => warn(&format!(
            "the run is NOT cancelled, and goes on: {error} (`livery cancel {run}` tries again)"
        )),
    }
    match signals.interrupted().await {
        Err(signal) if answer.is_err() => signalled(run, signal),
        Ok(()) | Err(_) => leave(run, answer.map_err(Some)),
    }
}

/// Asks until the control plane has an answer; only its own word counts.
async fn record(client: &Client, run: &str) -> Result<(), Error> {
    loop {
        match client.run_cancel(run).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_passing() => tokio::time::sleep(ASK_AGAIN).await,
            Err(error) => return Err(error),
        }
    }
}

/// Waits for the answer a while longer, unless the user cannot wait.
async fn last_word(
    recorded: impl Future<Output = Result<(), Error>>,
    signals: &mut Signals,
) -> Result<(), Option<Error>> {
    say("the control plane has not answered yet: waiting for it (Ctrl-C again leaves at once)");
    tokio::select! {
        answer = recorded => answer.map_err(Some),
        () = tokio::time::sleep(LEAVE_PATIENCE) => Err(None),
        _ = signals.next() => Err(None),
    }
}

/// Says how it is with the run that is left.
fn leave(run: &str, answer: Result<(), Option<Error>>) -> Left {
    let why = match answer {
        Ok(()) => {
            say(&format!(
                "left; the run is being cancelled, and `livery run show {run}` shows how that goes on"
            ));
            return Left::Cancelled;
        }
        Err(Some(error)) => error.to_string(),
        Err(None) => "the control plane did not answer".to_owned(),
    };
    warn(&format!(
        "left, and the run is NOT known to be cancelled: {why}. It may go on and cost: `livery cancel \
         {run}` cancels it"
    ));
    Left::GoesOn
}

fn signalled(run: &str, signal: Signal) -> Left {
    say(&format!(
        "the run goes on; `livery logs {run} -f` follows it, `livery cancel {run}` cancels it"
    ));
    Left::Signalled(signal)
}

//! Handing a run in. A user who gives up meanwhile does not leave one that nobody knows of.

use super::cancelling::Left;
use super::follow::Start;
use crate::signals::{Signals, Wish};
use crate::ui::{say, warn};
use livery_api::Client;
use livery_api::dto::{Run, Submission};

/// What came of handing a run in.
pub enum Submitted {
    /// The control plane took it.
    Accepted(Box<Run>, Start),
    /// The user left before there was an answer.
    Left(Left),
}

/// Hands a run in. A Ctrl-C meanwhile cancels it as soon as it has an id; the next one leaves.
pub async fn submit(
    client: &Client,
    submission: &Submission,
    signals: &mut Signals,
) -> anyhow::Result<Submitted> {
    let mut asked = std::pin::pin!(client.run_submit(submission));
    let wish = tokio::select! {
        run = asked.as_mut() => return Ok(Submitted::Accepted(Box::new(run?), Start::Following)),
        wish = signals.next() => wish,
    };
    if let Wish::End(signal) = wish {
        return Ok(Submitted::Left(unknown(Left::Signalled(signal))));
    }
    say("the run is being handed in: it is cancelled once it is accepted (Ctrl-C again leaves)");
    tokio::select! {
        run = asked => Ok(Submitted::Accepted(Box::new(run?), Start::Cancelling)),
        _ = signals.next() => Ok(Submitted::Left(unknown(Left::GoesOn))),
    }
}

fn unknown(left: Left) -> Left {
    warn(
        "left, and whether the run was accepted is not known: `livery runs` shows it if it was, and \
         `livery cancel` cancels it",
    );
    left
}

//! `livery run JOB --explain`, and the estimate and the question before money is spent.

use super::offers::print_offers;
use crate::failure::Ending;
use crate::terminal;
use crate::ui::{listing, say};
use livery_api::Client;
use livery_api::dto::{ForecastQuestion, Submission};
use livery_units::{Money, Span};
use std::io::Write;

/// Shows how the offers stand to a job; nothing is launched.
pub async fn explain(client: &Client, submission: &Submission) -> anyhow::Result<Ending> {
    let offers = client.run_explain(submission).await?;
    print_offers(&offers.offers, &offers.misfits)?;
    if offers.offers.is_empty() {
        say("no offer fits this job");
        return Ok(Ending::BadNews);
    }
    say("the first of these would be chosen; nothing was launched");
    Ok(Ending::Done)
}

/// Whether a user at a terminal is asked before money is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Yes.
    AtATerminal,
    /// No.
    Never,
}

/// Shows what the run will cost, and asks a user at a terminal before money is spent; what costs
/// nothing is not asked about.
pub async fn agreed(
    client: &Client,
    submission: &Submission,
    expected: Option<Span>,
    asking: Asking,
) -> anyhow::Result<bool> {
    let question = ForecastQuestion {
        job: submission.clone(),
        expected_ms: expected.map(Span::millis),
    };
    let Some(forecast) = client.forecast(&question).await? else {
        // The run itself says best why nothing fits.
        return Ok(true);
    };
    let offer = &forecast.offer;
    say(&format!(
        "estimate: {} {}, {} vCPU, {}: {}",
        offer.supplier,
        listing::gpus(offer.gpus.as_ref()),
        listing::vcpu(offer.vcpu_milli),
        offer.memory,
        forecast.words,
    ));
    let is_free = offer.price.hourly <= Money::ZERO && forecast.storage_hourly <= Money::ZERO;
    if is_free || asking == Asking::Never || !terminal::is_interactive() {
        return Ok(true);
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "Launch? [Y/n] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    let answer = answer.trim().to_lowercase();
    Ok(matches!(answer.as_str(), "" | "y" | "yes"))
}

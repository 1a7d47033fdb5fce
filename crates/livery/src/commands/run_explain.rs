//! `livery run JOB --explain`, and the question before money is spent.

use super::offers::print_offers;
use crate::failure::Ending;
use crate::terminal;
use crate::ui::{listing, say};
use livery_api::Client;
use livery_api::dto::Submission;
use livery_units::Money;
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

/// Asks a user at a terminal before money is spent; what costs nothing is not asked about.
pub async fn agreed(client: &Client, submission: &Submission) -> anyhow::Result<bool> {
    if !terminal::is_interactive() {
        return Ok(true);
    }
    let offers = client.run_explain(submission).await?;
    let Some(best) = offers.offers.first() else {
        // The run itself says best why nothing fits.
        return Ok(true);
    };
    if best.price.hourly <= Money::ZERO {
        return Ok(true);
    }
    let what = listing::gpus(best.gpus.as_ref());
    let mut stderr = std::io::stderr();
    write!(
        stderr,
        "{} {what}, {} vCPU, {} at {}. Launch? [Y/n] ",
        best.supplier,
        listing::vcpu(best.vcpu_milli),
        best.memory,
        listing::price(&best.price),
    )?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    let answer = answer.trim().to_lowercase();
    Ok(matches!(answer.as_str(), "" | "y" | "yes"))
}

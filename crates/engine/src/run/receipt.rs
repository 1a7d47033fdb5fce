//! The receipt of a run: each line says what, how long, at which rate, and how much.

use super::steps::pods_of;
use crate::error::Error;
use crate::services::Services;
use livery_domain::pod::Pod;
use livery_domain::run::Run;
use livery_ledger::Line;
use livery_units::Span;

/// Makes the receipt from what the ledger charged, never from a second calculation.
pub(crate) async fn receipt(services: &Services, run: &Run) -> Result<String, Error> {
    let mut lines = Vec::new();
    for pod in pods_of(services, run).await?.iter().rev() {
        lines.push(Line {
            what: describe(pod),
            how_long: up_for(pod),
            rate: pod.offer.price,
            amount: services.store.pod_charged(&pod.id).await?,
        });
    }
    let receipt = livery_ledger::receipt(lines).map_err(crate::money::out_of_range)?;
    Ok(receipt.to_string())
}

fn describe(pod: &Pod) -> String {
    let gpus = pod
        .offer
        .gpus
        .as_ref()
        .map_or(String::new(), |gpus| format!(", {gpus}"));
    format!("{} on {}{gpus}", pod.id, pod.supplier())
}

fn up_for(pod: &Pod) -> Span {
    match (pod.started, pod.up_until) {
        (Some(started), Some(until)) => Span::from_secs(until.since(started).secs()),
        (None, _) | (_, None) => Span::ZERO,
    }
}

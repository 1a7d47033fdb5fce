//! The receipt of a run: each line says what, how long, at which rate, and how much.

use super::steps::pods_of;
use crate::error::Error;
use crate::money::out_of_range;
use crate::services::Services;
use livery_domain::pod::Pod;
use livery_domain::run::Run;
use livery_ledger::{Item, Line, Meter};
use livery_units::{Money, MoneyError, Span};

/// Makes the receipt from what the meters charged, never from a second calculation.
pub(crate) async fn receipt(services: &Services, run: &Run) -> Result<String, Error> {
    let mut lines = Vec::new();
    for pod in pods_of(services, run).await?.iter().rev() {
        let meters = services.store.meter_list_of_pod(&pod.id).await?;
        let charged = services.store.pod_charged(&pod.id).await?;
        lines.extend(lines_of(pod, &meters, charged).map_err(out_of_range)?);
    }
    let receipt = livery_ledger::receipt(lines).map_err(out_of_range)?;
    Ok(receipt.to_string())
}

/// One line for every item and rate of a pod, in the order in which they were first used. They add up
/// to what the pod was charged.
fn lines_of(pod: &Pod, meters: &[Meter], charged: Money) -> Result<Vec<Line>, MoneyError> {
    let mut lines: Vec<Line> = Vec::new();
    let mut metered = Money::ZERO;
    for meter in meters {
        metered = metered.plus(meter.charged)?;
        let what = describe(pod, meter.item);
        match lines
            .iter_mut()
            .find(|line| line.what == what && line.rate == meter.rate)
        {
            Some(line) => {
                let secs = line.how_long.secs() + meter.counted().secs();
                line.how_long = Span::from_secs(secs);
                line.amount = line.amount.plus(meter.charged)?;
            }
            None => lines.push(Line {
                what,
                how_long: meter.counted(),
                rate: meter.rate,
                amount: meter.charged,
            }),
        }
    }
    let before = charged.minus(metered)?;
    // A pod that was never up, or one that was charged before there were meters.
    if lines.is_empty() || before > Money::ZERO {
        lines.push(Line {
            what: describe(pod, Item::Compute),
            how_long: Span::ZERO,
            rate: pod.offer.price,
            amount: before,
        });
    }
    Ok(lines)
}

fn describe(pod: &Pod, item: Item) -> String {
    let gpus = pod
        .offer
        .gpus
        .as_ref()
        .map_or(String::new(), |gpus| format!(", {gpus}"));
    match item {
        Item::Compute => format!("{} on {}{gpus}", pod.id, pod.supplier()),
        Item::Storage => format!("{}, disks", pod.id),
        Item::Volume => format!("{}, network volume", pod.id),
    }
}

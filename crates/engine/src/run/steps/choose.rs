//! Step 1: rank the offers that fit and take the best.

use super::{Scene, files};
use crate::error::Error;
use crate::run::events::note;
use crate::run::forecast::on_offer;
use crate::run::volume;
use livery_domain::placement::rank;
use livery_domain::run::{EventKind, StepEnd};
use livery_units::Span;

/// How long a supplier that does not answer is waited for when no other has an offer that fits: long
/// enough for an agent that is being replaced.
const PATIENCE: Span = Span::from_secs(15);

/// The note that carries the choice to the launch.
pub(super) const CHOICE: &str = "choice";

pub(super) async fn perform(scene: &Scene) -> Result<StepEnd, Error> {
    let services = &scene.services;
    let volume = match volume::of_run(services, &scene.run, &scene.job).await? {
        Ok(volume) => volume,
        Err(end) => return Ok(end),
    };
    let wanted = volume::needs_at(&scene.job, volume.as_ref());
    let mut offers = Vec::new();
    let mut silent = None;
    for (name, answer) in services.answers().await {
        match answer {
            Ok(more) => offers.extend(more),
            Err(why) => silent = Some(format!("{name} does not answer: {why}")),
        }
    }
    let ranking = rank(
        offers,
        &wanted.needs,
        wanted.preference,
        &scene.run.excluded,
    );
    let Some(best) = ranking.fits.first() else {
        // Silence concludes nothing: whoever does not answer may be about to come back.
        let waited = services.now().since(scene.run.step_began);
        if let Some(silent) = silent.filter(|_| waited < PATIENCE) {
            return Err(Error::Unreachable(silent));
        }
        files::at_home(scene, "no offer here will do, and ").await?;
        let none = match &volume {
            Some(volume) => volume::words(&volume::elsewhere(&scene.job, volume, ranking)),
            None => {
                let misfits = ranking.misfits;
                Error::NoOffer { misfits }.to_string()
            }
        };
        // The first line: a gate's whole table stands in the events already.
        let last = scene
            .run
            .reason
            .as_deref()
            .and_then(|why| why.lines().next());
        let before = last.map(|why| format!("; the last attempt failed: {why}"));
        return Ok(StepEnd::Failed(format!(
            "{none}{}",
            before.unwrap_or_default()
        )));
    };
    services
        .store
        .run_note_set(&scene.run.id, CHOICE, best.offer.id.as_str())
        .await?;
    let offer = &best.offer;
    let gpus = offer
        .gpus
        .as_ref()
        .map_or("no GPU".to_owned(), ToString::to_string);
    let message = format!(
        "{} {gpus}, {} vCPU, {}, {} ({} of {} offers fit)",
        offer.supplier,
        f64::from(offer.vcpu_milli) / 1_000.0,
        offer.memory,
        offer.price,
        ranking.fits.len(),
        ranking.fits.len() + ranking.misfits.len()
    );
    note(services, &scene.run, EventKind::Note, &message).await;
    let estimate = format!("estimate: {}", on_offer(best, &scene.job, volume.as_ref()));
    note(services, &scene.run, EventKind::Note, &estimate).await;
    Ok(StepEnd::Done)
}

//! Before step 1: the job's files are here, or the run waits for the control plane that has them.

use super::Scene;
use crate::error::Error;
use crate::run::events::note;
use crate::run::{is_here, trees};
use livery_domain::run::EventKind;
use livery_units::{ContentHash, Span};

/// The note that it was said whom the run waits for.
const AWAITED: &str = "files-awaited";

/// How often it is looked whether they are here.
const LOOK: Span = Span::from_secs(5);

/// Waits, which costs nothing, for the control plane that accepted the run when the job's files are there
/// alone; once that one lives again, it takes the run back.
pub(super) async fn are_here(scene: &Scene) -> Result<(), Error> {
    let (services, run) = (&scene.services, &scene.run);
    if is_here(services, run).await.is_ok() {
        return Ok(());
    }
    let sent = &run.submission;
    let trees: Vec<ContentHash> = sent
        .workdir
        .iter()
        .chain(sent.mounts.values())
        .copied()
        .collect();
    if trees::are_here(services, trees).await? {
        return Ok(());
    }
    at_home(scene, "").await
}

/// Waits, which costs nothing either, for the control plane that accepted the run when that is another:
/// what cannot be had here may be there. `why` comes before where that is said.
pub(super) async fn at_home(scene: &Scene, why: &str) -> Result<(), Error> {
    let (services, run) = (&scene.services, &scene.run);
    let elsewhere = match is_here(services, run).await {
        Ok(()) => return Ok(()),
        Err(elsewhere @ Error::Elsewhere { .. }) => elsewhere,
        Err(error) => return Err(error),
    };
    let store = &services.store;
    if store.run_note_get(&run.id, AWAITED).await?.is_none() {
        store.run_note_set(&run.id, AWAITED, "yes").await?;
        let message = format!("{why}{elsewhere}. The run waits for it; `livery cancel` ends it");
        note(services, run, EventKind::Note, &message).await;
    }
    services.sleep(LOOK).await;
    Err(elsewhere)
}

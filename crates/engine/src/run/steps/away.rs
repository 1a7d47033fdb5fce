//! A run whose pod only a control plane that is away could reach stands still: it has waited for
//! nothing, lasted no longer and cost no more when that one is back.

use super::{launch, pull};
use crate::error::Error;
use crate::run::events::note;
use crate::run::{drive, is_here, read_job};
use crate::services::Services;
use livery_domain::pod::Pod;
use livery_domain::run::{EventKind, Run, RunStep};
use livery_units::{Span, Timestamp};

/// The note of the absence that was told of: when the pod was last seen up.
const TOLD: &str = "host-awaited";

/// How often it is looked whether the run can go on.
const LOOK: Span = Span::from_secs(2);

/// Returns whether nothing may become of a run now, after having waited a little. Its pod's host is
/// connected to no control plane, and another one had it, which is away: whoever stands in for that one
/// concludes nothing from it. One whose own host is silent goes by the step's patience. What its user
/// asks for is done as far as the host is not needed.
pub(crate) async fn stands_still(services: &Services, run: &Run) -> Result<bool, Error> {
    if services.plane.is_none() || !needs_host(services, run).await? {
        return Ok(false);
    }
    let Some(pod) = pod_of(services, run).await? else {
        return Ok(false);
    };
    if pod.ended.is_some() || !services.is_out_of_reach(pod.offer.host.as_ref()) {
        return Ok(false);
    }
    match is_here(services, run).await {
        Ok(()) => return Ok(false),
        Err(Error::Elsewhere { plane, .. }) => tell(services, run, &pod, &plane).await?,
        Err(error) => return Err(error),
    }
    services.sleep(LOOK).await;
    Ok(true)
}

/// Returns whether what comes next for the run is something with its pod.
async fn needs_host(services: &Services, run: &Run) -> Result<bool, Error> {
    let is_cancelled = async || -> Result<bool, Error> {
        let current = services.store.run_fetch(&run.id).await?;
        Ok(current.cancel_requested.is_some())
    };
    match run.step {
        RunStep::Choose | RunStep::Teardown => Ok(false),
        RunStep::Launch
        | RunStep::Validate
        | RunStep::Deploy
        | RunStep::Transfer
        | RunStep::Train => Ok(!is_cancelled().await?),
        RunStep::Pull => {
            let is_hurried =
                drive::is_to_end_now(services, &run.id).await? && is_cancelled().await?;
            Ok(!is_hurried && pull::brings_anything(&read_job(&run.submission)?))
        }
    }
}

/// Returns the pod of this attempt, also when the run's row does not name it yet.
async fn pod_of(services: &Services, run: &Run) -> Result<Option<Pod>, Error> {
    let id = match &run.pod {
        Some(id) => Some(id.clone()),
        None => launch::pod_of(services, run).await?,
    };
    match id {
        Some(id) => Ok(Some(services.store.pod_fetch(&id).await?)),
        None => Ok(None),
    }
}

/// Says so, once in each absence.
async fn tell(services: &Services, run: &Run, pod: &Pod, plane: &str) -> Result<(), Error> {
    let seen = pod.up_until.map_or(0, Timestamp::millis).to_string();
    let store = &services.store;
    if store.run_note_get(&run.id, TOLD).await?.as_deref() == Some(seen.as_str()) {
        return Ok(());
    }
    store.run_note_set(&run.id, TOLD, &seen).await?;
    let host = pod.offer.host.as_ref().map_or("", |host| host.as_str());
    let message = format!(
        "host {host} of its pod is connected to no control plane: {plane}, which had it, is away. The \
         run stands still until the host is connected again; `livery cancel` cancels it"
    );
    note(services, run, EventKind::Note, &message).await;
    Ok(())
}

//! Step 8: end the pod, see that it is gone, settle the bill. It is done again until it is done.

use super::Scene;
use crate::error::Error;
use crate::pod;
use crate::run::events::append;
use crate::run::receipt;
use crate::services::Services;
use livery_domain::pod::{Desired, Pod};
use livery_domain::run::{EventKind, Run, StepEnd};
use livery_units::Span;

/// How long one look at the ending pods lasts.
const LOOK: Span = Span::from_secs(10);

pub(super) async fn perform(scene: &Scene) -> Result<StepEnd, Error> {
    let services = &scene.services;
    // Not only the run's present pod: an attempt that failed may still be on its way out.
    for pod in pods_of(services, &scene.run)
        .await?
        .into_iter()
        .filter(|pod| pod.ended.is_none())
    {
        pod::want(services, &pod.account, pod.id.as_str(), Desired::Gone).await?;
        let pod = pod::wait(services, &pod.account, pod.id.as_str(), LOOK).await?;
        if pod.ended.is_none() {
            let why = pod.reason.unwrap_or_else(|| "it is still there".to_owned());
            return Err(Error::Unreachable(format!(
                "pod {} is not gone yet: {why}",
                pod.id
            )));
        }
    }
    Ok(StepEnd::Done)
}

/// Returns every pod that the run ever had, newest first.
pub(crate) async fn pods_of(services: &Services, run: &Run) -> Result<Vec<Pod>, Error> {
    Ok(services.store.pod_list_of_run(&run.id).await?)
}

/// The note that the receipt was shown.
const SAID: &str = "farewell";

/// Returns whether the run's last event was written, by a driver that died before its row said so.
pub(crate) async fn farewell_said(services: &Services, run: &Run) -> bool {
    let said = services.store.run_note_get(&run.id, SAID).await;
    matches!(said, Ok(Some(_)))
}

/// The last event of a run is its receipt; its secrets are forgotten.
///
/// # Errors
/// When the receipt cannot be written, on a full disk for instance: then the run is not over yet, and
/// this is done again.
pub(crate) async fn farewell(services: &Services, run: &Run) -> Result<(), Error> {
    if farewell_said(services, run).await {
        return Ok(());
    }
    let text = match receipt(services, run).await {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(run.id = %run.id, %error, "a receipt could not be made");
            "the receipt could not be made; the server's log says why".to_owned()
        }
    };
    append(services, run, EventKind::Over, &text).await?;
    if let Err(error) = services.store.run_secrets_forget(&run.id).await {
        tracing::warn!(run.id = %run.id, %error, "the secrets of an ended run are still stored");
    }
    if let Err(error) = services.store.run_note_set(&run.id, SAID, "said").await {
        tracing::warn!(run.id = %run.id, %error, "the receipt may be shown twice");
    }
    Ok(())
}

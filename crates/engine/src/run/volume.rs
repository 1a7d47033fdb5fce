//! The network volume of a run's pod: whether it can be taken, which offers are where it lies, and
//! what disks are left to make beside it.

use crate::error::Error;
use crate::pod;
use crate::services::Services;
use crate::volume::{self, VolumeRefusal};
use livery_domain::job::{Job, Resources};
use livery_domain::needs::{JobNeeds, needs};
use livery_domain::offer::Offer;
use livery_domain::placement::{Ranking, rank};
use livery_domain::run::{Run, StepEnd};
use livery_domain::volume::NetworkVolume;
use livery_units::{AccountId, Bytes, Span};

/// How long a run waits for a volume that is made larger at this moment.
const PATIENCE: Span = Span::from_secs(60);

/// Returns the volume that a job's pod will have, if it can be taken now.
///
/// # Errors
/// [`VolumeRefusal`].
pub(crate) async fn of_job(
    services: &Services,
    account: &AccountId,
    job: &Job,
) -> Result<Option<NetworkVolume>, Error> {
    let Some(wanted) = &job.volume else {
        return Ok(None);
    };
    let sized = |resources: &Resources| resources.volume_size.is_some();
    if wanted.is_workspace() && job.resources.as_slice().iter().any(sized) {
        return Err(VolumeRefusal::TwoDisks.into());
    }
    volume::for_pod_here(services, account, &wanted.name)
        .await
        .map(Some)
}

/// Returns the volume that a run's next pod takes, or how the step ends because it cannot; an error
/// is passing.
pub(crate) async fn of_run(
    services: &Services,
    run: &Run,
    job: &Job,
) -> Result<Result<Option<NetworkVolume>, StepEnd>, Error> {
    let Some(wanted) = &job.volume else {
        return Ok(Ok(None));
    };
    // Wherever its host is: a control plane may only stand in for the run's own.
    let refused = match volume::for_pod(services, &run.account, &wanted.name).await {
        Ok(volume) => return Ok(Ok(Some(volume))),
        Err(Error::Volume(refused)) => refused,
        Err(error) => return Err(error),
    };
    let passes = match &refused {
        // The pod of the attempt before, which is on its way out.
        VolumeRefusal::InUse { pod, .. } => {
            let pods = services.store.pod_list_of_run(&run.id).await?;
            pods.iter().any(|own| own.id.as_str() == pod)
        }
        VolumeRefusal::Growing { .. } => services.now().since(run.step_began) < PATIENCE,
        _ => false,
    };
    if passes {
        return Err(refused.into());
    }
    Ok(Err(StepEnd::Failed(words(&refused))))
}

/// Says why a run cannot have its volume, and what to do about it.
pub(crate) fn words(refused: &VolumeRefusal) -> String {
    let hint = refused.hint();
    let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
    format!("{refused}{hint} ({})", refused.code())
}

/// Returns what a job needs of an offer, which is to be of the host where its volume lies.
pub(crate) fn needs_at(job: &Job, volume: Option<&NetworkVolume>) -> JobNeeds {
    let mut wanted = needs(job);
    for need in &mut wanted.needs {
        need.host = volume.map(|volume| volume.host.clone());
    }
    wanted
}

/// Says why no offer of the volume's host will do, and whether others would.
pub(crate) fn elsewhere(job: &Job, volume: &NetworkVolume, ranking: Ranking) -> VolumeRefusal {
    let (here, others): (Vec<_>, Vec<_>) = ranking
        .misfits
        .into_iter()
        .partition(|(offer, _)| offer.host.as_ref() == Some(&volume.host));
    let wanted = needs(job);
    let others = others.into_iter().map(|(offer, _)| offer).collect();
    let others = rank(others, &wanted.needs, wanted.preference, &[]).fits;
    VolumeRefusal::Elsewhere {
        volume: volume.name.clone(),
        host: volume.host.clone(),
        here,
        others: others.len(),
    }
}

/// Settles the sizes of the container disk and the volume disk of a job's pod, which has none where a
/// network volume takes its place.
pub(crate) fn disks(
    job: &Job,
    resources: &Resources,
    offer: &Offer,
) -> Result<(Bytes, Bytes), Error> {
    let (container, volume) = job.disks_wanted(resources);
    let (container, volume) = pod::disks(offer, container, volume)?;
    match &job.volume {
        Some(mounted) if mounted.is_workspace() => Ok((container, Bytes::ZERO)),
        Some(_) | None => Ok((container, volume)),
    }
}

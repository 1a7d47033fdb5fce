//! Step 2: the intent row, the hold, the supplier's call; done when the pod is up.

use super::{Scene, choose};
use crate::error::Error;
use crate::pod::{self, Launch};
use crate::run::volume;
use crate::services::Services;
use livery_domain::job::{Bound, PodPath, Resources};
use livery_domain::offer::Offer;
use livery_domain::placement::rank;
use livery_domain::pod::{NetworkMount, Phase, Pod, PodFailure, PodOrder, PodPolicy};
use livery_domain::run::{Run, StepEnd};
use livery_domain::volume::NetworkVolume;
use livery_units::{PodId, Span};
use std::collections::BTreeMap;

/// How long a pod may take to come up before its offer is given up: large images take minutes.
const START_PATIENCE: Span = Span::from_secs(1_800);

/// How long one look at a starting pod lasts.
const LOOK: Span = Span::from_secs(10);

pub(super) async fn perform(scene: &Scene) -> Result<StepEnd, Error> {
    let pod = match newest_pod(&scene.services, &scene.run).await? {
        Some(pod) => pod,
        None => match accept(scene).await? {
            Ok(pod) => pod,
            Err(end) => return Ok(end),
        },
    };
    loop {
        let pod = pod::wait(&scene.services, &pod.account, pod.id.as_str(), LOOK).await?;
        let why = || {
            pod.reason
                .clone()
                .unwrap_or_else(|| format!("pod {} did not start", pod.id))
        };
        match (pod.phase(), pod.failure) {
            (Phase::Running, _) => return Ok(StepEnd::Done),
            (_, Some(PodFailure::Final)) => return Ok(StepEnd::Failed(why())),
            (_, Some(PodFailure::OtherOffer)) => return Ok(StepEnd::NextOffer(why())),
            (Phase::Pending | Phase::Starting, None) => {
                if scene.services.now().since(pod.created) > START_PATIENCE {
                    return Ok(StepEnd::NextOffer(format!(
                        "pod {} was not up after {START_PATIENCE}",
                        pod.id
                    )));
                }
            }
            (Phase::Exited | Phase::Lost | Phase::Terminated, None) => {
                return Ok(StepEnd::NextOffer(why()));
            }
            (Phase::Terminating | Phase::Stopping | Phase::Stopped, None) => {
                return Ok(StepEnd::Failed(format!(
                    "pod {} was ended by its user",
                    pod.id
                )));
            }
        }
    }
}

/// Returns the pod that this attempt has made, also when a crash kept it out of the run's row.
pub(super) async fn pod_of(services: &Services, run: &Run) -> Result<Option<PodId>, Error> {
    Ok(newest_pod(services, run).await?.map(|pod| pod.id))
}

async fn newest_pod(services: &Services, run: &Run) -> Result<Option<Pod>, Error> {
    let pods = services.store.pod_list_of_run(&run.id).await?;
    let mut of_this_attempt = pods
        .into_iter()
        .filter(|pod| !run.excluded.contains(&pod.offer.id));
    Ok(of_this_attempt.next())
}

async fn accept(scene: &Scene) -> Result<Result<Pod, StepEnd>, Error> {
    let services = &scene.services;
    let volume = match volume::of_run(services, &scene.run, &scene.job).await? {
        Ok(volume) => volume,
        Err(end) => return Ok(Err(end)),
    };
    let choice = services
        .store
        .run_note_get(&scene.run.id, choose::CHOICE)
        .await?;
    let offers = services.offers().await;
    let offer = offers
        .into_iter()
        .find(|offer| Some(offer.id.as_str()) == choice.as_deref());
    let Some(offer) = offer else {
        // Somebody was faster; there may be others.
        return Ok(Err(StepEnd::NextOffer(
            "the offer that was chosen is taken".into(),
        )));
    };
    let Some((offer, resources)) = alternative(scene, offer, volume.as_ref()) else {
        return Ok(Err(StepEnd::NextOffer(
            "the offer that was chosen no longer fits".into(),
        )));
    };
    let order = match order(scene, &resources, &offer, volume) {
        Ok(order) => order,
        Err(error) => return Ok(Err(StepEnd::Failed(error.to_string()))),
    };
    let launch = Launch {
        offer,
        order,
        // A run ends its pod itself, by its own budget.
        policy: PodPolicy {
            idle: scene.job.idle,
            ..PodPolicy::default()
        },
        run: Some(scene.run.id.clone()),
    };
    match pod::accept(services, &scene.run.account, launch).await {
        Ok(pod) => Ok(Ok(pod)),
        Err(error @ (Error::InsufficientFunds { .. } | Error::Credit(_))) => {
            Ok(Err(StepEnd::Failed(error.to_string())))
        }
        Err(error @ (Error::Invalid(_) | Error::OwnersImage(_))) => {
            Ok(Err(StepEnd::Failed(error.to_string())))
        }
        // Somebody took it since it was looked at.
        Err(Error::Volume(refused)) => Ok(Err(StepEnd::Failed(volume::words(&refused)))),
        Err(error) => Err(error),
    }
}

/// Returns the job's alternative that the offer meets, and the offer cut to it.
fn alternative(
    scene: &Scene,
    offer: Offer,
    volume: Option<&NetworkVolume>,
) -> Option<(Offer, Resources)> {
    let wanted = volume::needs_at(&scene.job, volume);
    let ranking = rank(vec![offer], &wanted.needs, wanted.preference, &[]);
    let fit = ranking.fits.into_iter().next()?;
    let source = *wanted.sources.get(fit.need)?;
    let resources = scene.job.resources.as_slice().get(source)?;
    Some((fit.offer, resources.clone()))
}

fn order(
    scene: &Scene,
    resources: &Resources,
    offer: &Offer,
    volume: Option<NetworkVolume>,
) -> Result<PodOrder, Error> {
    let (container_disk, volume_disk) = volume::disks(&scene.job, resources, offer)?;
    let path = scene.job.volume.as_ref().map(|volume| volume.path.clone());
    let mount = |(volume, path): (NetworkVolume, PodPath)| NetworkMount {
        volume: volume.id,
        path,
    };
    let exactly = |bound: Option<Bound<u32>>| match bound {
        Some(Bound::Exactly(amount)) => amount,
        Some(Bound::AtLeast(_)) | None => offer.vcpu_milli,
    };
    let memory = match resources.memory {
        Some(Bound::Exactly(amount)) => amount,
        Some(Bound::AtLeast(_)) | None => offer.memory,
    };
    Ok(PodOrder {
        name: scene.job.name.clone(),
        image: resources
            .image
            .clone()
            .unwrap_or_else(|| pod::HOST.to_owned()),
        // A run's pod idles: setup and run are started in it as tasks.
        command: None,
        env: BTreeMap::new(),
        gpu_count: offer.gpus.as_ref().map_or(0, |gpus| gpus.count),
        vcpu_milli: exactly(resources.vcpu_milli),
        memory,
        container_disk,
        volume_disk,
        network_volume: volume.zip(path).map(mount),
        ports: resources.ports.clone(),
    })
}

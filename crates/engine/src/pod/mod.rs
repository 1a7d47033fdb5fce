//! Use-cases of pods.

mod access;
mod asking;
mod create;
mod image;
mod launch;
mod power;
mod reconcile;
mod rest;
mod rule;

pub use create::NewPod;
pub(crate) use create::{Launch, accept, disks};
pub(crate) use image::{HOST, check_images};
pub(crate) use power::{check_power, stop_power};
pub(crate) use reconcile::{CLAIM_SPAN, drive};
pub(crate) use rule::{Unless, rule, rule_unless};

use crate::credit;
use crate::error::Error;
use crate::money;
use crate::services::Services;
use livery_domain::pod::{Desired, Phase, Pod, Wish};
use livery_store::{Error as StoreError, Which};
use livery_units::{AccountId, Money, PodId, Span};

/// Finds a pod by id, by unique name among the living, or by a unique beginning of its id.
pub(crate) async fn find(
    services: &Services,
    account: &AccountId,
    id_or_name: &str,
) -> Result<Pod, Error> {
    let not_found = || Error::PodNotFound(id_or_name.to_owned());
    if let Ok(id) = id_or_name.parse::<PodId>() {
        match services.store.pod_fetch(&id).await {
            Ok(pod) if pod.account == *account => return Ok(pod),
            Ok(_) => return Err(not_found()),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let all = services.store.pod_list(Some(account), Which::All).await?;
    let by_prefix = |pod: &&Pod| id_or_name.len() >= 8 && pod.id.as_str().starts_with(id_or_name);
    let mut matching: Vec<&Pod> = all
        .iter()
        .filter(|pod| pod.ended.is_none() && pod.order.name == id_or_name)
        .collect();
    if matching.is_empty() {
        matching = all.iter().filter(by_prefix).collect();
    }
    match matching.as_slice() {
        [] => Err(not_found()),
        [pod] => Ok((*pod).clone()),
        several => Err(Error::PodAmbiguous {
            name: id_or_name.to_owned(),
            count: several.len(),
        }),
    }
}

/// Records what the user wants of a pod, unless it serves a run that goes on: ended here, its results
/// would be lost, and the run would take its machine for dead.
pub(crate) async fn want_by_user(
    services: &Services,
    account: &AccountId,
    id: &str,
    desired: Desired,
) -> Result<Pod, Error> {
    let pod = find(services, account, id).await?;
    if let Some(run) = &pod.run
        && pod.desired != Desired::Gone
        && services.store.run_fetch(run).await?.ended.is_none()
    {
        return Err(Error::ServesRun {
            pod: pod.id.to_string(),
            run: run.to_string(),
        });
    }
    want(services, account, pod.id.as_str(), desired).await
}

/// Records what is wanted of a pod and wakes the reconciler.
pub(crate) async fn want(
    services: &Services,
    account: &AccountId,
    id: &str,
    desired: Desired,
) -> Result<Pod, Error> {
    loop {
        let mut pod = find(services, account, id).await?;
        let (before, phase) = (pod.clone(), pod.phase());
        let (mut hold, mut bounds) = (None, Vec::new());
        match pod.want(desired) {
            Ok(Wish::Changed) if desired == Desired::Running => {
                // Whose the machine is may have changed since the pod was made.
                image::check_image(services, account, &pod.order.image).await?;
                // The row is about to forget since when it was up, and limits know what is charged.
                money::settle(services, &before).await?;
                bounds = credit::may_start(services, &pod).await?;
                hold = money::first_hold(services, &pod)?;
            }
            Ok(Wish::Changed) if desired == Desired::Stopped => {
                power::check_stop(services, pod.supplier())?;
            }
            Ok(Wish::Changed) => {}
            Ok(Wish::AsBefore) => return Ok(pod),
            Err(why) => {
                return Err(Error::PodPhase {
                    pod: pod.id.to_string(),
                    phase: phase.to_string(),
                    message: why.to_string(),
                });
            }
        }
        let start = services.store.pod_start(&pod, hold.as_ref(), &bounds);
        match start.await {
            Ok(pod) => {
                services.store.pod_nudge(&pod.id).await?;
                services.board.pods.notify_one();
                services.announce();
                return Ok(pod);
            }
            Err(livery_store::Error::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Makes an observation of a pod worth nothing, so that its supplier is asked again at once.
pub(crate) async fn look_again(services: &Services, id: &PodId) -> Result<(), Error> {
    loop {
        let mut pod = services.store.pod_fetch(id).await?;
        if pod.ended.is_some() || pod.observed_at.is_none() {
            return Ok(());
        }
        pod.observed_at = None;
        match services.store.pod_update(&pod).await {
            Ok(pod) => {
                services.store.pod_nudge(&pod.id).await?;
                services.board.pods.notify_one();
                return Ok(());
            }
            Err(livery_store::Error::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until the pod has left the phases on the way to what is wanted, or the time is over.
pub(crate) async fn wait(
    services: &Services,
    account: &AccountId,
    id: &str,
    most: Span,
) -> Result<Pod, Error> {
    let over = services.sleep(most);
    tokio::pin!(over);
    loop {
        let changed = services.board.changed.notified();
        let pod = find(services, account, id).await?;
        let settled = match pod.phase() {
            Phase::Pending | Phase::Starting | Phase::Stopping | Phase::Terminating => false,
            // Gone is not enough: its bill must be settled too.
            Phase::Terminated => pod.ended.is_some(),
            // And what was held for it is to be had again.
            Phase::Stopped => services.store.pod_held(&pod.id).await? == Money::ZERO,
            Phase::Running | Phase::Exited | Phase::Lost => true,
        };
        if settled {
            return Ok(pod);
        }
        tokio::select! {
            () = services.changes(changed) => {}
            () = &mut over => return Ok(pod),
        }
    }
}

pub(crate) use access::{exec, forward, host_of, lease_of, stats};

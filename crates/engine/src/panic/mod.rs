//! Everything of one account ends, everywhere, now.
//!
//! A panic only records wishes: every run is to end without its results, every pod is to be gone.
//! The reconcilers carry that out also when whoever asked is gone. Asking again with the first
//! time's moment changes nothing and says how far it is, so the same call begins a panic and follows
//! it. One thing that cannot be reached keeps no other waiting.

mod leases;
mod strays;
mod things;
mod unread;
mod volumes;

pub use things::{Fate, Panic, PanicReport, Thing, ThingKind, Unknown, Volumes};

use crate::engine::Engine;
use crate::error::Error;
use crate::pod;
use crate::run;
use crate::services::Services;
use livery_domain::pod::{Desired, Pod};
use livery_domain::run::Run;
use livery_domain::volume::VolumeDesired;
use livery_units::{AccountId, Timestamp};

impl Engine {
    /// Ends everything that an account has, and says of each thing how far that is. With
    /// [`Panic::since`] it goes on with a panic that began then: what was accepted later is left
    /// alone.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot say what there is. A thing that cannot be ended is no
    /// error but a [`Fate::Failed`].
    pub async fn panic(&self, account: &AccountId, panic: Panic) -> Result<PanicReport, Error> {
        let services = &self.services;
        let now = services.now();
        let since = panic.since.unwrap_or(now);
        let is_later = |created| is_later(created, since, now);
        let mut things = Vec::new();
        // Runs first: one that lost its pod and is not told to end would rent another.
        for run in services.store.run_list_since(account, since).await? {
            let is_ending = run.ended.is_none() && run.cancel_requested.is_some();
            if !is_later(run.created) || is_ending {
                things.push(end_run(services, run).await);
            }
        }
        for pod in services.store.pod_list_since(account, since).await? {
            // A run that was told to end may make a pod before it hears of it.
            let is_ending = pod.run.is_some() || pod.desired == Desired::Gone;
            if !is_later(pod.created) || (is_ending && pod.ended.is_none()) {
                things.push(end_pod(services, pod).await);
            }
        }
        for volume in services.store.volume_list_since(account, since).await? {
            let is_ending = volume.ended.is_none() && volume.desired == VolumeDesired::Gone;
            if !is_later(volume.created) || is_ending {
                things.push(volumes::end(services, volume, panic.volumes).await);
            }
        }
        things.extend(unread::list(services, account, panic.volumes).await?);
        things.extend(leases::end(services, account, &panic, since).await?);
        services.board.pods.notify_one();
        services.board.runs.notify_one();
        Ok(PanicReport { since, things })
    }
}

/// Returns whether something came after a panic that is being followed, and is not meant by it. What
/// seems to come still was made before the clock was set back.
fn is_later(created: Timestamp, since: Timestamp, now: Timestamp) -> bool {
    since < created && created <= now
}

async fn end_run(services: &Services, run: Run) -> Thing {
    let mut thing = Thing::of_run(&run);
    if run.is_over() {
        return thing;
    }
    // The hurry goes before the cancellation: a driver that sees the one sees the other.
    let asked = async {
        run::hurry(services, &run.id).await?;
        run::cancel(services, &run.account, run.id.as_str()).await
    };
    match asked.await {
        Ok(after) => thing = Thing::of_run(&after),
        Err(error) => thing.failed(&error),
    }
    thing
}

async fn end_pod(services: &Services, pod: Pod) -> Thing {
    let mut thing = Thing::of_pod(&pod);
    if pod.ended.is_some() {
        return thing;
    }
    match pod::want(services, &pod.account, pod.id.as_str(), Desired::Gone).await {
        Ok(after) => thing = Thing::of_pod(&after),
        Err(error) => thing.failed(&error),
    }
    thing
}

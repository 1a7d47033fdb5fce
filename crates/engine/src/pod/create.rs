//! Accepting a pod: the intent row and the hold, before any supplier hears of it.

use crate::error::Error;
use crate::money;
use crate::services::{Services, fresh};
use livery_domain::offer::Offer;
use livery_domain::placement::{Need, Preference, rank};
use livery_domain::pod::{Desired, Observed, Pod, PodOrder};
use livery_units::{AccountId, Bytes, RunId};
use std::collections::BTreeMap;

/// What a user asks for with `livery pod create`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPod {
    /// Shown in listings; made from the id when absent.
    pub name: Option<String>,
    /// The image.
    pub image: String,
    /// What to run instead of the image's own command.
    pub command: Option<Vec<String>>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// What the machine must have; amounts of 0 take what the offer gives.
    pub need: Need,
    /// Container disk; a default when absent.
    pub container_disk: Option<Bytes>,
    /// Volume disk; a default when absent.
    pub volume_disk: Option<Bytes>,
    /// TCP ports that it serves.
    pub ports: Vec<u16>,
}

/// Disks of a pod whose user names no size, as long as the offer has that much.
pub(crate) const DISK_DEFAULT: Bytes = Bytes::gib(10);

/// Smallest disk that a file system and an image's own files still fit on.
const DISK_MIN: Bytes = Bytes::mib(64);

/// What a pod is accepted with, once an offer is chosen.
pub(crate) struct Launch {
    pub(crate) offer: Offer,
    pub(crate) order: PodOrder,
    pub(crate) run: Option<RunId>,
}

impl NewPod {
    /// Chooses an offer and accepts the pod on it.
    pub(crate) async fn accept(
        self,
        services: &Services,
        account: &AccountId,
    ) -> Result<Pod, Error> {
        let mut need = self.need.clone();
        let wanted_disk = self
            .container_disk
            .unwrap_or(DISK_MIN)
            .saturating_plus(self.volume_disk.unwrap_or(DISK_MIN));
        need.disk = need.disk.max(wanted_disk);
        let ranking = rank(
            services.offers().await,
            std::slice::from_ref(&need),
            Preference::Cheapest,
            &[],
        );
        let Some(best) = ranking.fits.into_iter().next() else {
            return Err(Error::NoOffer {
                misfits: ranking.misfits,
            });
        };
        let offer = best.offer;
        let order = self.order(&offer)?;
        accept(
            services,
            account,
            Launch {
                offer,
                order,
                run: None,
            },
        )
        .await
    }

    fn order(self, offer: &Offer) -> Result<PodOrder, Error> {
        if self.image.trim().is_empty() {
            return Err(Error::Invalid(
                "a pod needs an image: `host`, or a reference such as ubuntu:24.04".into(),
            ));
        }
        let (container_disk, volume_disk) = disks(offer, self.container_disk, self.volume_disk)?;
        Ok(PodOrder {
            name: self.name.unwrap_or_default(),
            image: self.image,
            command: self.command,
            env: self.env,
            gpu_count: offer.gpus.as_ref().map_or(0, |gpus| gpus.count),
            vcpu_milli: if self.need.vcpu_milli == 0 {
                offer.vcpu_milli
            } else {
                self.need.vcpu_milli
            },
            memory: if self.need.memory == Bytes::ZERO {
                offer.memory
            } else {
                self.need.memory
            },
            container_disk,
            volume_disk,
            ports: self.ports,
        })
    }
}

/// Settles the two disks: what was asked for, else a default that leaves room on the offer.
pub(crate) fn disks(
    offer: &Offer,
    container: Option<Bytes>,
    volume: Option<Bytes>,
) -> Result<(Bytes, Bytes), Error> {
    for asked in [container, volume].into_iter().flatten() {
        if asked < DISK_MIN {
            return Err(Error::Invalid(format!(
                "a disk of {asked} is too small; the least is {DISK_MIN}"
            )));
        }
    }
    let left_after =
        |other: Option<Bytes>| offer.disk.saturating_minus(other.unwrap_or(Bytes::ZERO));
    let share = |left: Bytes, parts: u64| {
        DISK_DEFAULT
            .min(Bytes::new(left.get() / parts))
            .max(DISK_MIN)
    };
    Ok(match (container, volume) {
        (Some(container), Some(volume)) => (container, volume),
        (Some(container), None) => (container, share(left_after(Some(container)), 2)),
        (None, Some(volume)) => (share(left_after(Some(volume)), 2), volume),
        (None, None) => (share(offer.disk, 4), share(offer.disk, 4)),
    })
}

/// Commits the intent row with its launch key and places the hold; only then may a supplier be
/// called.
pub(crate) async fn accept(
    services: &Services,
    account: &AccountId,
    launch: Launch,
) -> Result<Pod, Error> {
    let now = services.now();
    let id = fresh::pod();
    let mut order = launch.order;
    if order.name.is_empty() {
        order.name = id.as_str().replace('_', "-");
    }
    let pod = Pod {
        id,
        account: account.clone(),
        order,
        offer: launch.offer,
        run: launch.run,
        launch_key: fresh::launch_key(),
        foreign_id: None,
        desired: Desired::Running,
        observed: Observed::Unknown,
        reason: None,
        failure: None,
        attempts: 0,
        created: now,
        started: None,
        up_until: None,
        ended: None,
        observed_at: None,
        generation: 0,
    };
    services.store.pod_insert(&pod).await?;
    if let Err(error) = money::hold(services, &pod).await {
        refuse(services, pod, &error).await?;
        return Err(error);
    }
    services.board.pods.notify_one();
    services.announce();
    Ok(pod)
}

/// Closes the row of a pod that cannot be paid for; no supplier has heard of it.
async fn refuse(services: &Services, mut pod: Pod, why: &Error) -> Result<(), Error> {
    pod.desired = Desired::Gone;
    pod.observed = Observed::Absent;
    pod.reason = Some(why.to_string());
    pod.ended = Some(services.now());
    services.store.pod_update(&pod).await?;
    Ok(())
}

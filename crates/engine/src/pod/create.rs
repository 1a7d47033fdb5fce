//! Accepting a pod: the intent row and the hold, before any supplier hears of it.

use super::image::check_image;
use super::power::check_power;
use crate::credit;
use crate::error::Error;
use crate::money;
use crate::policy;
use crate::services::{Services, fresh};
use crate::volume::{self, VolumeRefusal};
use livery_domain::job::{DEFAULT_DISK, JobVolume, SMALLEST_DISK};
use livery_domain::offer::Offer;
use livery_domain::placement::{Need, Preference, rank};
use livery_domain::pod::{
    Desired, NetworkMount, Observed, Pod, PodOrder, PodPolicy, check_pod_name,
};
use livery_domain::volume::NetworkVolume;
use livery_store::Error as StoreError;
use livery_units::{AccountId, Bytes, RunId, VolumeId};
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
    /// The network volume that it has, by id or name; at the workspace it takes the volume disk's
    /// place.
    pub network_volume: Option<JobVolume>,
    /// TCP ports that it serves.
    pub ports: Vec<u16>,
    /// When it ends by itself.
    pub policy: PodPolicy,
}

/// What a pod is accepted with, once an offer is chosen.
pub(crate) struct Launch {
    pub(crate) offer: Offer,
    pub(crate) order: PodOrder,
    pub(crate) policy: PodPolicy,
    pub(crate) run: Option<RunId>,
}

impl NewPod {
    /// Chooses an offer and accepts the pod on it.
    pub(crate) async fn accept(
        self,
        services: &Services,
        account: &AccountId,
    ) -> Result<Pod, Error> {
        let name = self.name.as_deref().unwrap_or_default();
        check_pod_name(name).map_err(|why| Error::Invalid(why.to_string()))?;
        let volume = self.taken(services, account).await?;
        let mut need = self.need.clone();
        need.host = volume.as_ref().map(|volume| volume.host.clone());
        let wanted_disk = self
            .container_disk
            .unwrap_or(SMALLEST_DISK)
            .saturating_plus(self.volume_disk.unwrap_or(SMALLEST_DISK));
        need.disk = need.disk.max(wanted_disk);
        let policy = self.policy;
        let offer = choose(services, &need, &policy).await?;
        let order = self.order(&offer, volume.map(|volume| volume.id))?;
        accept(
            services,
            account,
            Launch {
                offer,
                order,
                policy,
                run: None,
            },
        )
        .await
    }

    /// Returns the network volume that the pod takes.
    async fn taken(
        &self,
        services: &Services,
        account: &AccountId,
    ) -> Result<Option<NetworkVolume>, Error> {
        match (&self.network_volume, self.volume_disk) {
            (None, _) => Ok(None),
            (Some(wanted), Some(_)) if wanted.is_workspace() => Err(VolumeRefusal::TwoDisks.into()),
            (Some(wanted), _) => volume::for_pod_here(services, account, &wanted.name)
                .await
                .map(Some),
        }
    }

    fn order(self, offer: &Offer, volume: Option<VolumeId>) -> Result<PodOrder, Error> {
        if self.image.trim().is_empty() {
            return Err(Error::Invalid(
                "a pod needs an image: `host`, or a reference such as ubuntu:24.04".into(),
            ));
        }
        let image = livery_jobfile::read_image(&self.image).map_err(Error::Invalid)?;
        let (container_disk, volume_disk) = match &self.network_volume {
            // Settled as beside the smallest disk, which is not made.
            Some(wanted) if wanted.is_workspace() => {
                let (container, _) = disks(offer, self.container_disk, Some(SMALLEST_DISK))?;
                (container, Bytes::ZERO)
            }
            Some(_) | None => disks(offer, self.container_disk, self.volume_disk)?,
        };
        let path = self.network_volume.map(|wanted| wanted.path);
        let mount = |(volume, path)| NetworkMount { volume, path };
        Ok(PodOrder {
            name: self.name.unwrap_or_default(),
            image,
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
            network_volume: volume.zip(path).map(mount),
            ports: self.ports,
        })
    }
}

/// Returns the cheapest offer that fits, at a supplier that can do what the policy says.
async fn choose(services: &Services, need: &Need, policy: &PodPolicy) -> Result<Offer, Error> {
    let need = std::slice::from_ref(need);
    let ranking = rank(services.offers().await, need, Preference::Cheapest, &[]);
    let mut refused = None;
    for fit in ranking.fits {
        match check_power(services, &fit.offer.supplier, policy) {
            Ok(()) => return Ok(fit.offer),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or(Error::NoOffer {
        misfits: ranking.misfits,
    }))
}

/// Settles the two disks: what was asked for, else a default that leaves room on the offer. Together
/// they never need more than the offer has.
pub(crate) fn disks(
    offer: &Offer,
    container: Option<Bytes>,
    volume: Option<Bytes>,
) -> Result<(Bytes, Bytes), Error> {
    for asked in [container, volume].into_iter().flatten() {
        if asked < SMALLEST_DISK {
            return Err(Error::Invalid(format!(
                "a disk of {asked} is too small; the least is {SMALLEST_DISK}"
            )));
        }
    }
    let left_after =
        |other: Option<Bytes>| offer.disk.saturating_minus(other.unwrap_or(Bytes::ZERO));
    let share = |left: Bytes, parts: u64| {
        DEFAULT_DISK
            .min(whole(Bytes::new(left.get() / parts)))
            .max(SMALLEST_DISK)
    };
    let (container, volume) = match (container, volume) {
        (Some(container), Some(volume)) => (container, volume),
        (Some(container), None) => (container, share(left_after(Some(container)), 2)),
        (None, Some(volume)) => (share(left_after(Some(volume)), 2), volume),
        (None, None) => (share(offer.disk, 4), share(offer.disk, 4)),
    };
    if container.saturating_plus(volume) > offer.disk {
        return Err(Error::Invalid(format!(
            "a container disk of {container} and a volume disk of {volume} need more than the {} \
             of disk that offer {} has; ask for smaller disks",
            offer.disk, offer.id
        )));
    }
    Ok((container, volume))
}

/// Rounds down to whole GiB, or to whole multiples of the smallest disk below that: hosts keep
/// formatted disks of sizes that they have made before.
fn whole(size: Bytes) -> Bytes {
    let step = if size < Bytes::gib(1) {
        SMALLEST_DISK
    } else {
        Bytes::gib(1)
    };
    Bytes::new(size.get() / step.get() * step.get())
}

/// Commits the intent row with its launch key and places the hold; only then may a supplier be
/// called.
pub(crate) async fn accept(
    services: &Services,
    account: &AccountId,
    launch: Launch,
) -> Result<Pod, Error> {
    check_image(services, account, &launch.order.image).await?;
    let hourly = credit::pod_hourly(&launch.offer, &launch.order);
    let mut bounds = credit::may_spend(services, account, hourly).await?;
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
        policy: launch.policy,
        run: launch.run,
        launch_key: fresh::launch_key(),
        foreign_id: None,
        desired: Desired::Running,
        observed: Observed::Unknown,
        reason: None,
        ruled: None,
        failure: None,
        attempts: 0,
        created: now,
        started: None,
        up_until: None,
        ended: None,
        observed_at: None,
        counted: None,
        starts: 0,
        generation: 0,
    };
    policy::check(&pod, &pod.policy)?;
    let hold = money::first_hold(services, &pod)?;
    loop {
        let inserted = services.store.pod_insert_held(&pod, hold.as_ref(), &bounds);
        match inserted.await {
            Ok(()) => break,
            // Others have used up a limit meanwhile: which one is said when it is looked at again.
            Err(StoreError::Stale) => {
                bounds = credit::may_spend(services, account, hourly).await?;
            }
            Err(error) => return Err(volume::not_taken(services, &pod, error).await),
        }
    }
    services.board.pods.notify_one();
    services.announce();
    Ok(pod)
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_domain::offer::{Pricing, StoragePrice, SupplierName, Tier};
    use livery_units::{OfferId, Rate};

    fn offer(disk: Bytes) -> Offer {
        Offer {
            id: OfferId::from_entropy(1),
            supplier: SupplierName::new("local"),
            host: None,
            gpus: None,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            disk,
            region: String::new(),
            tier: Tier::Local,
            pricing: Pricing::OnDemand,
            price: Rate::FREE,
            storage: StoragePrice::FREE,
            reliability_permille: None,
            whole: None,
        }
    }

    #[test]
    fn disks_without_a_size_leave_room_on_the_offer() {
        let of = |disk, container, volume| disks(&offer(disk), container, volume).unwrap();
        let (min, ten) = (SMALLEST_DISK, DEFAULT_DISK);
        assert_eq!(of(Bytes::gib(500), None, None), (ten, ten));
        let quarter = Bytes::gib(2);
        assert_eq!(of(Bytes::gib(8), None, None), (quarter, quarter));
        assert_eq!(of(Bytes::mib(128), None, None), (min, min));
        let most = Bytes::gib(7);
        let half = Bytes::mib(512);
        assert_eq!(of(Bytes::gib(8), Some(most), None), (most, half));
        assert_eq!(of(Bytes::gib(8), None, Some(most)), (half, most));
        assert_eq!(of(Bytes::mib(128), Some(min), Some(min)), (min, min));
    }

    #[test]
    fn disks_fit_on_the_offer_together_or_are_refused() {
        let sizes = [
            None,
            Some(64),
            Some(65),
            Some(100),
            Some(1_024),
            Some(20_480),
        ];
        for disk in (0..300)
            .chain([1_088, 20_544, 20_545, 40_960])
            .map(Bytes::mib)
        {
            for (container, volume) in sizes.iter().flat_map(|c| sizes.map(|v| (*c, v))) {
                let (container, volume) = (container.map(Bytes::mib), volume.map(Bytes::mib));
                let least = |asked: Option<Bytes>| asked.unwrap_or(SMALLEST_DISK);
                let fits = least(container).saturating_plus(least(volume)) <= disk;
                match disks(&offer(disk), container, volume) {
                    Ok((c, v)) => {
                        assert!(
                            fits && c.saturating_plus(v) <= disk,
                            "{c} and {v} of {disk}"
                        );
                        assert!(c >= SMALLEST_DISK && v >= SMALLEST_DISK);
                        assert!(c == container.unwrap_or(c) && v == volume.unwrap_or(v));
                    }
                    Err(error) => assert!(!fits, "{disk} {container:?} {volume:?}: {error}"),
                }
            }
        }
    }

    #[test]
    fn a_disk_too_small_for_a_file_system_is_refused() {
        let tiny = Some(Bytes::mib(63));
        let error = disks(&offer(Bytes::gib(8)), tiny, None).unwrap_err();
        assert!(error.to_string().contains("the least is 64 MiB"), "{error}");
    }
}

//! The contract of suppliers that keep network volumes.

use super::{Broken, Fixture, because, broken, give_back, life, order};
use crate::{Error, Supplier, VolumeFound, VolumeOrder, Volumes};
use livery_domain::job::PodPath;
use livery_domain::offer::Offer;
use livery_domain::pod::{NetworkMount, PodOrder};
use livery_domain::volume::SMALLEST_VOLUME;
use livery_units::{Bytes, LaunchKey, VolumeId};

const PLACES: &str = "a supplier of volumes has room for a small one where the suite's order fits";
const UNKNOWN: &str = "a volume that never existed is none, and deleting it succeeds";
const TOO_BIG: &str = "a volume that cannot fit is refused for want of capacity";
const SAME_ID: &str = "the same volume id returns the same volume, and it is listed once";
const GROWS: &str = "a volume grows, and the same size again changes nothing";
const OUTLIVES: &str = "a volume that a machine uses is not deleted, and outlives the machine";
const ENDS: &str = "deleting a volume succeeds, twice, and then it is none";

/// Puts a supplier through the contract of volumes; nothing that it made is left afterwards.
pub(super) async fn run(
    supplier: &dyn Supplier,
    volumes: &dyn Volumes,
    fixture: &Fixture,
    offer: &Offer,
) -> Result<(), Broken> {
    let places = volumes.places().await.map_err(because(PLACES))?;
    let place = places
        .into_iter()
        .find(|place| offer.host.as_ref() == Some(&place.host) && place.free >= SMALLEST_VOLUME)
        .ok_or_else(|| broken(PLACES, "there is no such place"))?;
    let wanted = VolumeOrder {
        volume: VolumeId::from_entropy((fixture.entropy)()),
        host: place.host,
        size: SMALLEST_VOLUME,
    };
    never_existed(volumes, &wanted).await?;
    too_big(volumes, &wanted).await?;
    let lived = used(supplier, volumes, fixture, offer, &wanted).await;
    if lived.is_err() {
        // The rule is broken already; what was made must not stay.
        let _ = volumes.delete(&wanted.host, &wanted.volume).await;
    }
    lived
}

async fn never_existed(volumes: &dyn Volumes, wanted: &VolumeOrder) -> Result<(), Broken> {
    let (host, volume) = (&wanted.host, &wanted.volume);
    let seen = volumes.observe(host, volume).await;
    match seen.map_err(because(UNKNOWN))? {
        None => {}
        Some(found) => return Err(broken(UNKNOWN, &format!("{found:?}"))),
    }
    let deleted = volumes.delete(host, volume).await;
    deleted.map_err(because(UNKNOWN))
}

async fn too_big(volumes: &dyn Volumes, wanted: &VolumeOrder) -> Result<(), Broken> {
    let order = VolumeOrder {
        size: Bytes::gib(1 << 30),
        ..wanted.clone()
    };
    match volumes.create(&order).await {
        Err(Error::NoCapacity { .. }) => Ok(()),
        Err(other) => Err(broken(TOO_BIG, &format!("failed otherwise: {other}"))),
        Ok(made) => {
            // The rule is broken already; what was made must not stay.
            let _ = volumes.delete(&made.host, &made.volume).await;
            Err(broken(TOO_BIG, "it was made"))
        }
    }
}

async fn used(
    supplier: &dyn Supplier,
    volumes: &dyn Volumes,
    fixture: &Fixture,
    offer: &Offer,
    wanted: &VolumeOrder,
) -> Result<(), Broken> {
    for _ in 0..2 {
        let made = volumes.create(wanted).await.map_err(because(SAME_ID))?;
        same(SAME_ID, &made, wanted)?;
    }
    listed(volumes, wanted, 1).await?;
    let spec = PodOrder {
        volume_disk: Bytes::ZERO,
        network_volume: Some(NetworkMount {
            volume: wanted.volume.clone(),
            path: PodPath::workspace(),
        }),
        ..fixture.order.clone()
    };
    let key = LaunchKey::from_entropy((fixture.entropy)());
    let order = order(fixture, offer, &spec);
    let lease = supplier.launch(&key, &order).await;
    let lease = lease.map_err(because(OUTLIVES))?;
    if volumes.delete(&wanted.host, &wanted.volume).await.is_ok() {
        give_back(supplier, &key).await;
        return Err(broken(OUTLIVES, "it was deleted from under a machine"));
    }
    // The whole life of a machine, its end included.
    let lived = life(supplier, fixture, &key, &order).await;
    if lived.is_err() {
        give_back(supplier, &lease.key).await;
    }
    lived?;
    let seen = volumes.observe(&wanted.host, &wanted.volume).await;
    match seen.map_err(because(OUTLIVES))? {
        Some(found) => same(OUTLIVES, &found, wanted)?,
        None => return Err(broken(OUTLIVES, "it went with the machine")),
    }
    let larger = VolumeOrder {
        size: SMALLEST_VOLUME.saturating_plus(SMALLEST_VOLUME),
        ..wanted.clone()
    };
    for _ in 0..2 {
        let grown = volumes.grow(&larger).await.map_err(because(GROWS))?;
        same(GROWS, &grown, &larger)?;
    }
    for _ in 0..2 {
        let deleted = volumes.delete(&wanted.host, &wanted.volume).await;
        deleted.map_err(because(ENDS))?;
    }
    let seen = volumes.observe(&wanted.host, &wanted.volume).await;
    if let Some(found) = seen.map_err(because(ENDS))? {
        return Err(broken(ENDS, &format!("{found:?}")));
    }
    listed(volumes, wanted, 0).await
}

fn same(rule: &'static str, found: &VolumeFound, wanted: &VolumeOrder) -> Result<(), Broken> {
    let expected = VolumeFound {
        volume: wanted.volume.clone(),
        host: wanted.host.clone(),
        size: wanted.size,
    };
    if *found == expected {
        return Ok(());
    }
    Err(broken(rule, &format!("{found:?} instead of {expected:?}")))
}

async fn listed(volumes: &dyn Volumes, wanted: &VolumeOrder, times: usize) -> Result<(), Broken> {
    let all = volumes.list().await.map_err(because(SAME_ID))?.found;
    let found = all.iter().filter(|one| one.volume == wanted.volume).count();
    if found == times {
        return Ok(());
    }
    let text = format!("listed {found} times instead of {times}");
    Err(broken(SAME_ID, &text))
}

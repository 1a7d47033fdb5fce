//! Network volumes: made, listed, made larger, taken by pods and deleted.
//!
//! A use-case changes the row; the reconciler takes the volume there. A pod takes a volume with its
//! own row, so at most one pod has it and it is not deleted from under one.

mod ending;
mod error;
mod reconcile;
mod strays;

pub(crate) use ending::end;
pub use error::VolumeRefusal;

pub(crate) use reconcile::{CLAIM_SPAN, drive};
pub(crate) use strays::{StraysSwept, sweep_strays};

use crate::Engine;
use crate::credit;
use crate::error::Error;
use crate::services::Services;
use livery_domain::offer::SupplierName;
use livery_domain::pod::{Pod, Wish};
use livery_domain::volume::{
    NetworkVolume, VolumeDesired, VolumeError, VolumeObserved, VolumePhase, check_volume_name,
    check_volume_size,
};
use livery_store::{Error as StoreError, Which};
use livery_supplier::VolumePlace;
use livery_units::{AccountId, Bytes, PodId, Span, VolumeId};

/// What a user asks for with `livery volume create`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    /// Unique among the account's volumes.
    pub name: String,
    /// How large it is to be.
    pub size: Bytes,
    /// The host to make it on, by id or name; the cheapest that has room when absent.
    pub host: Option<String>,
}

/// A volume with the pod that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeView {
    /// The volume.
    pub volume: NetworkVolume,
    /// The pod that has it, if any.
    pub pod: Option<PodId>,
}

impl Engine {
    /// Accepts a network volume; the reconciler makes it.
    ///
    /// # Errors
    /// [`VolumeRefusal`] for a name or size that cannot be and when no host has room; what
    /// [`Error`] says of an account that may not spend.
    pub async fn volume_create(
        &self,
        account: &AccountId,
        wanted: NewVolume,
    ) -> Result<VolumeView, Error> {
        accept(&self.services, account, wanted).await
    }

    /// Returns an account's network volumes, newest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn volume_list(
        &self,
        account: &AccountId,
        which: Which,
    ) -> Result<Vec<VolumeView>, Error> {
        let services = &self.services;
        let mut views = Vec::new();
        for volume in services.store.volume_list(Some(account), which).await? {
            views.push(view(services, volume).await?);
        }
        Ok(views)
    }

    /// Returns one network volume by id or name.
    ///
    /// # Errors
    /// [`VolumeRefusal::NotFound`].
    pub async fn volume_fetch(&self, account: &AccountId, id: &str) -> Result<VolumeView, Error> {
        let volume = find(&self.services, account, id).await?;
        view(&self.services, volume).await
    }

    /// Asks for a network volume to become larger.
    ///
    /// # Errors
    /// [`VolumeRefusal`] for less than it has, and for one that is not there.
    pub async fn volume_resize(
        &self,
        account: &AccountId,
        id: &str,
        size: Bytes,
    ) -> Result<VolumeView, Error> {
        resize(&self.services, account, id, size).await
    }

    /// Asks for a network volume to be removed with all that is on it.
    ///
    /// # Errors
    /// [`VolumeRefusal::InUse`] while a pod has it.
    pub async fn volume_delete(&self, account: &AccountId, id: &str) -> Result<VolumeView, Error> {
        delete(&self.services, account, id).await
    }

    /// Waits until a network volume is as wanted, or for that long.
    ///
    /// # Errors
    /// [`VolumeRefusal::NotFound`].
    pub async fn volume_wait(
        &self,
        account: &AccountId,
        id: &str,
        most: Span,
    ) -> Result<VolumeView, Error> {
        wait(&self.services, account, id, most).await
    }
}

async fn accept(
    services: &Services,
    account: &AccountId,
    wanted: NewVolume,
) -> Result<VolumeView, Error> {
    check_volume_name(&wanted.name).map_err(VolumeRefusal::from)?;
    check_volume_size(wanted.size).map_err(VolumeRefusal::from)?;
    let (supplier, place) = choose(services, &wanted).await?;
    let rate = place.rate.for_size(wanted.size);
    let hourly = rate.map_err(crate::money::out_of_range)?.per_hour();
    credit::may_spend(services, account, hourly).await?;
    let volume = NetworkVolume {
        id: VolumeId::from_entropy(rand::random()),
        account: account.clone(),
        name: wanted.name.clone(),
        size: wanted.size,
        supplier,
        host: place.host,
        rate: place.rate,
        desired: VolumeDesired::Present,
        observed: VolumeObserved::Unknown,
        reason: None,
        attempts: 0,
        created: services.now(),
        began: None,
        kept_until: None,
        ended: None,
        observed_at: None,
        counted: None,
        generation: 0,
    };
    match services.store.volume_insert(&volume).await {
        Ok(()) => {}
        Err(StoreError::Exists) => return Err(VolumeRefusal::NameTaken(wanted.name).into()),
        Err(error) => return Err(error.into()),
    }
    tracing::info!(volume.id = %volume.id, account.id = %account, "a volume is accepted");
    services.board.volumes.notify_one();
    services.announce();
    Ok(VolumeView { volume, pod: None })
}

/// Chooses where a volume is made: the cheapest place with room, of equals the one with most.
async fn choose(
    services: &Services,
    wanted: &NewVolume,
) -> Result<(SupplierName, VolumePlace), Error> {
    let mut places: Vec<(SupplierName, VolumePlace)> = Vec::new();
    let mut silent = Vec::new();
    for (name, supplier) in &services.suppliers {
        let Some(volumes) = supplier.volumes() else {
            continue;
        };
        match volumes.places().await {
            Ok(found) => places.extend(found.into_iter().map(|place| (name.clone(), place))),
            Err(error) => {
                tracing::warn!(supplier = %name, %error, "a supplier does not say where it has room for volumes");
                silent.push((name.clone(), error.to_string()));
            }
        }
    }
    places.retain(|(_, place)| match &wanted.host {
        Some(host) => place.host.as_str() == host || place.name == *host,
        None => true,
    });
    let price = |place: &VolumePlace| place.rate.for_size(wanted.size).map(|rate| rate.per_hour());
    let best = places
        .iter()
        .filter(|(_, place)| place.free >= wanted.size && price(place).is_ok())
        .min_by_key(|(_, place)| (price(place).ok(), std::cmp::Reverse(place.free)))
        .cloned();
    best.ok_or_else(|| {
        let room = places
            .into_iter()
            .map(|(_, place)| (place.name, place.free));
        VolumeRefusal::NoPlace {
            size: wanted.size,
            places: room.collect(),
            silent,
        }
        .into()
    })
}

/// Finds a volume by id, by name among the living, or the last one that had the name.
async fn find(
    services: &Services,
    account: &AccountId,
    id_or_name: &str,
) -> Result<NetworkVolume, Error> {
    let all = services
        .store
        .volume_list(Some(account), Which::All)
        .await?;
    let by_name = |volume: &&NetworkVolume| volume.name == id_or_name;
    let found = all
        .iter()
        .find(|volume| volume.id.as_str() == id_or_name)
        .or_else(|| all.iter().filter(by_name).find(|one| one.ended.is_none()))
        .or_else(|| all.iter().find(by_name));
    let found = found.cloned();
    found.ok_or_else(|| VolumeRefusal::NotFound(id_or_name.to_owned()).into())
}

async fn view(services: &Services, volume: NetworkVolume) -> Result<VolumeView, Error> {
    let pod = services.store.volume_holder(&volume.id).await?;
    Ok(VolumeView { volume, pod })
}

async fn resize(
    services: &Services,
    account: &AccountId,
    id: &str,
    size: Bytes,
) -> Result<VolumeView, Error> {
    loop {
        let mut volume = find(services, account, id).await?;
        let before = volume.size;
        match volume.grow(size) {
            Ok(Wish::AsBefore) => return view(services, volume).await,
            Ok(Wish::Changed) => {}
            Err(VolumeError::Phase(phase)) => return Err(not_there(&volume, phase).into()),
            Err(error) => return Err(VolumeRefusal::from(error).into()),
        }
        let more = volume.rate.for_size(size.saturating_minus(before));
        let hourly = more.map_err(crate::money::out_of_range)?.per_hour();
        credit::may_spend(services, account, hourly).await?;
        if let Some(volume) = write(services, &volume).await? {
            return view(services, volume).await;
        }
    }
}

async fn delete(services: &Services, account: &AccountId, id: &str) -> Result<VolumeView, Error> {
    loop {
        let mut volume = find(services, account, id).await?;
        match volume.desired {
            VolumeDesired::Present => {}
            VolumeDesired::Gone => return view(services, volume).await,
        }
        // A pod that takes it after this look gives the row a new generation.
        if let Some(pod) = services.store.volume_holder(&volume.id).await? {
            return Err(in_use(&volume, &pod).into());
        }
        volume.desired = VolumeDesired::Gone;
        if let Some(volume) = write(services, &volume).await? {
            return view(services, volume).await;
        }
    }
}

/// Writes what is wanted of a volume; none when it changed meanwhile.
async fn write(
    services: &Services,
    volume: &NetworkVolume,
) -> Result<Option<NetworkVolume>, Error> {
    match services.store.volume_update(volume).await {
        Ok(volume) => {
            wanted(services, &volume).await?;
            Ok(Some(volume))
        }
        Err(StoreError::Stale) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Has it seen to at once that something else is wanted of a volume.
async fn wanted(services: &Services, volume: &NetworkVolume) -> Result<(), Error> {
    services.store.volume_nudge(&volume.id).await?;
    services.board.volumes.notify_one();
    services.announce();
    Ok(())
}

async fn wait(
    services: &Services,
    account: &AccountId,
    id: &str,
    most: Span,
) -> Result<VolumeView, Error> {
    // The id from here on: a name may be another volume's a moment later.
    let id = find(services, account, id).await?.id;
    let deadline = tokio::time::Instant::now() + most.to_std();
    loop {
        let changed = services.board.changed.notified();
        let volume = services.store.volume_fetch(&id).await?;
        let settled = match volume.phase() {
            VolumePhase::Creating | VolumePhase::Growing | VolumePhase::Deleting => false,
            VolumePhase::Ready | VolumePhase::Missing | VolumePhase::Deleted => true,
        };
        let changed = services.changes(changed);
        if settled || tokio::time::timeout_at(deadline, changed).await.is_err() {
            return view(services, volume).await;
        }
    }
}

/// Returns the volume that a new pod asks for, if it can be taken now.
pub(crate) async fn for_pod(
    services: &Services,
    account: &AccountId,
    id_or_name: &str,
) -> Result<NetworkVolume, Error> {
    let volume = find(services, account, id_or_name).await?;
    match volume.must_be_there() {
        Ok(()) => {}
        Err(_) => return Err(not_there(&volume, volume.phase()).into()),
    }
    match services.store.volume_holder(&volume.id).await? {
        Some(pod) => Err(in_use(&volume, &pod).into()),
        None => match volume.phase() {
            VolumePhase::Growing => {
                let (volume, reason) = (volume.name, volume.reason);
                Err(VolumeRefusal::Growing { volume, reason }.into())
            }
            VolumePhase::Ready
            | VolumePhase::Creating
            | VolumePhase::Missing
            | VolumePhase::Deleting
            | VolumePhase::Deleted => Ok(volume),
        },
    }
}

/// Returns the volume that somebody asks this control plane for, as [`for_pod`], when its host is not
/// another one's.
pub(crate) async fn for_pod_here(
    services: &Services,
    account: &AccountId,
    id_or_name: &str,
) -> Result<NetworkVolume, Error> {
    let volume = for_pod(services, account, id_or_name).await?;
    let what = format!("network volume {}", volume.name);
    services.must_not_be_elsewhere(&volume.host, &what).await?;
    Ok(volume)
}

/// Says why the store refused the row of a pod that takes a volume.
pub(crate) async fn not_taken(services: &Services, pod: &Pod, error: StoreError) -> Error {
    let (StoreError::InUse | StoreError::NotFound, Some(mount)) =
        (&error, &pod.order.network_volume)
    else {
        return error.into();
    };
    match for_pod(services, &pod.account, mount.volume.as_str()).await {
        Err(why) => why,
        // Whoever had it is gone by now.
        Ok(_) => error.into(),
    }
}

fn in_use(volume: &NetworkVolume, pod: &PodId) -> VolumeRefusal {
    VolumeRefusal::InUse {
        volume: volume.name.clone(),
        pod: pod.to_string(),
    }
}

fn not_there(volume: &NetworkVolume, phase: VolumePhase) -> VolumeRefusal {
    VolumeRefusal::NotThere {
        volume: volume.name.clone(),
        phase: phase.to_string(),
        reason: volume.reason.clone(),
    }
}

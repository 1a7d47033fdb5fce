//! The power to keep network volumes: storage that outlives the machines that use it.

use crate::{Error, Listing};
use async_trait::async_trait;
use livery_units::{Bytes, HostId, Rate, VolumeId};

/// Keeps network volumes. Every call may be repeated.
#[async_trait]
pub trait Volumes: Send + Sync {
    /// Returns where volumes can be made now, and at what price. An empty list is an answer.
    async fn places(&self) -> Result<Vec<VolumePlace>, Error>;

    /// Makes a volume and returns it. The same id again returns what there is.
    ///
    /// The id is the foreign resource's name, so that [`Volumes::list`] finds it. An outcome that
    /// cannot be known is [`Error::Ambiguous`].
    async fn create(&self, order: &VolumeOrder) -> Result<VolumeFound, Error>;

    /// Makes a volume larger and returns it as it is then: a supplier that cannot do so while a
    /// machine uses it says so, and does it later when asked again.
    async fn grow(&self, order: &VolumeOrder) -> Result<VolumeFound, Error>;

    /// Returns a volume as it is; none when its place says that it does not exist.
    async fn observe(&self, host: &HostId, volume: &VolumeId)
    -> Result<Option<VolumeFound>, Error>;

    /// Returns every volume that bears an id of ours, and of whose machines that is all.
    async fn list(&self) -> Result<Listing<VolumeFound>, Error>;

    /// Removes a volume and all that is on it. Removing what is gone succeeds. Returning `Ok` means
    /// that the supplier has accepted it; only [`Volumes::observe`] says that it is gone.
    async fn delete(&self, host: &HostId, volume: &VolumeId) -> Result<(), Error>;
}

/// Where a volume can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumePlace {
    /// The machine; pods that use the volume are placed there.
    pub host: HostId,
    /// The machine's name, for people.
    pub name: String,
    /// The largest volume that fits.
    pub free: Bytes,
    /// What a GB costs.
    pub rate: Rate,
}

/// A volume to be made or to grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeOrder {
    /// Its id.
    pub volume: VolumeId,
    /// Where it lies.
    pub host: HostId,
    /// How large it is to be.
    pub size: Bytes,
}

/// A volume at its supplier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeFound {
    /// Its id.
    pub volume: VolumeId,
    /// Where it lies.
    pub host: HostId,
    /// How large it is.
    pub size: Bytes,
}

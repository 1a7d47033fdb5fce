//! Network volumes on our own hosts: disks that their agents keep.

use crate::{HostsSupplier, refused, slices, transient};
use async_trait::async_trait;
use livery_host_api::dto::{VolumeSpec, VolumeStatus};
use livery_host_api::{Error as HostError, Host};
use livery_supplier::{Error, Listing, VolumeFound, VolumeOrder, VolumePlace, Volumes};
use livery_units::{Bytes, HostId, VolumeId};
use std::sync::Arc;

#[async_trait]
impl Volumes for HostsSupplier {
    /// A host that does not answer has no room to offer now.
    async fn places(&self) -> Result<Vec<VolumePlace>, Error> {
        let mut places = Vec::new();
        let info = |host: Arc<dyn Host>| async move { host.info().await };
        for (id, info) in self.ask_all(info).await {
            match info {
                Ok(info) => places.push(VolumePlace {
                    host: id,
                    name: info.hostname,
                    free: Bytes::new(info.free.disk),
                    rate: slices::monthly(info.volume_monthly_nanos),
                }),
                Err(error) => {
                    tracing::warn!(host.id = %id, %error, "a host has no room for volumes now");
                }
            }
        }
        Ok(places)
    }

    async fn create(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        let host = self.host(&order.host)?;
        let made = host.volume_create(&order.volume, spec(order)).await;
        found(&order.host, &made.map_err(uncertain)?)
    }

    async fn grow(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        let host = self.host(&order.host)?;
        let grown = host.volume_resize(&order.volume, spec(order)).await;
        found(&order.host, &grown.map_err(uncertain)?)
    }

    async fn observe(
        &self,
        host: &HostId,
        volume: &VolumeId,
    ) -> Result<Option<VolumeFound>, Error> {
        match self.host(host)?.volume(volume).await {
            Ok(status) => found(host, &status).map(Some),
            Err(HostError::NotFound(_)) => Ok(None),
            Err(error) => Err(transient(error)),
        }
    }

    /// The list speaks of the hosts that answered: what another holds must not seem to be gone.
    async fn list(&self) -> Result<Listing<VolumeFound>, Error> {
        let volumes = |host: Arc<dyn Host>| async move { host.volumes().await };
        let read = |id: &HostId, volumes: Vec<VolumeStatus>| {
            // What bears no id of ours is none of ours.
            let volumes = volumes.iter().filter_map(|one| found(id, one).ok());
            volumes.collect()
        };
        self.list_all(volumes, read).await
    }

    async fn delete(&self, host: &HostId, volume: &VolumeId) -> Result<(), Error> {
        match self.host(host)?.volume_delete(volume).await {
            Ok(()) | Err(HostError::NotFound(_)) => Ok(()),
            Err(error) => Err(transient(error)),
        }
    }
}

fn spec(order: &VolumeOrder) -> VolumeSpec {
    VolumeSpec {
        size: order.size.get(),
    }
}

fn found(host: &HostId, status: &VolumeStatus) -> Result<VolumeFound, Error> {
    let volume = status.volume.parse::<VolumeId>();
    Ok(VolumeFound {
        volume: volume.map_err(|error| Error::Transient {
            message: format!("host {host} names a volume oddly: {error}"),
        })?,
        host: host.clone(),
        size: Bytes::new(status.size),
    })
}

/// A change whose answer was lost may have been made.
fn uncertain(error: HostError) -> Error {
    match error {
        HostError::Unreachable(message) => Error::Ambiguous { message },
        error @ (HostError::NotFound(_)
        | HostError::NoCapacity(_)
        | HostError::Invalid(_)
        | HostError::Image(_)
        | HostError::WrongState(_)
        | HostError::DiskFull(_)
        | HostError::Internal(_)) => refused(error),
    }
}

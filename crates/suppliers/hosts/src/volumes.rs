//! Network volumes on our own hosts: disks that their agents keep.

use crate::{HostsSupplier, refused, slices, transient};
use async_trait::async_trait;
use livery_host_api::Error as HostError;
use livery_host_api::dto::{VolumeSpec, VolumeStatus};
use livery_supplier::{Error, VolumeFound, VolumeOrder, VolumePlace, Volumes};
use livery_units::{Bytes, HostId, VolumeId};

#[async_trait]
impl Volumes for HostsSupplier {
    /// A host that does not answer has no room to offer now.
    async fn places(&self) -> Result<Vec<VolumePlace>, Error> {
        let hosts = self.directory.list();
        let asked = hosts
            .iter()
            .map(|(id, host)| async move { (id, host.info().await) });
        let mut places = Vec::new();
        for (id, info) in futures_util::future::join_all(asked).await {
            match info {
                Ok(info) => places.push(VolumePlace {
                    host: id.clone(),
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

    /// A host that does not answer fails the whole list: what it holds must not seem to be gone.
    async fn list(&self) -> Result<Vec<VolumeFound>, Error> {
        let hosts = self.directory.list();
        let asked = hosts
            .iter()
            .map(|(id, host)| async move { (id, host.volumes().await) });
        let mut all = Vec::new();
        for (id, volumes) in futures_util::future::join_all(asked).await {
            let volumes = volumes.map_err(transient)?;
            // What bears no id of ours is none of ours.
            all.extend(volumes.iter().filter_map(|one| found(id, one).ok()));
        }
        Ok(all)
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

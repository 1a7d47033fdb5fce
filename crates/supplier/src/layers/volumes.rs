//! The layers around the power to keep network volumes: the same as around everything else.

use super::retry::Retry;
use super::timeout::Timeout;
use super::traced::Traced;
use crate::{Error, Listing, SharedSupplier, VolumeFound, VolumeOrder, VolumePlace, Volumes};
use async_trait::async_trait;
use livery_units::{HostId, VolumeId};

#[async_trait]
impl Volumes for Retry {
    async fn places(&self) -> Result<Vec<VolumePlace>, Error> {
        let inner = volumes(&self.inner)?;
        self.repeat(|| inner.places()).await
    }

    async fn create(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        let inner = volumes(&self.inner)?;
        self.repeat(|| inner.create(order)).await
    }

    async fn grow(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        let inner = volumes(&self.inner)?;
        self.repeat(|| inner.grow(order)).await
    }

    async fn observe(
        &self,
        host: &HostId,
        volume: &VolumeId,
    ) -> Result<Option<VolumeFound>, Error> {
        let inner = volumes(&self.inner)?;
        self.repeat(|| inner.observe(host, volume)).await
    }

    async fn list(&self) -> Result<Listing<VolumeFound>, Error> {
        let inner = volumes(&self.inner)?;
        self.repeat(|| inner.list()).await
    }

    async fn delete(&self, host: &HostId, volume: &VolumeId) -> Result<(), Error> {
        let inner = volumes(&self.inner)?;
        self.repeat(|| inner.delete(host, volume)).await
    }
}

#[async_trait]
impl Volumes for Timeout {
    async fn places(&self) -> Result<Vec<VolumePlace>, Error> {
        let call = volumes(&self.inner)?.places();
        self.within("places for volumes", self.limit, call).await
    }

    async fn create(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        let call = volumes(&self.inner)?.create(order);
        self.within_or_unknown("create a volume", call).await
    }

    async fn grow(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        let call = volumes(&self.inner)?.grow(order);
        self.within_or_unknown("grow a volume", call).await
    }

    async fn observe(
        &self,
        host: &HostId,
        volume: &VolumeId,
    ) -> Result<Option<VolumeFound>, Error> {
        let call = volumes(&self.inner)?.observe(host, volume);
        self.within("observe a volume", self.limit, call).await
    }

    async fn list(&self) -> Result<Listing<VolumeFound>, Error> {
        let call = volumes(&self.inner)?.list();
        self.within("list volumes", self.limit, call).await
    }

    async fn delete(&self, host: &HostId, volume: &VolumeId) -> Result<(), Error> {
        let call = volumes(&self.inner)?.delete(host, volume);
        self.within("delete a volume", self.limit, call).await
    }
}

#[async_trait]
impl Volumes for Traced {
    async fn places(&self) -> Result<Vec<VolumePlace>, Error> {
        let call = volumes(&self.inner)?.places();
        self.call("volume places", "", call).await
    }

    async fn create(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        let call = volumes(&self.inner)?.create(order);
        self.call("create volume", order.volume.as_str(), call)
            .await
    }

    async fn grow(&self, order: &VolumeOrder) -> Result<VolumeFound, Error> {
        let call = volumes(&self.inner)?.grow(order);
        self.call("grow volume", order.volume.as_str(), call).await
    }

    async fn observe(
        &self,
        host: &HostId,
        volume: &VolumeId,
    ) -> Result<Option<VolumeFound>, Error> {
        let call = volumes(&self.inner)?.observe(host, volume);
        self.call("observe volume", volume.as_str(), call).await
    }

    async fn list(&self) -> Result<Listing<VolumeFound>, Error> {
        let call = volumes(&self.inner)?.list();
        self.call("list volumes", "", call).await
    }

    async fn delete(&self, host: &HostId, volume: &VolumeId) -> Result<(), Error> {
        let call = volumes(&self.inner)?.delete(host, volume);
        self.call("delete volume", volume.as_str(), call).await
    }
}

/// Returns the wrapped supplier's power to keep volumes.
fn volumes(supplier: &SharedSupplier) -> Result<&dyn Volumes, Error> {
    supplier.volumes().ok_or_else(|| Error::Unsupported {
        message: format!("{} keeps no network volumes", supplier.info().name),
    })
}

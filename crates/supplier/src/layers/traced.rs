//! Tells what a supplier was asked, what it answered and how long that took.

use super::retry::stopping;
use crate::{
    Error, Lease, Listing, Observation, Order, SharedSupplier, Stopping, Supplier, SupplierInfo,
    Volumes,
};
use async_trait::async_trait;
use livery_domain::offer::Offer;
use livery_units::{HostId, LaunchKey, Span};
use std::time::Instant;
use tracing::Instrument;

/// Puts each call into a span of its own and notes how it ended.
///
/// Failures are noted as details, not as warnings: who handles them says so once.
pub struct Traced {
    pub(super) inner: SharedSupplier,
}

impl Traced {
    /// Wraps a supplier.
    pub fn new(inner: SharedSupplier) -> Self {
        Self { inner }
    }

    pub(super) async fn call<T>(
        &self,
        call: &'static str,
        on: &str,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let span = tracing::debug_span!("supplier", supplier = %self.inner.info().name, call, on);
        async {
            let began = Instant::now();
            let answer = answer.await;
            let took = began.elapsed();
            match &answer {
                Ok(_) => tracing::debug!(?took, "answered"),
                Err(error) => tracing::debug!(?took, %error, "failed"),
            }
            answer
        }
        .instrument(span)
        .await
    }
}

#[async_trait]
impl Supplier for Traced {
    fn info(&self) -> SupplierInfo {
        self.inner.info()
    }

    async fn offers(&self) -> Result<Vec<Offer>, Error> {
        self.call("offers", "", self.inner.offers()).await
    }

    async fn launch(&self, key: &LaunchKey, order: &Order) -> Result<Lease, Error> {
        let on = order.pod.as_str();
        self.call("launch", on, self.inner.launch(key, order)).await
    }

    async fn observe(&self, lease: &Lease) -> Result<Observation, Error> {
        self.call("observe", &lease.foreign_id, self.inner.observe(lease))
            .await
    }

    async fn list(&self) -> Result<Listing<Lease>, Error> {
        self.call("list", "", self.inner.list()).await
    }

    fn host_of(&self, lease: &Lease) -> Option<HostId> {
        self.inner.host_of(lease)
    }

    async fn terminate(&self, lease: &Lease) -> Result<(), Error> {
        self.call("terminate", &lease.foreign_id, self.inner.terminate(lease))
            .await
    }

    fn stopping(&self) -> Option<&dyn Stopping> {
        self.inner.stopping().map(|_| self as &dyn Stopping)
    }

    fn volumes(&self) -> Option<&dyn Volumes> {
        self.inner.volumes().map(|_| self as &dyn Volumes)
    }
}

#[async_trait]
impl Stopping for Traced {
    async fn stop(&self, lease: &Lease, grace: Span) -> Result<(), Error> {
        let call = stopping(&self.inner)?.stop(lease, grace);
        self.call("stop", &lease.foreign_id, call).await
    }

    async fn start(&self, lease: &Lease) -> Result<(), Error> {
        let call = stopping(&self.inner)?.start(lease);
        self.call("start", &lease.foreign_id, call).await
    }
}

//! Gives up on calls that take too long.

use super::retry::stopping;
use crate::{
    Error, Lease, Listing, Observation, Order, SharedSupplier, Stopping, Supplier, SupplierInfo,
    Volumes,
};
use async_trait::async_trait;
use livery_domain::offer::Offer;
use livery_units::{HostId, LaunchKey, Span};

/// Ends calls after a time.
///
/// A launch that was given up on is [`Error::Ambiguous`]: it may have gone through. Everything else
/// is [`Error::Transient`].
pub struct Timeout {
    pub(super) inner: SharedSupplier,
    pub(super) limit: Span,
}

impl Timeout {
    /// Wraps a supplier.
    pub fn new(inner: SharedSupplier, limit: Span) -> Self {
        Self { inner, limit }
    }

    pub(super) async fn within<T>(
        &self,
        what: &str,
        limit: Span,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(limit.to_std(), call).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Transient {
                message: self.silence(what, limit),
            }),
        }
    }

    /// The same for what may have gone through.
    pub(super) async fn within_or_unknown<T>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.limit.to_std(), call).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Ambiguous {
                message: self.silence(what, self.limit),
            }),
        }
    }

    fn silence(&self, what: &str, limit: Span) -> String {
        let name = self.inner.info().name;
        format!("{name} did not answer to {what} within {limit}")
    }
}

#[async_trait]
impl Supplier for Timeout {
    fn info(&self) -> SupplierInfo {
        self.inner.info()
    }

    async fn offers(&self) -> Result<Vec<Offer>, Error> {
        self.within("offers", self.limit, self.inner.offers()).await
    }

    async fn launch(&self, key: &LaunchKey, order: &Order) -> Result<Lease, Error> {
        let call = self.inner.launch(key, order);
        self.within_or_unknown("launch", call).await
    }

    async fn observe(&self, lease: &Lease) -> Result<Observation, Error> {
        self.within("observe", self.limit, self.inner.observe(lease))
            .await
    }

    async fn list(&self) -> Result<Listing<Lease>, Error> {
        self.within("list", self.limit, self.inner.list()).await
    }

    fn host_of(&self, lease: &Lease) -> Option<HostId> {
        self.inner.host_of(lease)
    }

    async fn terminate(&self, lease: &Lease) -> Result<(), Error> {
        self.within("terminate", self.limit, self.inner.terminate(lease))
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
impl Stopping for Timeout {
    async fn stop(&self, lease: &Lease, grace: Span) -> Result<(), Error> {
        // A machine that uses its whole grace period is not late.
        let limit = Span::from_millis(self.limit.millis().saturating_add(grace.millis()));
        let call = stopping(&self.inner)?.stop(lease, grace);
        self.within("stop", limit, call).await
    }

    async fn start(&self, lease: &Lease) -> Result<(), Error> {
        let call = stopping(&self.inner)?.start(lease);
        self.within("start", self.limit, call).await
    }
}

//! Asks again when asking again may help, a bounded number of times.

use crate::error::Retry as Again;
use crate::{
    Error, Lease, Listing, Observation, Order, SharedSupplier, Stopping, Supplier, SupplierInfo,
    Volumes,
};
use async_trait::async_trait;
use livery_domain::offer::Offer;
use livery_units::{HostId, LaunchKey, Span};

/// Repeats calls that failed for now, pausing longer each time.
///
/// Every call of a supplier may be repeated: a launch carries its key, and ending what is gone
/// succeeds. A supplier that says when to come back is asked no sooner; one that names a time beyond
/// `pause_max` is not waited for.
pub struct Retry {
    pub(super) inner: SharedSupplier,
    /// Calls in all, the first one included.
    attempts: u32,
    /// The first pause; each further one is twice as long.
    pause: Span,
    /// The longest pause.
    pause_max: Span,
}

impl Retry {
    /// Wraps a supplier: three calls at most, a quarter of a second before the second.
    pub fn new(inner: SharedSupplier) -> Self {
        Self {
            inner,
            attempts: 3,
            pause: Span::from_millis(250),
            pause_max: Span::from_secs(5),
        }
    }

    /// Sets how often a call is made in all.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the first pause and the longest one.
    pub fn pauses(mut self, first: Span, longest: Span) -> Self {
        (self.pause, self.pause_max) = (first, longest);
        self
    }

    pub(super) async fn repeat<T, F>(&self, call: impl Fn() -> F + Send + Sync) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let mut made = 1;
        loop {
            let error = match call().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match self.pause_after(&error, made) {
                Some(pause) => tokio::time::sleep(pause.to_std()).await,
                None => return Err(error),
            }
            made += 1;
        }
    }

    /// Returns how long to wait before the next call; none when there is to be none.
    fn pause_after(&self, error: &Error, made: u32) -> Option<Span> {
        match error.retry() {
            Again::Later => {}
            Again::OtherOffer | Again::Never => return None,
        }
        if made >= self.attempts {
            return None;
        }
        if let Error::RateLimited { after } = error {
            return (*after <= self.pause_max).then_some(*after);
        }
        let doubled = self.pause.millis() << made.saturating_sub(1).min(16);
        Some(Span::from_millis(doubled).min(self.pause_max))
    }
}

#[async_trait]
impl Supplier for Retry {
    fn info(&self) -> SupplierInfo {
        self.inner.info()
    }

    async fn offers(&self) -> Result<Vec<Offer>, Error> {
        self.repeat(|| self.inner.offers()).await
    }

    async fn launch(&self, key: &LaunchKey, order: &Order) -> Result<Lease, Error> {
        self.repeat(|| self.inner.launch(key, order)).await
    }

    async fn observe(&self, lease: &Lease) -> Result<Observation, Error> {
        self.repeat(|| self.inner.observe(lease)).await
    }

    async fn list(&self) -> Result<Listing<Lease>, Error> {
        self.repeat(|| self.inner.list()).await
    }

    fn host_of(&self, lease: &Lease) -> Option<HostId> {
        self.inner.host_of(lease)
    }

    async fn terminate(&self, lease: &Lease) -> Result<(), Error> {
        self.repeat(|| self.inner.terminate(lease)).await
    }

    fn stopping(&self) -> Option<&dyn Stopping> {
        self.inner.stopping().map(|_| self as &dyn Stopping)
    }

    fn volumes(&self) -> Option<&dyn Volumes> {
        self.inner.volumes().map(|_| self as &dyn Volumes)
    }
}

#[async_trait]
impl Stopping for Retry {
    async fn stop(&self, lease: &Lease, grace: Span) -> Result<(), Error> {
        let inner = stopping(&self.inner)?;
        self.repeat(|| inner.stop(lease, grace)).await
    }

    async fn start(&self, lease: &Lease) -> Result<(), Error> {
        let inner = stopping(&self.inner)?;
        self.repeat(|| inner.start(lease)).await
    }
}

/// Returns the wrapped supplier's power to stop.
pub(super) fn stopping(supplier: &SharedSupplier) -> Result<&dyn Stopping, Error> {
    supplier.stopping().ok_or_else(|| Error::Unsupported {
        message: format!("{} cannot stop machines", supplier.info().name),
    })
}

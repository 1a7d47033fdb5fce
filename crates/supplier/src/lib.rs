//! Floor 2: the contract that every supplier of machines fulfils.
//!
//! Six required methods; optional powers are reached by accessors, so that a supplier without them
//! says so in one place. Retry, timeout and chaos are wrappers around a [`Supplier`], never code
//! inside one. One conformance suite ([`conformance`]) runs over every supplier.

pub mod conformance;
mod error;
pub mod layers;
mod listing;
mod order;
mod volumes;

pub use error::{Error, Retry};
pub use listing::{Heard, Listing};
pub use order::{Access, Lease, Observation, Order, SupplierInfo};
pub use volumes::{VolumeFound, VolumeOrder, VolumePlace, Volumes};

use async_trait::async_trait;
use livery_domain::offer::Offer;
use livery_units::{HostId, LaunchKey, Span};
use std::sync::Arc;

/// Whoever provides machines: our own hosts, or a cloud that others run.
///
/// Implementations keep no state that a restart would miss, do not retry, and turn every foreign
/// error into one of [`Error`]'s meanings.
#[async_trait]
pub trait Supplier: Send + Sync {
    /// Returns the supplier's name and what it can do. Must not touch the network.
    fn info(&self) -> SupplierInfo;

    /// Returns what can be rented now. An empty list is an answer; an unreachable supplier is an
    /// error.
    async fn offers(&self) -> Result<Vec<Offer>, Error>;

    /// Makes the ordered machine or pod and returns the hold on it.
    ///
    /// - The same `key` again returns the same lease and makes nothing new.
    /// - `key` goes into the foreign resource's name or tag, so that [`Supplier::list`] finds it.
    /// - An outcome that cannot be known (a timeout after sending) is [`Error::Ambiguous`].
    async fn launch(&self, key: &LaunchKey, order: &Order) -> Result<Lease, Error>;

    /// Returns how a leased machine is now. What does not exist is observed as `Absent`, not an
    /// error.
    async fn observe(&self, lease: &Lease) -> Result<Observation, Error>;

    /// Returns every lease under this account that carries one of our launch keys, and of whose
    /// machines that is all.
    async fn list(&self) -> Result<Listing<Lease>, Error>;

    /// Returns which host of ours a lease is on, if it is on one. Must not touch the network.
    fn host_of(&self, _lease: &Lease) -> Option<HostId> {
        None
    }

    /// Ends a lease and everything of it. Ending what is gone succeeds. Returning `Ok` means that
    /// the supplier has accepted it; only [`Supplier::observe`] says that it is gone.
    async fn terminate(&self, lease: &Lease) -> Result<(), Error>;

    /// Returns the power to stop and resume, if the supplier has it.
    fn stopping(&self) -> Option<&dyn Stopping> {
        None
    }

    /// Returns the power to keep network volumes, if the supplier has it.
    fn volumes(&self) -> Option<&dyn Volumes> {
        None
    }
}

/// The power to stop a machine, keeping its volume disk, and to start it again.
#[async_trait]
pub trait Stopping: Send + Sync {
    /// Stops; what is down already succeeds.
    async fn stop(&self, lease: &Lease, grace: Span) -> Result<(), Error>;

    /// Starts again with the same volume disk; what is up already succeeds.
    async fn start(&self, lease: &Lease) -> Result<(), Error>;
}

/// A supplier that can be shared.
pub type SharedSupplier = Arc<dyn Supplier>;

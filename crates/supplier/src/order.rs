//! What passes between the engine and a supplier.

use livery_domain::account::Tenant;
use livery_domain::offer::{Offer, SupplierName};
use livery_domain::orphan::Tenants;
use livery_domain::pod::{Observed, PodOrder, Ran};
use livery_domain::registry::Credentials;
use livery_units::{HostId, LaunchKey, PodId};

/// What a supplier is and can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupplierInfo {
    /// Its short name.
    pub name: SupplierName,
    /// One line for listings.
    pub description: String,
    /// Who launches there besides this control plane: decides what the orphan sweep may end unasked.
    pub tenants: Tenants,
}

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The pod that it is for.
    pub pod: PodId,
    /// Whose pod it is.
    pub tenant: Tenant,
    /// The offer that was chosen.
    pub offer: Offer,
    /// What the user asked for.
    pub spec: PodOrder,
    /// Who they are to the image's registry, if it has to know.
    pub credentials: Option<Credentials>,
}

/// Our hold on a machine at a supplier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The key that the launch carried.
    pub key: LaunchKey,
    /// The supplier's own id; for our own hosts `HOST/POD`.
    pub foreign_id: String,
}

/// How a leased machine is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Its state.
    pub state: Observed,
    /// Details in words for the user: what is being prepared, why it is down.
    pub detail: Option<String>,
    /// How its host agent is reached, once it is up.
    pub access: Option<Access>,
    /// What the supplier says about how long it ran.
    pub ran: Ran,
}

/// How the host agent that serves a lease is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// A host of ours that is connected to this control plane; the pod's id is the same there.
    Host {
        /// The host.
        host: HostId,
        /// The pod on it.
        pod: PodId,
    },
}

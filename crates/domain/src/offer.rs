//! Offers: what can be rented now, and from whom.

use crate::gpu::Gpus;
use crate::whole::Whole;
use livery_units::{Bytes, HostId, OfferId, Rate};
use std::fmt;

/// Whoever provides machines; a short lower-case name such as `local`, `runpod` or `vast`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SupplierName(String);

impl SupplierName {
    /// Makes a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SupplierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a machine stands, as far as trust goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// A data centre.
    Secure,
    /// Somebody's machine.
    Community,
    /// This machine.
    Local,
}

/// How the price is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pricing {
    /// A fixed price; the machine is not taken away.
    OnDemand,
    /// A bid; the machine may be taken away.
    Spot,
}

/// A word that is not one of the allowed ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a {kind} (one of: {allowed})")]
pub struct ParseWordError {
    pub(crate) found: String,
    pub(crate) kind: &'static str,
    pub(crate) allowed: &'static str,
}

macro_rules! words {
    ($type:ident, $kind:literal, $allowed:literal, $($variant:ident = $word:literal),+) => {
        impl $type {
            /// Returns the word that users read and write.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::offer::ParseWordError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err($crate::offer::ParseWordError { found: other.to_owned(), kind: $kind, allowed: $allowed }),
                }
            }
        }
    };
}
pub(crate) use words;

words!(
    Tier,
    "tier",
    "secure, community, local",
    Secure = "secure",
    Community = "community",
    Local = "local"
);
words!(
    Pricing,
    "pricing",
    "on-demand, spot",
    OnDemand = "on-demand",
    Spot = "spot"
);

/// What disks cost beside the machine, per GB and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoragePrice {
    /// While the pod is up.
    pub running: Rate,
    /// While it is stopped and its volume disk is kept.
    pub stopped: Rate,
}

impl StoragePrice {
    /// Disks that are included in the machine's price, and kept for nothing.
    pub const FREE: Self = Self {
        running: Rate::FREE,
        stopped: Rate::FREE,
    };
}

/// Something rentable now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Stable while the offer stands.
    pub id: OfferId,
    /// Who provides it.
    pub supplier: SupplierName,
    /// The machine, when it is one of ours.
    pub host: Option<HostId>,
    /// The GPUs that come with it; none for a CPU machine.
    pub gpus: Option<Gpus>,
    /// Virtual CPUs in thousandths, the most that a pod on it may have.
    pub vcpu_milli: u32,
    /// Memory, the most that a pod on it may have.
    pub memory: Bytes,
    /// Disk, the most that a pod on it may have in all.
    pub disk: Bytes,
    /// Where, in the supplier's own words.
    pub region: String,
    /// Datacentre, community or this machine.
    pub tier: Tier,
    /// On demand or spot.
    pub pricing: Pricing,
    /// What it costs.
    pub price: Rate,
    /// What its disks cost beside.
    pub storage: StoragePrice,
    /// Share of the time that the machine was up, in thousandths; unknown for new machines.
    pub reliability_permille: Option<u16>,
    /// The machine of ours that it is a part of, while it can still be cut to what an order asks for.
    pub whole: Option<Whole>,
}

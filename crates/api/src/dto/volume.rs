//! Network volumes as they travel.

use super::offer::Price;
use crate::text;
use livery_domain::volume::{NetworkVolume, VolumePhase};
use livery_units::{Bytes, PodId, Timestamp, VolumeId};
use serde::{Deserialize, Serialize};

/// A network volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its id.
    #[serde(with = "text")]
    pub id: VolumeId,
    /// Its name; unique among the account's volumes that are not gone.
    pub name: String,
    /// Derived from what is wanted and what was seen.
    #[serde(with = "text")]
    pub phase: VolumePhase,
    /// Why it is not as wanted.
    pub reason: Option<String>,
    /// How large it is to be.
    #[serde(with = "text::size")]
    pub size: Bytes,
    /// Who provides it.
    pub supplier: String,
    /// The host that it lies on.
    pub host: String,
    /// What a GB of it costs.
    pub price_per_gb: Price,
    /// What all of it costs at its size.
    pub price: Price,
    /// The pod that has it.
    #[serde(with = "text::option")]
    pub pod: Option<PodId>,
    /// When it was accepted.
    #[serde(with = "text::millis")]
    pub created: Timestamp,
    /// When it was first there: from here on it is paid for.
    #[serde(with = "text::millis_option")]
    pub began: Option<Timestamp>,
    /// When it was confirmed gone.
    #[serde(with = "text::millis_option")]
    pub ended: Option<Timestamp>,
}

impl Volume {
    /// Makes it of a volume and the pod that has it.
    pub fn of(volume: NetworkVolume, pod: Option<PodId>) -> Self {
        // No price is beyond what money can count: it was checked when the volume was accepted.
        let price = volume.rate.for_size(volume.size).unwrap_or(volume.rate);
        Self {
            phase: volume.phase(),
            id: volume.id,
            name: volume.name,
            reason: volume.reason,
            size: volume.size,
            supplier: volume.supplier.as_str().to_owned(),
            host: volume.host.to_string(),
            price_per_gb: Price::from(volume.rate),
            price: Price::from(price),
            pod,
            created: volume.created,
            began: volume.began,
            ended: volume.ended,
        }
    }
}

/// Some network volumes, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VolumeList {
    /// The volumes.
    pub volumes: Vec<Volume>,
}

/// A network volume to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewVolume {
    /// Its name.
    pub name: String,
    /// How large it is to be.
    #[serde(with = "text::size")]
    pub size: Bytes,
    /// The host to make it on, by id or name; the server's choice when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// How large a network volume is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeSize {
    /// The size.
    #[serde(with = "text::size")]
    pub size: Bytes,
}

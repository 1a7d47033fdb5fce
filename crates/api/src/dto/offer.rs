//! Offers as they travel.

use crate::text;
use livery_domain::gpu::GpuReality;
use livery_domain::offer::{Pricing, Tier};
use livery_units::{Bytes, HostId, Money, OfferId, Per, Rate};
use serde::{Deserialize, Serialize};

/// Something rentable now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Stable while the offer stands.
    #[serde(with = "text")]
    pub id: OfferId,
    /// Who provides it.
    pub supplier: String,
    /// The machine, when it is one of ours.
    #[serde(with = "text::option")]
    pub host: Option<HostId>,
    /// The GPUs that come with it; none for a CPU machine.
    pub gpus: Option<Gpus>,
    /// Virtual CPUs in thousandths.
    pub vcpu_milli: u32,
    /// Memory.
    #[serde(with = "text::size")]
    pub memory: Bytes,
    /// Disk.
    #[serde(with = "text::size")]
    pub disk: Bytes,
    /// Where, in the supplier's own words.
    pub region: String,
    /// Data centre, somebody's machine, or this one.
    #[serde(with = "text")]
    pub tier: Tier,
    /// On demand or spot.
    #[serde(with = "text")]
    pub pricing: Pricing,
    /// What it costs, as published.
    pub price: Price,
    /// Share of the time that the machine was up, in thousandths.
    pub reliability_permille: Option<u16>,
}

/// The GPUs of an offer: all of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpus {
    /// The model's canonical name.
    pub model: String,
    /// How many.
    pub count: u32,
    /// Memory of each.
    #[serde(with = "text::size")]
    pub vram: Bytes,
    /// Whether they are only pretended, for development.
    pub simulated: bool,
}

/// A price as published, and the same per hour for comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// What one unit of time costs.
    #[serde(with = "text::dollars")]
    pub amount: Money,
    /// The unit of time: `second`, `hour` or `month`.
    pub per: Unit,
    /// What one hour costs.
    #[serde(with = "text::dollars")]
    pub hourly: Money,
}

/// The unit of time of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A second.
    Second,
    /// An hour.
    Hour,
    /// Thirty days.
    Month,
}

/// Which offers are asked for; everything left out is any.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfferQuery {
    /// GPU model, in any spelling; `none` for CPU machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Number of GPUs, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Memory of each GPU, at least.
    #[serde(with = "text::size_option", skip_serializing_if = "Option::is_none")]
    pub min_vram: Option<Bytes>,
    /// Virtual CPUs in thousandths, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_vcpu_milli: Option<u32>,
    /// Memory, at least.
    #[serde(with = "text::size_option", skip_serializing_if = "Option::is_none")]
    pub min_memory: Option<Bytes>,
    /// Disk, at least.
    #[serde(with = "text::size_option", skip_serializing_if = "Option::is_none")]
    pub min_disk: Option<Bytes>,
    /// Per hour, at most.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub max_price: Option<Money>,
    /// Only this tier.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Only this pricing; on demand when left out.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
    /// Only these suppliers, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppliers: Option<String>,
    /// In which order.
    pub sort: OfferSort,
    /// Conditions in the filter language, beside all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Fields to sort by, with commas between, in place of `sort`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// In which order offers are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfferSort {
    /// The cheapest first.
    #[default]
    Price,
    /// The most GPU memory first.
    Vram,
    /// The most memory first.
    Memory,
    /// The most virtual CPUs first.
    Vcpu,
}

/// The offers that fit, and those that do not with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offers {
    /// Those that fit, in the order asked for.
    pub offers: Vec<Offer>,
    /// Those that do not.
    pub misfits: Vec<Misfit>,
    /// What the filter could not check.
    #[serde(default)]
    pub untold: super::Untold,
}

/// An offer that does not fit, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    /// The offer.
    pub offer: Offer,
    /// Why, in words for the user.
    pub why: String,
}

impl From<livery_domain::offer::Offer> for Offer {
    fn from(offer: livery_domain::offer::Offer) -> Self {
        Self {
            id: offer.id,
            supplier: offer.supplier.as_str().to_owned(),
            host: offer.host,
            gpus: offer.gpus.map(Gpus::from),
            vcpu_milli: offer.vcpu_milli,
            memory: offer.memory,
            disk: offer.disk,
            region: offer.region,
            tier: offer.tier,
            pricing: offer.pricing,
            price: Price::from(offer.price),
            reliability_permille: offer.reliability_permille,
        }
    }
}

impl From<livery_domain::gpu::Gpus> for Gpus {
    fn from(gpus: livery_domain::gpu::Gpus) -> Self {
        Self {
            model: gpus.model.as_str().to_owned(),
            count: gpus.count,
            vram: gpus.vram,
            simulated: match gpus.reality {
                GpuReality::Real => false,
                GpuReality::Simulated => true,
            },
        }
    }
}

impl From<Rate> for Price {
    fn from(rate: Rate) -> Self {
        Self {
            amount: rate.amount,
            per: match rate.per {
                Per::Second => Unit::Second,
                Per::Hour => Unit::Hour,
                Per::Month => Unit::Month,
            },
            hourly: rate.per_hour(),
        }
    }
}

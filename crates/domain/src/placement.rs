//! Placement: which offers fit a need, in which order, and why the others do not.

#[cfg(test)]
mod tests;

use crate::gpu::{GpuModel, GpuReality, Gpus, is_sold_as};
use crate::offer::{Offer, Pricing, SupplierName, Tier};
use livery_units::{Bytes, HostId, Money, OfferId};
use std::collections::HashSet;
use std::fmt;

/// What somebody needs of an offer. The default need is met by every CPU machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Which GPUs.
    pub gpus: GpuNeed,
    /// Memory of each GPU, at least.
    pub vram: Bytes,
    /// Virtual CPUs in thousandths, at least.
    pub vcpu_milli: u32,
    /// Memory, at least.
    pub memory: Bytes,
    /// Disk in all, at least.
    pub disk: Bytes,
    /// Only these tiers; empty for any.
    pub tiers: Vec<Tier>,
    /// Only this pricing.
    pub pricing: Pricing,
    /// Only these suppliers; empty for any.
    pub suppliers: Vec<SupplierName>,
    /// Not dearer than this per hour.
    pub hourly_max: Option<Money>,
    /// Only this machine: what the pod needs is there; any when absent.
    pub host: Option<HostId>,
}

/// Which GPUs a need asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GpuNeed {
    /// With or without.
    Whatever,
    /// None: a CPU machine.
    None,
    /// Exactly that many of any model.
    Any(u32),
    /// Exactly that many of that model.
    Model(GpuModel, u32),
}

impl Default for Need {
    fn default() -> Self {
        Self {
            gpus: GpuNeed::None,
            vram: Bytes::ZERO,
            vcpu_milli: 0,
            memory: Bytes::ZERO,
            disk: Bytes::ZERO,
            tiers: Vec::new(),
            pricing: Pricing::OnDemand,
            suppliers: Vec::new(),
            hourly_max: None,
            host: None,
        }
    }
}

/// Why an offer does not fit, in the order in which it is looked at: the greater, the nearer it came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misfit {
    /// It failed this run before.
    Excluded,
    /// Another machine than the one that holds the pod's network volume.
    Host,
    /// Other GPUs, or none, or too many.
    Gpus(String),
    /// Too little memory on its GPUs.
    Vram(Bytes),
    /// Too few virtual CPUs (thousandths).
    Vcpu(u32),
    /// Too little memory.
    Memory(Bytes),
    /// Too little disk.
    Disk(Bytes),
    /// Another tier.
    Tier(Tier),
    /// Another pricing.
    Pricing(Pricing),
    /// Another supplier.
    Supplier(SupplierName),
    /// Too dear per hour.
    Price(Money),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excluded => f.write_str("it failed this run before"),
            Self::Host => f.write_str("the network volume is on another machine"),
            Self::Gpus(has) => write!(f, "it has {has}"),
            Self::Vram(has) => write!(f, "its GPUs have only {has}"),
            Self::Vcpu(has) => write!(f, "it has only {} vCPU", f64::from(*has) / 1_000.0),
            Self::Memory(has) => write!(f, "it has only {has} of memory"),
            Self::Disk(has) => write!(f, "it has only {has} of disk"),
            Self::Tier(has) => write!(f, "its tier is {has}"),
            Self::Pricing(has) => write!(f, "its pricing is {has}"),
            Self::Supplier(has) => write!(f, "its supplier is {has}"),
            Self::Price(has) => write!(f, "it costs {}/h", has.shown()),
        }
    }
}

/// In which order the needs themselves count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// The cheapest offer that meets any of them.
    Cheapest,
    /// Offers for the first need, then for the second, and so on.
    AsListed,
}

/// An offer that fits, with the need that it meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The offer, cut to the need where it is of a machine of ours.
    pub offer: Offer,
    /// Index of the first need that it meets.
    pub need: usize,
}

/// Offers sorted into those that fit, best first, and those that do not, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranking {
    /// Best first.
    pub fits: Vec<Fit>,
    /// In the order given, each with what is wrong for the need that it comes closest to.
    pub misfits: Vec<(Offer, Misfit)>,
}

/// Ranks offers for needs of which any one will do.
///
/// Real GPUs come before simulated ones, then the cheaper before the dearer, then the smaller before
/// the larger, then by id: the order is total, so two rankings of the same offers are the same. An offer
/// of a machine of ours is cut to the need, and of several that are the same then there is one.
pub fn rank(
    offers: Vec<Offer>,
    needs: &[Need],
    preference: Preference,
    excluded: &[OfferId],
) -> Ranking {
    let mut ranking = Ranking::default();
    for offer in offers {
        if excluded.contains(&offer.id) {
            ranking.misfits.push((offer, Misfit::Excluded));
            continue;
        }
        let mut closest = None;
        let mut met = None;
        for (index, need) in needs.iter().enumerate() {
            match misfit(&offer, need) {
                None => {
                    met = Some(index);
                    break;
                }
                Some(why) => closest = closest.max(Some(why)),
            }
        }
        match (met, closest) {
            (Some(need), _) => {
                let wanted = &needs[need];
                let offer = offer.cut_to(wanted.vcpu_milli, wanted.memory);
                ranking.fits.push(Fit { offer, need });
            }
            (None, Some(why)) => ranking.misfits.push((offer, why)),
            (None, None) => ranking
                .misfits
                .push((offer, Misfit::Gpus("nothing that was asked for".into()))),
        }
    }
    ranking
        .fits
        .sort_by(|a, b| sort_key(a, preference).cmp(&sort_key(b, preference)));
    let mut seen = HashSet::new();
    ranking.fits.retain(|fit| is_new_part(fit, &mut seen));
    ranking
}

/// A part of a machine of ours: which, and how much of it.
type Part = (HostId, Option<Gpus>, u32, Bytes);

/// Returns whether the same part of the same machine was not seen before; what others offer is never
/// the same.
fn is_new_part(fit: &Fit, seen: &mut HashSet<Part>) -> bool {
    let offer = &fit.offer;
    let Some(host) = &offer.host else { return true };
    let part = (
        host.clone(),
        offer.gpus.clone(),
        offer.vcpu_milli,
        offer.memory,
    );
    seen.insert(part)
}

/// Returns the first reason why `offer` does not meet `need`, or `None` when it does.
pub fn misfit(offer: &Offer, need: &Need) -> Option<Misfit> {
    if need.host.is_some() && need.host != offer.host {
        return Some(Misfit::Host);
    }
    if let Some(wrong) = gpu_misfit(offer, need) {
        return Some(wrong);
    }
    let (vcpu_milli, memory) = offer.most();
    if vcpu_milli < need.vcpu_milli {
        return Some(Misfit::Vcpu(vcpu_milli));
    }
    if memory < need.memory {
        return Some(Misfit::Memory(memory));
    }
    if offer.disk < need.disk {
        return Some(Misfit::Disk(offer.disk));
    }
    if !need.tiers.is_empty() && !need.tiers.contains(&offer.tier) {
        return Some(Misfit::Tier(offer.tier));
    }
    if need.pricing != offer.pricing {
        return Some(Misfit::Pricing(offer.pricing));
    }
    if !need.suppliers.is_empty() && !need.suppliers.contains(&offer.supplier) {
        return Some(Misfit::Supplier(offer.supplier.clone()));
    }
    let hourly = match &offer.whole {
        Some(_) => offer.clone().cut_to(need.vcpu_milli, need.memory).price,
        None => offer.price,
    };
    let hourly = hourly.per_hour();
    if need.hourly_max.is_some_and(|max| hourly > max) {
        return Some(Misfit::Price(hourly));
    }
    None
}

fn gpu_misfit(offer: &Offer, need: &Need) -> Option<Misfit> {
    let has = offer
        .gpus
        .as_ref()
        .map_or("no GPU".to_owned(), ToString::to_string);
    let fits = match (&need.gpus, &offer.gpus) {
        (GpuNeed::Whatever, _) | (GpuNeed::None, None) => true,
        (GpuNeed::None, Some(_)) | (GpuNeed::Any(_) | GpuNeed::Model(..), None) => false,
        (GpuNeed::Any(count), Some(gpus)) => gpus.count == *count,
        (GpuNeed::Model(model, count), Some(gpus)) => {
            gpus.count == *count && gpus.model.satisfies(model)
        }
    };
    if !fits {
        return Some(Misfit::Gpus(has));
    }
    let vram = offer.gpus.as_ref().map_or(Bytes::ZERO, |gpus| gpus.vram);
    (!is_sold_as(vram, need.vram)).then_some(Misfit::Vram(vram))
}

fn sort_key(fit: &Fit, preference: Preference) -> (usize, u8, Money, u32, Bytes, &str) {
    let listed = match preference {
        Preference::Cheapest => 0,
        Preference::AsListed => fit.need,
    };
    let simulated = match fit.offer.gpus.as_ref().map(|gpus| gpus.reality) {
        Some(GpuReality::Simulated) => 1,
        Some(GpuReality::Real) | None => 0,
    };
    let offer = &fit.offer;
    (
        listed,
        simulated,
        offer.price.per_hour(),
        offer.vcpu_milli,
        offer.memory,
        offer.id.as_str(),
    )
}

//! Cuts a host into what is offered.
//!
//! A slice is 1, 2, 4, 8 … of the host's GPUs, or of its virtual CPUs, up to what is free, and all
//! that is free. With it goes the same share of everything else, as far as that is free. That is what
//! is shown, and what a pod gets whose order says nothing else: a slice is cut to the order, and priced
//! by what the order takes of the host ([`Whole`]).

use crate::NAME;
use livery_domain::gpu::{GpuReality, Gpus};
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_domain::whole::Whole;
use livery_host_api::dto::{HostInfo, Resources};
use livery_supplier::Error;
use livery_units::{Bytes, HostId, Money, OfferId, Per, Rate};

/// Returns the offers of a host, the same ones with the same ids as long as they stand.
pub(crate) fn of_host(host: &HostId, info: &HostInfo) -> Result<Vec<Offer>, Error> {
    let tier = info.tier().map_err(|error| Error::Transient {
        message: error.to_string(),
    })?;
    let make = |slice: Slice| slice.offer(host, info, tier);
    Ok(gpu_slices(info)
        .chain(cpu_slices(info))
        .filter_map(make)
        .collect())
}

/// A part of a host.
struct Slice {
    gpus: Option<Gpus>,
    /// How much of the host it is: `share` of `whole`.
    share: u64,
    whole: u64,
}

fn gpu_slices(info: &HostInfo) -> impl Iterator<Item = Slice> {
    let whole = info.gpus.len() as u64;
    info.free_gpus().into_iter().flat_map(move |free| {
        let counts = sizes(u64::from(free.count), 1);
        counts.into_iter().map(move |share| Slice {
            gpus: Some(Gpus {
                count: u32::try_from(share).unwrap_or(u32::MAX),
                ..free.clone()
            }),
            share,
            whole,
        })
    })
}

fn cpu_slices(info: &HostInfo) -> impl Iterator<Item = Slice> {
    let whole = u64::from(info.total.vcpu_milli);
    let sizes = sizes(u64::from(info.free.vcpu_milli), 1_000);
    sizes.into_iter().map(move |share| Slice {
        gpus: None,
        share,
        whole,
    })
}

/// Returns 1, 2, 4, 8 … units up to what is free, and all that is free.
fn sizes(free: u64, unit: u64) -> Vec<u64> {
    let doubling = std::iter::successors(Some(unit), |size| size.checked_mul(2));
    let mut sizes: Vec<u64> = doubling.take_while(|size| *size < free).collect();
    sizes.extend((free > 0).then_some(free));
    sizes
}

impl Slice {
    /// Returns what is offered, unless the host has nothing left to go with it.
    fn offer(&self, host: &HostId, info: &HostInfo, tier: Tier) -> Option<Offer> {
        let room = self.room(info);
        if room.vcpu_milli == 0 || room.memory == 0 || room.disk == 0 {
            return None;
        }
        let whole = Whole {
            price: Rate::hourly(Money::from_nanos(info.price_hourly_nanos.max(0))),
            vcpu_milli: info.total.vcpu_milli,
            memory: Bytes::new(info.total.memory),
            gpus: u32::try_from(info.gpus.len()).unwrap_or(u32::MAX),
            free_vcpu_milli: info.free.vcpu_milli,
            free_memory: Bytes::new(info.free.memory),
        };
        let memory = Bytes::new(room.memory);
        let gpus = self.gpus.as_ref().map_or(0, |gpus| gpus.count);
        Some(Offer {
            id: self.id(host),
            supplier: SupplierName::new(NAME),
            host: Some(host.clone()),
            gpus: self.gpus.clone(),
            vcpu_milli: room.vcpu_milli,
            memory,
            disk: Bytes::new(room.disk),
            region: info.region.clone(),
            tier,
            pricing: Pricing::OnDemand,
            price: whole.price_of(room.vcpu_milli, memory, gpus),
            storage: StoragePrice {
                running: monthly(info.storage_monthly_nanos),
                stopped: monthly(info.stopped_storage_monthly_nanos),
            },
            reliability_permille: None,
            whole: Some(whole),
        })
    }

    /// The share of everything, as far as it is free; disk is not cut, for its need varies most.
    fn room(&self, info: &HostInfo) -> Resources {
        let vcpu = self.of(u64::from(info.total.vcpu_milli));
        let vcpu = vcpu.min(u64::from(info.free.vcpu_milli));
        Resources {
            vcpu_milli: u32::try_from(vcpu).unwrap_or(u32::MAX),
            memory: self.of(info.total.memory).min(info.free.memory),
            disk: info.free.disk,
        }
    }

    fn of(&self, amount: u64) -> u64 {
        let part = u128::from(amount) * u128::from(self.share) / u128::from(self.whole.max(1));
        u64::try_from(part).unwrap_or(u64::MAX)
    }

    /// Names the slice after its host and what it is, so that it keeps its name from call to call.
    fn id(&self, host: &HostId) -> OfferId {
        let what = match &self.gpus {
            None => format!("{host} {} vcpu", self.share),
            Some(gpus) => {
                let reality = match gpus.reality {
                    GpuReality::Real => "real",
                    GpuReality::Simulated => "simulated",
                };
                let (count, model, vram) = (gpus.count, &gpus.model, gpus.vram.get());
                format!("{host} {count} {model} {vram} {reality}")
            }
        };
        OfferId::from_entropy(fnv(what.as_bytes()))
    }
}

/// Returns a price that the owner set per month; what cannot be a price is none.
pub(crate) fn monthly(nanos: i64) -> Rate {
    Rate {
        amount: Money::from_nanos(nanos.max(0)),
        per: Per::Month,
    }
}

/// FNV-1a with 128 bits: the standard library's hashes may change with its version.
fn fnv(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_host_api::dto::Gpu;

    fn info(free_milli: u32, gpus: &[(&str, Option<&str>)]) -> HostInfo {
        let gpu = |(index, (name, pod)): (usize, &(&str, Option<&str>))| Gpu {
            index: u32::try_from(index).unwrap(),
            uuid: format!("GPU-{index}"),
            name: (*name).to_owned(),
            vram: 24 << 30,
            simulated: false,
            pod: pod.map(str::to_owned),
        };
        HostInfo {
            host_id: "host_a".into(),
            hostname: "a".into(),
            version: "0".into(),
            protocol: 1,
            boot_id: "b".into(),
            total: Resources {
                vcpu_milli: 8_000,
                memory: 16 << 30,
                disk: 100 << 30,
            },
            free: Resources {
                vcpu_milli: free_milli,
                memory: 10 << 30,
                disk: 60 << 30,
            },
            gpus: gpus.iter().enumerate().map(gpu).collect(),
            driver: None,
            cuda: None,
            price_hourly_nanos: 1_000_000_001,
            tier: "community".into(),
            region: "x".into(),
            storage_monthly_nanos: 100_000_000,
            stopped_storage_monthly_nanos: 200_000_000,
            volume_monthly_nanos: 70_000_000,
        }
    }

    fn offers(info: &HostInfo) -> Vec<Offer> {
        of_host(&info.id().unwrap(), info).unwrap()
    }

    #[test]
    fn a_cpu_host_is_cut_by_its_virtual_cpus() {
        let offers = offers(&info(7_500, &[]));
        let sizes: Vec<_> = offers
            .iter()
            .map(|offer| (offer.vcpu_milli, offer.memory, offer.price.amount.nanos()))
            .collect();
        assert_eq!(
            sizes,
            [
                (1_000, Bytes::gib(2), 125_000_000),
                (2_000, Bytes::gib(4), 250_000_000),
                (4_000, Bytes::gib(8), 500_000_000),
                (7_500, Bytes::gib(10), 937_500_000),
            ]
        );
        assert!(offers.iter().all(|offer| offer.disk == Bytes::gib(60)));
        assert!(offers.iter().all(|offer| offer.tier == Tier::Community));
        // Storage is priced per GB, so a slice has its host's price whole.
        let storage = StoragePrice {
            running: monthly(100_000_000),
            stopped: monthly(200_000_000),
        };
        assert!(offers.iter().all(|offer| offer.storage == storage));
    }

    #[test]
    fn gpus_that_are_taken_are_not_offered() {
        let gpus = [
            ("RTX 4090", None),
            ("RTX 4090", Some("pod_x")),
            ("RTX 4090", None),
            ("RTX 3090", None),
        ];
        let offers = offers(&info(8_000, &gpus));
        let shown: Vec<String> = offers
            .iter()
            .filter_map(|offer| offer.gpus.as_ref())
            .map(ToString::to_string)
            .collect();
        assert_eq!(shown, ["1x RTX 4090", "2x RTX 4090", "1x RTX 3090"]);
        assert_eq!(offers[1].vcpu_milli, 4_000);
        assert_eq!(offers[1].price.amount.nanos(), 500_000_000);
    }

    #[test]
    fn offers_keep_their_ids_and_share_none() {
        let gpus = [("RTX 4090", None), ("RTX 4090", None)];
        let before = offers(&info(8_000, &gpus));
        let after = offers(&info(5_000, &gpus));
        let mut ids: Vec<_> = before.iter().map(|offer| &offer.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), before.len());
        // 1, 2 and 4 vCPU and both GPU slices stand; 8 vCPU became 5.
        let kept = after.iter().filter(|offer| ids.contains(&&offer.id));
        assert_eq!(kept.count(), before.len() - 1);
    }

    #[test]
    fn a_full_host_offers_nothing() {
        assert_eq!(offers(&info(0, &[("RTX 4090", None)])), []);
    }
}

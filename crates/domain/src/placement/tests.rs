//! Which offers fit, in which order.

use super::*;
use crate::offer::StoragePrice;
use crate::whole::Whole;
use livery_units::Rate;
use proptest::prelude::*;

fn offer(number: u128, cents: i64, gpu: Option<(&str, u32, GpuReality)>) -> Offer {
    Offer {
        id: OfferId::from_entropy(number),
        supplier: SupplierName::new("local"),
        host: None,
        gpus: gpu.map(|(model, count, reality)| Gpus {
            model: GpuModel::parse(model),
            count,
            vram: Bytes::gib(24),
            reality,
        }),
        vcpu_milli: 4_000,
        memory: Bytes::gib(16),
        disk: Bytes::gib(100),
        region: "here".into(),
        tier: Tier::Local,
        pricing: Pricing::OnDemand,
        price: Rate::hourly(Money::from_nanos(cents * 10_000_000)),
        storage: StoragePrice::FREE,
        reliability_permille: None,
        whole: None,
    }
}

#[test]
fn cheapest_first_and_simulated_last() {
    let offers = vec![
        offer(1, 50, Some(("RTX 4090", 1, GpuReality::Real))),
        offer(2, 10, Some(("RTX 4090", 1, GpuReality::Simulated))),
        offer(3, 40, Some(("RTX 4090", 1, GpuReality::Real))),
        offer(4, 1, None),
    ];
    let need = Need {
        gpus: GpuNeed::Model(GpuModel::parse("rtx4090"), 1),
        ..Need::default()
    };
    let ranking = rank(offers.clone(), &[need], Preference::Cheapest, &[]);
    let ids: Vec<_> = ranking
        .fits
        .iter()
        .map(|fit| fit.offer.id.clone())
        .collect();
    assert_eq!(ids, [3, 1, 2].map(OfferId::from_entropy));
    assert_eq!(
        ranking.misfits,
        [(offers[3].clone(), Misfit::Gpus("no GPU".into()))]
    );
}

#[test]
fn a_cpu_job_takes_no_gpu() {
    let offers = vec![
        offer(1, 5, Some(("A40", 1, GpuReality::Real))),
        offer(2, 9, None),
    ];
    let ranking = rank(offers, &[Need::default()], Preference::Cheapest, &[]);
    assert_eq!(ranking.fits.len(), 1);
    assert_eq!(ranking.fits[0].offer.id, OfferId::from_entropy(2));
}

#[test]
fn listed_needs_win_over_price_when_asked() {
    let offers = vec![
        offer(1, 90, Some(("A100-80GB", 1, GpuReality::Real))),
        offer(2, 20, Some(("RTX 3090", 1, GpuReality::Real))),
    ];
    let needs = ["A100", "RTX 3090"].map(|model| Need {
        gpus: GpuNeed::Model(GpuModel::parse(model), 1),
        ..Need::default()
    });
    let first = |preference| {
        rank(offers.clone(), &needs, preference, &[]).fits[0]
            .offer
            .id
            .clone()
    };
    assert_eq!(first(Preference::AsListed), OfferId::from_entropy(1));
    assert_eq!(first(Preference::Cheapest), OfferId::from_entropy(2));
}

#[test]
fn every_limit_has_its_reason() {
    let of = |need: Need| misfit(&offer(1, 50, None), &need).map(|why| why.to_string());
    let none = Need::default;
    assert_eq!(of(none()), None);
    assert_eq!(
        of(Need {
            vcpu_milli: 8_000,
            ..none()
        })
        .unwrap(),
        "it has only 4 vCPU"
    );
    assert_eq!(
        of(Need {
            memory: Bytes::gib(32),
            ..none()
        })
        .unwrap(),
        "it has only 16 GiB of memory"
    );
    assert_eq!(
        of(Need {
            disk: Bytes::gib(200),
            ..none()
        })
        .unwrap(),
        "it has only 100 GiB of disk"
    );
    assert_eq!(
        of(Need {
            tiers: vec![Tier::Secure],
            ..none()
        })
        .unwrap(),
        "its tier is local"
    );
    assert_eq!(
        of(Need {
            pricing: Pricing::Spot,
            ..none()
        })
        .unwrap(),
        "its pricing is on-demand"
    );
    let dear = Need {
        hourly_max: Some(Money::from_nanos(490_000_000)),
        ..none()
    };
    assert_eq!(of(dear).unwrap(), "it costs $0.50/h");
}

/// A machine with 8 vCPU, 16 GiB and 4 GPUs for a dollar an hour, of which some is free.
fn part(vcpu_milli: u32, memory: Bytes, gpus: u32) -> Offer {
    let whole = Whole {
        price: Rate::hourly(Money::from_nanos(1_000_000_000)),
        vcpu_milli: 8_000,
        memory: Bytes::gib(16),
        gpus: 4,
        free_vcpu_milli: 7_500,
        free_memory: Bytes::gib(15),
    };
    let gpu = (gpus > 0).then_some(("RTX 4090", gpus, GpuReality::Real));
    Offer {
        id: OfferId::from_entropy(u128::from(vcpu_milli)),
        host: Some("host_a".parse().unwrap()),
        vcpu_milli,
        memory,
        price: whole.price_of(vcpu_milli, memory, gpus),
        whole: Some(whole),
        ..offer(1, 0, gpu)
    }
}

fn parts() -> Vec<Offer> {
    let cpus = [1, 2, 4].map(|cpus| part(cpus * 1_000, Bytes::gib(2 * u64::from(cpus)), 0));
    let gpus = [1, 2].map(|gpus| part(gpus * 2_000, Bytes::gib(4 * u64::from(gpus)), gpus));
    cpus.into_iter().chain(gpus).collect()
}

#[test]
fn a_part_of_a_machine_of_ours_is_as_large_and_as_dear_as_what_is_asked() {
    let cut = |vcpu_milli, memory, gpus| {
        let need = Need {
            vcpu_milli,
            memory: Bytes::mib(memory),
            gpus: match gpus {
                0 => GpuNeed::None,
                count => GpuNeed::Any(count),
            },
            ..Need::default()
        };
        let ranking = rank(parts(), &[need], Preference::Cheapest, &[]);
        let best = &ranking.fits[0].offer;
        assert_eq!(best.whole, None, "it is not cut again");
        (
            best.vcpu_milli,
            best.memory.get() >> 20,
            best.price.amount.nanos() / 1_000,
        )
    };
    // What it takes most of decides.
    assert_eq!(cut(500, 1_024, 0), (500, 1_024, 62_500));
    assert_eq!(cut(500, 256, 0), (500, 256, 62_500));
    assert_eq!(cut(500, 12_288, 0), (500, 12_288, 750_000));
    // What is not asked for comes in the same share, and with no less than one vCPU.
    assert_eq!(cut(500, 0, 0), (500, 1_024, 62_500));
    assert_eq!(cut(7_500, 0, 0), (7_500, 15_360, 937_500));
    assert_eq!(cut(0, 8_192, 0), (4_000, 8_192, 500_000));
    assert_eq!(cut(0, 256, 0), (1_000, 256, 125_000));
    assert_eq!(cut(0, 0, 0), (1_000, 2_048, 125_000));
    // A GPU is its share of the machine, whatever else is asked, unless that is more.
    assert_eq!(cut(0, 0, 1), (2_000, 4_096, 250_000));
    assert_eq!(cut(500, 256, 1), (500, 256, 250_000));
    assert_eq!(cut(6_000, 256, 1), (6_000, 256, 750_000));
    assert_eq!(cut(6_000, 0, 1), (6_000, 12_288, 750_000));
}

#[test]
fn what_is_free_is_the_most_that_fits_and_the_cut_price_is_what_may_be_too_dear() {
    let of = |vcpu_milli, memory, hourly_max: Option<i64>| {
        let need = Need {
            vcpu_milli,
            memory: Bytes::gib(memory),
            hourly_max: hourly_max.map(|cents| Money::from_nanos(cents * 10_000_000)),
            ..Need::default()
        };
        misfit(&parts()[0], &need).map(|why| why.to_string())
    };
    assert_eq!(of(7_500, 15, None), None);
    assert_eq!(of(7_501, 1, None).unwrap(), "it has only 7.5 vCPU");
    assert_eq!(of(1, 16, None).unwrap(), "it has only 15 GiB of memory");
    assert_eq!(of(500, 1, Some(7)), None);
    assert!(of(500, 1, Some(6)).unwrap().starts_with("it costs"));
    assert!(of(7_500, 1, Some(90)).unwrap().starts_with("it costs"));
}

#[test]
fn the_same_part_of_a_machine_is_offered_once() {
    let need = Need {
        vcpu_milli: 500,
        memory: Bytes::gib(1),
        ..Need::default()
    };
    let fits = rank(
        parts(),
        std::slice::from_ref(&need),
        Preference::Cheapest,
        &[],
    )
    .fits;
    assert_eq!(fits.len(), 1);
    // Where that one is no good, there is another of the same size.
    let first = fits[0].offer.id.clone();
    let excluded = std::slice::from_ref(&first);
    let fits = rank(parts(), &[need], Preference::Cheapest, excluded).fits;
    assert_eq!(fits.len(), 1);
    assert_ne!(fits[0].offer.id, first);
}

proptest! {
    /// However a machine is cut in its own proportions, its parts come to its price, less a nano-dollar
    /// for each at the most; and a larger part is never cheaper.
    #[test]
    fn the_parts_of_a_machine_come_to_its_price(
        price in 0_i64..100_000_000_000,
        gpus in 1_u32..17,
        vcpu in 1_u32..257,
        memory in 1_u64..2_049,
    ) {
        let whole = Whole {
            price: Rate::hourly(Money::from_nanos(price)),
            vcpu_milli: vcpu * 1_000,
            memory: Bytes::gib(memory),
            gpus,
            free_vcpu_milli: vcpu * 1_000,
            free_memory: Bytes::gib(memory),
        };
        let one = whole.price_of(
            vcpu * 1_000 / gpus,
            Bytes::new(Bytes::gib(memory).get() / u64::from(gpus)),
            1,
        );
        let sum = one.amount.nanos() * i64::from(gpus);
        prop_assert!(sum <= price && sum > price - i64::from(gpus));
        let most = whole.price_of(vcpu * 1_000, Bytes::ZERO, 0);
        prop_assert_eq!(most.amount.nanos(), price);
        let tiny = whole.price_of(1, Bytes::mib(1), 0);
        let larger = whole.price_of(2, Bytes::mib(1), 0);
        prop_assert!(tiny.amount <= larger.amount);
    }
}

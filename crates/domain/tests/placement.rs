//! Properties of placement: a total order, and a reason for everything that falls out.

use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_domain::placement::{GpuNeed, Misfit, Need, Preference, Ranking, misfit, rank};
use livery_units::{Bytes, Money, OfferId, Per, Rate};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn tier() -> impl Strategy<Value = Tier> {
    prop::sample::select(vec![Tier::Secure, Tier::Community, Tier::Local])
}

fn pricing() -> impl Strategy<Value = Pricing> {
    prop::sample::select(vec![Pricing::OnDemand, Pricing::Spot])
}

fn model() -> impl Strategy<Value = GpuModel> {
    let models = vec!["RTX 4090", "A100 SXM4 80GB", "A100", "H100 PCIe"];
    prop::sample::select(models).prop_map(GpuModel::parse)
}

fn gpus() -> impl Strategy<Value = Option<Gpus>> {
    let reality = prop::sample::select(vec![GpuReality::Real, GpuReality::Simulated]);
    let some = (model(), 1_u32..4, 1_u64..4, reality).prop_map(|(model, count, vram, reality)| {
        Some(Gpus {
            model,
            count,
            vram: Bytes::gib(vram * 20),
            reality,
        })
    });
    prop_oneof![Just(None), some]
}

/// Few values of each kind, so that offers often differ in one thing only or in nothing but the id.
fn offer(number: u128) -> impl Strategy<Value = Offer> {
    let per = prop::sample::select(vec![Per::Second, Per::Hour, Per::Month]);
    let size = (1_u32..4, 1_u64..4, 1_u64..4);
    (gpus(), size, tier(), pricing(), 0_i64..4, per, 0_usize..2).prop_map(
        move |(gpus, (vcpu, memory, disk), tier, pricing, price, per, supplier)| Offer {
            id: OfferId::from_entropy(number),
            supplier: SupplierName::new(["local", "vast"][supplier]),
            host: None,
            gpus,
            vcpu_milli: vcpu * 1_000,
            memory: Bytes::gib(memory),
            disk: Bytes::gib(disk),
            region: String::new(),
            tier,
            pricing,
            price: Rate {
                amount: Money::from_nanos(price),
                per,
            },
            storage: StoragePrice::FREE,
            reliability_permille: None,
            whole: None,
        },
    )
}

fn offers() -> impl Strategy<Value = Vec<Offer>> {
    (0_u128..12).prop_flat_map(|count| (0..count).map(offer).collect::<Vec<_>>())
}

fn need() -> impl Strategy<Value = Need> {
    let gpus = prop_oneof![
        Just(GpuNeed::Whatever),
        Just(GpuNeed::None),
        (1_u32..4).prop_map(GpuNeed::Any),
        (model(), 1_u32..4).prop_map(|(model, count)| GpuNeed::Model(model, count)),
    ];
    let amounts = (0_u64..3, 0_u32..3, 0_u64..3, 0_u64..3);
    let tiers = prop::collection::vec(tier(), 0..3);
    let dearest = prop::option::of(0_i64..4_000);
    (gpus, amounts, tiers, pricing(), dearest).prop_map(
        |(gpus, (vram, vcpu, memory, disk), tiers, pricing, dearest)| Need {
            gpus,
            vram: Bytes::gib(vram * 20),
            vcpu_milli: vcpu * 1_000,
            memory: Bytes::gib(memory),
            disk: Bytes::gib(disk),
            tiers,
            pricing,
            suppliers: Vec::new(),
            hourly_max: dearest.map(Money::from_nanos),
            host: None,
        },
    )
}

fn preference() -> impl Strategy<Value = Preference> {
    prop::sample::select(vec![Preference::Cheapest, Preference::AsListed])
}

fn fitting(ranking: &Ranking) -> Vec<OfferId> {
    let ids = ranking.fits.iter().map(|fit| fit.offer.id.clone());
    ids.collect()
}

fn fallen(ranking: &Ranking) -> Vec<OfferId> {
    let ids = ranking.misfits.iter().map(|(offer, _)| offer.id.clone());
    ids.collect()
}

proptest! {
    #[test]
    fn every_offer_is_a_fit_or_has_its_misfit(
        offers in offers(),
        needs in prop::collection::vec(need(), 0..4),
        preference in preference(),
        excluded in prop::collection::vec((0_u128..12).prop_map(OfferId::from_entropy), 0..3),
    ) {
        let ranking = rank(offers.clone(), &needs, preference, &excluded);
        let given: BTreeSet<_> = offers.iter().map(|offer| offer.id.clone()).collect();
        let mut seen = fitting(&ranking);
        seen.extend(fallen(&ranking));
        prop_assert_eq!(seen.len(), offers.len());
        prop_assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), given);
        for fit in &ranking.fits {
            prop_assert!(!excluded.contains(&fit.offer.id));
            let first = needs.iter().position(|need| misfit(&fit.offer, need).is_none());
            prop_assert_eq!(first, Some(fit.need));
        }
        for (offer, why) in &ranking.misfits {
            prop_assert!(!why.to_string().is_empty());
            prop_assert_eq!(*why == Misfit::Excluded, excluded.contains(&offer.id));
            if *why != Misfit::Excluded && !needs.is_empty() {
                let nearest = needs.iter().filter_map(|need| misfit(offer, need)).max();
                prop_assert_eq!(nearest.as_ref(), Some(why));
            }
            let unmet = needs.iter().all(|need| misfit(offer, need).is_some());
            prop_assert!(unmet || *why == Misfit::Excluded);
        }
    }

    #[test]
    fn the_order_of_the_offers_changes_nothing(
        (offers, shuffled) in offers().prop_flat_map(|offers| {
            (Just(offers.clone()), Just(offers).prop_shuffle())
        }),
        needs in prop::collection::vec(need(), 1..4),
        preference in preference(),
    ) {
        let one = rank(offers, &needs, preference, &[]);
        let other = rank(shuffled, &needs, preference, &[]);
        prop_assert_eq!(&one.fits, &other.fits);
        let (mut fallen_one, mut fallen_other) = (fallen(&one), fallen(&other));
        fallen_one.sort();
        fallen_other.sort();
        prop_assert_eq!(fallen_one, fallen_other);
    }

    #[test]
    fn ranking_what_was_ranked_changes_nothing(
        offers in offers(),
        needs in prop::collection::vec(need(), 1..4),
        preference in preference(),
    ) {
        let once = rank(offers, &needs, preference, &[]);
        let fits: Vec<Offer> = once.fits.iter().map(|fit| fit.offer.clone()).collect();
        let twice = rank(fits, &needs, preference, &[]);
        prop_assert_eq!(twice.misfits, vec![]);
        prop_assert_eq!(twice.fits, once.fits);
    }

    #[test]
    fn no_fit_stands_before_a_better_one(
        offers in offers(),
        needs in prop::collection::vec(need(), 1..4),
        preference in preference(),
    ) {
        let ranking = rank(offers, &needs, preference, &[]);
        for pair in ranking.fits.windows(2) {
            let (first, second) = (&pair[0], &pair[1]);
            let listed = |need: usize| match preference {
                Preference::Cheapest => 0,
                Preference::AsListed => need,
            };
            prop_assert!(listed(first.need) <= listed(second.need));
            if listed(first.need) < listed(second.need) {
                continue;
            }
            let simulated = |offer: &Offer| {
                offer.gpus.as_ref().is_some_and(|gpus| gpus.reality == GpuReality::Simulated)
            };
            let key = |offer: &Offer| (simulated(offer), offer.price.per_hour());
            prop_assert!(key(&first.offer) <= key(&second.offer));
        }
    }

    #[test]
    fn asking_for_more_never_fits_more(offer in offer(1), need in need(), more in 1_u64..3) {
        let greedier = [
            Need { vram: need.vram.saturating_plus(Bytes::gib(more)), ..need.clone() },
            Need { memory: need.memory.saturating_plus(Bytes::gib(more)), ..need.clone() },
            Need { disk: need.disk.saturating_plus(Bytes::gib(more)), ..need.clone() },
            Need { vcpu_milli: need.vcpu_milli + 500, ..need.clone() },
        ];
        for asked in greedier {
            prop_assert!(misfit(&offer, &need).is_none() || misfit(&offer, &asked).is_some());
        }
    }
}

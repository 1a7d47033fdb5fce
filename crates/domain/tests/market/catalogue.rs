//! Looking things up in the price list, however they are spelled.

use crate::rows::{catalogue, day, dollars, hourly, listing};
use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::market::{
    Alias, Catalogue, Filter, Origin, Quote, RowMaker, Sale, Tflops, Unknown, Work, estimate,
    nominal_vram,
};
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_units::{Bytes, Money, OfferId, Per, Rate, Span};

fn with_aliases() -> Catalogue {
    let mut catalogue = catalogue();
    for (model, supplier, name) in [
        ("A100 40GB", Some("lambda"), "gpu_1x_a100_sxm4"),
        ("A100 80GB", Some("paperspace"), "A100-80G"),
        ("RTX 4090", None, "AD102"),
    ] {
        let model = GpuModel::parse(model);
        let gpu = catalogue
            .gpus
            .iter_mut()
            .find(|gpu| gpu.model == model)
            .unwrap();
        gpu.aliases.push(Alias {
            supplier: supplier.map(SupplierName::new),
            name: name.to_owned(),
        });
    }
    catalogue
}

#[test]
fn a_type_is_found_by_any_spelling_and_a_bare_name_finds_all_its_sizes() {
    let catalogue = with_aliases();
    let name = |text: &str| catalogue.gpu(text).map(|gpu| gpu.model.as_str());
    for (text, expected) in [
        ("NVIDIA GeForce RTX 4090", Some("RTX 4090")),
        ("rtx_4090", Some("RTX 4090")),
        ("4090", Some("RTX 4090")),
        ("ad102", Some("RTX 4090")),
        ("gpu_1x_a100_sxm4", Some("A100 40GB")),
        ("a100-80g", Some("A100 80GB")),
        ("A100-80GB", Some("A100 80GB")),
        // Which of the two?
        ("A100", None),
        ("B200", None),
    ] {
        assert_eq!(name(text), expected, "{text}");
    }
    let all = |text: &str| {
        catalogue
            .gpus_like(text)
            .iter()
            .map(|gpu| gpu.model.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(all("A100"), ["A100 40GB", "A100 80GB"]);
    assert_eq!(all("A100-80G"), ["A100 80GB"]);
    assert_eq!(all("B200"), [""; 0]);
}

#[test]
fn what_a_driver_reports_is_the_type_that_was_sold() {
    let catalogue = with_aliases();
    let kind = |model: &str, mib| {
        let found = catalogue.type_of(&GpuModel::parse(model), Bytes::mib(mib));
        found.map(|gpu| gpu.model.as_str())
    };
    assert_eq!(kind("NVIDIA A100-SXM4-80GB", 81_920), Some("A100 80GB"));
    assert_eq!(kind("NVIDIA A100-SXM4-40GB", 40_960), Some("A100 40GB"));
    assert_eq!(kind("A100", 81_251), Some("A100 80GB"));
    assert_eq!(kind("A100", 20_480), None);
    assert_eq!(kind("Tesla V100-SXM2-16GB", 16_160), Some("V100"));

    let v100 = catalogue.gpu("V100");
    for (mib, kind, sold) in [
        (16_160, v100, Bytes::gib(16)),
        // A slice of one keeps its own size, and so does a larger one.
        (8_000, v100, Bytes::mib(8_000)),
        (32_510, v100, Bytes::mib(32_510)),
        (24_564, None, Bytes::gib(24)),
        (46_068, None, Bytes::gib(45)),
        (22_800, None, Bytes::gib(23)),
        // Too little to be the next whole number.
        (1_800, None, Bytes::mib(1_800)),
        (0, None, Bytes::ZERO),
    ] {
        assert_eq!(nominal_vram(Bytes::mib(mib), kind), sold, "{mib}");
    }
    assert!(nominal_vram(Bytes::new(u64::MAX), None) >= Bytes::gib(1 << 33));
}

fn offer() -> Offer {
    let monthly = |text| Rate {
        amount: dollars(text),
        per: Per::Month,
    };
    Offer {
        id: OfferId::from_entropy(1),
        supplier: SupplierName::new("local"),
        host: None,
        gpus: Some(Gpus {
            model: GpuModel::parse("NVIDIA GeForce RTX 4090"),
            count: 2,
            vram: Bytes::mib(24_564),
            reality: GpuReality::Real,
        }),
        vcpu_milli: 16_000,
        memory: Bytes::gib(64),
        disk: Bytes::gib(500),
        region: "here".to_owned(),
        tier: Tier::Local,
        pricing: Pricing::Spot,
        price: hourly("0.50"),
        storage: StoragePrice {
            running: monthly("0.10"),
            stopped: monthly("0.05"),
        },
        reliability_permille: Some(990),
        whole: None,
    }
}

#[test]
fn a_live_offer_is_searched_with_what_the_catalogue_knows_about_its_gpu() {
    let catalogue = with_aliases();
    let row = RowMaker::new(&catalogue).offer(&offer());
    let filter = "gpu_ram=24 gpu_total_ram=48 gpu_arch=ada compute_cap=8.9 tflops=330.4 \
                  gpu_price=0.25 reliability=99% region=here sale=spot rentable=true \
                  storage_cost=0.10 disk_space>=500 cpu_cores=16 tier=local verified=false";
    let filter = Filter::parse(filter).unwrap();
    assert!(filter.matches(&row), "{row:?}");
}

#[test]
fn a_live_offer_is_costed_by_its_own_prices() {
    let offer = offer();
    let quote = Quote::of_offer(&offer, &with_aliases());
    assert_eq!(quote.origin, Origin::Live(offer.id));
    assert_eq!(quote.tflops, Some("330.4".parse().unwrap()));
    let work = Work {
        disk: Bytes::gib(100),
        transfer_out: Bytes::gib(100),
        ..Work::of(Span::from_secs(72 * 3_600))
    };
    let found = estimate(&quote, &work).unwrap();
    // Nothing is carried over anybody's meter on this machine.
    assert_eq!(
        (found.compute, found.storage, found.transfer),
        (dollars("36"), dollars("1"), Money::ZERO)
    );
    assert_eq!(found.unknown, [Unknown::Interruptions]);
}

#[test]
fn a_figure_is_dated_after_thirty_days() {
    let listing = listing("aws", "V100", 1, "3.06");
    assert!(!listing.is_dated(day("2026-12-01").start()));
    assert!(listing.is_dated(day("2026-12-02").start()));
    assert!(!listing.is_dated(day("2020-01-01").start()));
}

#[test]
fn throughput_and_ways_of_sale_are_read_and_printed() {
    for (text, tenths) in [("312", 3_120), ("82.6", 826), ("0.1", 1)] {
        let tflops: Tflops = text.parse().unwrap();
        assert_eq!(
            (tflops.tenths(), tflops.to_string().as_str()),
            (tenths, text)
        );
    }
    for text in ["", "82.65", "-1", ".5", "1.", "9999999999", "1e3"] {
        assert!(text.parse::<Tflops>().is_err(), "{text}");
    }
    assert_eq!(
        "400000000".parse::<Tflops>().unwrap().times(2).tenths(),
        u32::MAX
    );
    for sale in [Sale::OnDemand, Sale::Spot, Sale::Monthly, Sale::Serverless] {
        assert_eq!(sale.as_str().parse(), Ok(sale));
    }
}

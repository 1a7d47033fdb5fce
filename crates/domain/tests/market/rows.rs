//! Rows to search, and the words that filters are made of.

use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::market::{Catalogue, Covers, GpuType, Listing, Row, RowMaker, Sale, Standing};
use livery_domain::offer::{SupplierName, Tier};
use livery_units::{Bytes, Day, Money, Rate};
use proptest::prelude::*;

/// Name, memory in GiB, architecture, compute capability, TFLOPS.
type Facts = (&'static str, u64, &'static str, (u8, u8), &'static str);

pub(crate) const GPUS: [Facts; 5] = [
    ("RTX 3090", 24, "Ampere", (8, 6), "71"),
    ("RTX 4090", 24, "Ada", (8, 9), "165.2"),
    ("A100 40GB", 40, "Ampere", (8, 0), "312"),
    ("A100 80GB", 80, "Ampere", (8, 0), "312"),
    ("V100", 16, "Volta", (7, 0), "125"),
];

pub(crate) const REGIONS: [&str; 6] = [
    "EU-RO-1",
    "US-TX-3",
    "europe-west4",
    "us-east-1",
    "Sweden, SE",
    "",
];

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(crate) fn dollars(text: &str) -> Money {
    text.parse().unwrap()
}

pub(crate) fn hourly(text: &str) -> Rate {
    Rate::hourly(dollars(text))
}

pub(crate) fn catalogue() -> Catalogue {
    let gpus = GPUS.map(|(name, gib, architecture, capability, tflops)| GpuType {
        model: GpuModel::parse(name),
        aliases: Vec::new(),
        vram: Bytes::gib(gib),
        usable: None,
        architecture: architecture.to_owned(),
        compute_capability: Some(capability),
        tflops: Some(tflops.parse().unwrap()),
        source: "a data sheet".to_owned(),
        as_of: day("2022-09-01"),
    });
    Catalogue {
        released: day("2026-11-01"),
        gpus: gpus.to_vec(),
        listings: Vec::new(),
        terms: Vec::new(),
    }
}

pub(crate) fn listing(supplier: &str, gpu: &str, count: u32, price: &str) -> Listing {
    let kind = catalogue();
    Listing {
        supplier: SupplierName::new(supplier),
        machine: format!("{count}x {gpu}"),
        gpus: kind.gpu(gpu).map(|kind| Gpus {
            model: kind.model.clone(),
            count,
            vram: kind.vram,
            reality: GpuReality::Real,
        }),
        vcpu_milli: Some(8_000),
        memory: Some(Bytes::gib(32)),
        disk: None,
        region: "EU-RO-1".to_owned(),
        reliability_permille: None,
        tier: Tier::Secure,
        sale: Sale::OnDemand,
        covers: Covers::Machine,
        price: hourly(price),
        price_high: None,
        source: "a price list".to_owned(),
        as_of: day("2026-11-01"),
    }
}

pub(crate) fn row(listing: &Listing) -> Row {
    RowMaker::new(&catalogue()).listing(listing)
}

/// Rows as they come: some with a GPU, some that do not tell what others do.
pub(crate) fn any_row() -> impl Strategy<Value = Row> {
    let gpu = prop::option::weighted(0.8, 0..GPUS.len());
    let words = (
        prop::sample::select(vec!["vast", "runpod", "aws"]),
        prop::sample::select(REGIONS.to_vec()),
        prop::sample::select(vec![Tier::Secure, Tier::Community, Tier::Local]),
        prop::sample::select(vec![Sale::OnDemand, Sale::Spot]),
        prop::sample::select(vec![Standing::Rentable, Standing::Listed]),
    );
    let numbers = (
        1..4_u32,
        prop::option::of(prop::sample::select(vec![4_000_u32, 8_000, 30_500])),
        prop::option::of(prop::sample::select(vec![
            Bytes::gib(16),
            Bytes::mib(1_500),
        ])),
        // Few prices, so that rows are often equal.
        prop::sample::select(vec!["0", "0.25", "0.5", "3.06"]),
        prop::option::of(prop::sample::select(vec![900_u16, 950, 951, 1_000])),
    );
    (gpu, words, numbers).prop_map(|(gpu, words, numbers)| {
        let (supplier, region, tier, sale, standing) = words;
        let (count, vcpu_milli, memory, price, reliability_permille) = numbers;
        let mut listing = listing(
            supplier,
            gpu.map_or("none", |gpu| GPUS[gpu].0),
            count,
            price,
        );
        listing.region = region.to_owned();
        listing.tier = tier;
        listing.sale = sale;
        listing.vcpu_milli = vcpu_milli;
        listing.memory = memory;
        let mut row = row(&listing);
        row.reliability_permille = reliability_permille;
        row.standing = standing;
        row
    })
}

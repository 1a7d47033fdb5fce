//! 100,000 offers: the same ones in every run, in our types and as a table that others can read.

use anyhow::Result;
use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::market::{Catalogue, Row, RowMaker};
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_units::{Bytes, Day, Money, OfferId, Rate, Timestamp};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const OFFERS: usize = 100_000;

const GPUS: [(&str, u64); 12] = [
    ("RTX 3060", 12),
    ("RTX 3090", 24),
    ("RTX 4070 Ti", 12),
    ("RTX 4090", 24),
    ("RTX 5090", 32),
    ("RTX A5000", 24),
    ("RTX A6000", 48),
    ("L40S", 48),
    ("T4", 16),
    ("A100 40GB", 40),
    ("A100 80GB", 80),
    ("H100 SXM", 80),
];

const REGIONS: [&str; 16] = [
    "EU-RO-1",
    "EU-SE-1",
    "EU-NL-1",
    "US-TX-3",
    "US-GA-1",
    "US-CA-2",
    "CA-MTL-1",
    "eu-west-1",
    "eu-central-1",
    "us-east-1",
    "us-west-2",
    "ap-northeast-1",
    "europe-west4",
    "us-central1",
    "asia-east1",
    "northamerica-northeast1",
];

/// Returns the offers.
pub(crate) fn offers() -> Vec<Offer> {
    let mut rng = StdRng::seed_from_u64(3);
    (0..OFFERS).map(|number| offer(number, &mut rng)).collect()
}

fn offer(number: usize, rng: &mut StdRng) -> Offer {
    let (model, gib) = GPUS.choose(rng).copied().unwrap_or(GPUS[0]);
    let count = [1, 1, 1, 2, 4, 8].choose(rng).copied().unwrap_or(1);
    // To a hundredth of a cent, as markets with bids publish prices.
    let price = rng.random_range(1_000..40_000_i64) * i64::from(count) * 100_000;
    Offer {
        id: OfferId::from_entropy(number as u128),
        supplier: SupplierName::new(["vast", "runpod", "aws", "gcp"][number % 4]),
        host: None,
        gpus: Some(Gpus {
            model: GpuModel::parse(model),
            count,
            vram: Bytes::gib(gib),
            reality: GpuReality::Real,
        }),
        vcpu_milli: rng.random_range(4..128_u32) * 1_000,
        memory: Bytes::gib(rng.random_range(16..1_024)),
        disk: Bytes::gib(rng.random_range(50..4_000)),
        region: REGIONS.choose(rng).copied().unwrap_or_default().to_owned(),
        tier: [Tier::Secure, Tier::Community][number % 2],
        pricing: [Pricing::OnDemand, Pricing::Spot][number / 2 % 2],
        price: Rate::hourly(Money::from_nanos(price)),
        storage: StoragePrice::FREE,
        reliability_permille: Some(rng.random_range(850..=1_000)),
        whole: None,
    }
}

/// Returns the offers as rows to search.
pub(crate) fn rows(offers: &[Offer]) -> Vec<Row> {
    let nothing = Catalogue {
        released: Day::of(Timestamp::from_millis(0)),
        gpus: Vec::new(),
        listings: Vec::new(),
        terms: Vec::new(),
    };
    let mut maker = RowMaker::new(&nothing);
    offers.iter().map(|offer| maker.offer(offer)).collect()
}

/// Writes the offers with the columns that SkyPilot's catalogue has, and two more to search by.
pub(crate) fn write_csv(offers: &[Offer], path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(
        file,
        "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,SpotPrice,Region,\
         GpuInfo,DeviceMemoryGiB,Reliability"
    )?;
    for offer in offers {
        let Some(gpus) = &offer.gpus else { continue };
        let price = offer.price.amount.to_string().replace('$', "");
        let gib = gpus.vram.get() >> 30;
        let info = format!(
            "{{'Gpus': [{{'Name': '{}', 'Count': {}, 'MemoryInfo': {{'SizeInMiB': {}}}}}], \
             'TotalGpuMemoryInMiB': {}}}",
            gpus.model,
            gpus.count,
            gib << 10,
            (gib << 10) * u64::from(gpus.count),
        );
        writeln!(
            file,
            "{},{},{},{},{},{price},{price},{},\"{info}\",{gib},{}",
            offer.id,
            gpus.model,
            gpus.count,
            offer.vcpu_milli / 1_000,
            offer.memory.get() >> 30,
            offer.region,
            f64::from(offer.reliability_permille.unwrap_or(0)) / 1_000.0,
        )?;
    }
    file.flush()?;
    Ok(())
}

//! What the program brings along.

use livery_catalogue::{Bundle, built_in};
use livery_domain::gpu::GpuModel;
use livery_domain::market::{Field, Filter, Row, RowMaker, Sale, is_dated};
use livery_domain::offer::{SupplierName, Tier};
use livery_units::Timestamp;
use std::collections::BTreeSet;

#[test]
fn the_built_in_files_have_no_mistake() {
    let list = built_in().unwrap();
    let providers: BTreeSet<&str> = list
        .catalogue
        .terms
        .iter()
        .map(|terms| terms.supplier.as_str())
        .collect();
    let wanted = [
        "aws",
        "gcp",
        "lambda",
        "local",
        "paperspace",
        "runpod",
        "vast",
    ];
    assert_eq!(providers, BTreeSet::from(wanted));
    for supplier in wanted {
        let sold = list.catalogue.listings.iter();
        let count = sold.filter(|row| row.supplier.as_str() == supplier).count();
        assert!(count > 0, "{supplier} sells nothing");
    }
    assert!(
        list.catalogue.gpus.len() >= 60,
        "{}",
        list.catalogue.gpus.len()
    );
}

#[test]
fn a_bundle_of_the_built_in_files_is_the_same_list() {
    let bundle = Bundle::built_in();
    let opened = bundle.open("bundle", bundle.checksum()).unwrap();
    assert_eq!(opened, *built_in().unwrap());
}

#[test]
fn a_gpu_is_found_by_every_spelling_of_every_provider() {
    let catalogue = &built_in().unwrap().catalogue;
    for (text, name) in [
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("RTX_4090", "RTX 4090"),
        ("4090", "RTX 4090"),
        ("NVIDIA GeForce RTX 3080TI", "RTX 3080 Ti"),
        ("gpu_1x_a100_sxm4", "A100 SXM4 40GB"),
        ("A100-80G", "A100 80GB"),
        ("NVIDIA A100 80GB PCIe", "A100 80GB"),
        ("NVIDIA A100-SXM4-80GB", "A100 SXM4 80GB"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM 80GB"),
        ("H100 SXM", "H100 SXM 80GB"),
        ("nvidia-tesla-t4", "T4"),
        ("Tesla T4", "T4"),
        ("T4g", "T4G"),
        ("A10G", "A10G"),
        ("nvidia-a100-80gb", "A100 80GB"),
        ("Quadro RTX 5000", "RTX 5000"),
        ("A6000", "RTX A6000"),
        ("RTX 6000Ada", "RTX 6000 Ada"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("NVIDIA H200", "H200"),
        ("Tesla V100-SXM2-32GB", "V100 32GB"),
    ] {
        let found = catalogue.gpu(text).map(|gpu| gpu.model.as_str());
        assert_eq!(found, Some(name), "{text}");
    }
    for gpu in &catalogue.gpus {
        for alias in &gpu.aliases {
            let found = catalogue.gpu(&alias.name).map(|gpu| &gpu.model);
            assert_eq!(found, Some(&gpu.model), "{}", alias.name);
        }
    }
}

#[test]
fn every_runpod_gpu_id_is_known() {
    // The ids that RunPod's API documents name, of both versions; two of them stand there with a
    // blank too many.
    let catalogue = &built_in().unwrap().catalogue;
    for id in [
        "AMD Instinct MI300X OAM",
        "NVIDIA  A30",
        "NVIDIA  RTX A4500",
        "NVIDIA A100 80GB PCIe",
        "NVIDIA A100-SXM4-40GB",
        "NVIDIA A40",
        "NVIDIA A5000 Ada",
        "NVIDIA B200",
        "NVIDIA B300 SXM6 AC",
        "NVIDIA GeForce RTX 3070",
        "NVIDIA GeForce RTX 3090 Ti",
        "NVIDIA GeForce RTX 4080 SUPER",
        "NVIDIA GeForce RTX 5090",
        "NVIDIA H100 NVL",
        "NVIDIA H200 NVL",
        "NVIDIA L40S",
        "NVIDIA RTX 2000 Ada Generation",
        "NVIDIA RTX 4000 SFF Ada Generation",
        "NVIDIA RTX A30",
        "NVIDIA RTX A2000",
        "NVIDIA RTX PRO 4500 Blackwell",
        "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",
        "NVIDIA RTX PRO 6000 Blackwell Server Edition",
        "Tesla V100-FHHL-16GB",
        "Tesla V100-PCIE-32GB",
    ] {
        assert!(catalogue.gpu(id).is_some(), "{id}");
    }
}

#[test]
fn a_bare_a100_is_every_size_and_form_of_it() {
    let catalogue = &built_in().unwrap().catalogue;
    let names = |text| -> Vec<&str> {
        let like = catalogue.gpus_like(text);
        like.iter().map(|gpu| gpu.model.as_str()).collect()
    };
    assert_eq!(
        names("A100"),
        ["A100 80GB", "A100 SXM4 80GB", "A100 40GB", "A100 SXM4 40GB"]
    );
    assert_eq!(names("A100 40GB"), ["A100 40GB", "A100 SXM4 40GB"]);
    assert_eq!(names("H100 80GB"), ["H100 SXM 80GB", "H100 PCIe 80GB"]);
}

#[test]
fn every_price_has_a_source_and_a_day_and_old_ones_are_dated() {
    let list = built_in().unwrap();
    // A month after the release nothing in it is fresh any more.
    let later = Timestamp::from_millis(list.catalogue.released.start().millis() + 31 * 86_400_000);
    for row in &list.catalogue.listings {
        assert!(!row.source.is_empty(), "{row:?}");
        assert!(row.as_of <= list.catalogue.released, "{row:?}");
        assert!(row.is_dated(later), "{row:?}");
    }
    for gpu in &list.catalogue.gpus {
        assert!(!gpu.source.is_empty(), "{gpu:?}");
        assert!(gpu.as_of <= list.catalogue.released, "{gpu:?}");
    }
    assert!(!is_dated(
        list.catalogue.released,
        list.catalogue.released.start()
    ));
}

/// A guide sums every provider up in one range; the figures of the guides lie within it, but for the
/// free tiers and the machines of eight.
#[test]
fn the_guides_prices_lie_in_the_guides_ranges() {
    let list = built_in().unwrap();
    assert_eq!(list.ranges.len(), 5);
    let whole = list.ranges.iter().filter(|range| range.tier.is_none());
    assert_eq!(whole.clone().count(), 3);
    for range in whole {
        let rows = list.catalogue.listings.iter().filter(|row| {
            let one = row.gpus.as_ref().is_some_and(|gpus| gpus.count == 1);
            row.supplier == range.supplier && row.sale == Sale::OnDemand && one
        });
        for row in rows {
            let (low, high) = (range.low.per_hour(), range.high.per_hour());
            let price = row.price.per_hour();
            assert!(low <= price && price <= high, "{row:?}");
        }
    }
}

/// The other guide's two ranges are of the GPUs that it names; its community cloud begins lower than the
/// first guide's own community prices, and its secure one does not reach down to an RTX 3090 there.
#[test]
fn runpods_two_clouds_lie_in_their_ranges_for_the_gpus_that_are_named() {
    let list = built_in().unwrap();
    for (tier, named) in [
        (Tier::Community, ["RTX 3090", "RTX 4090"]),
        (Tier::Secure, ["A100 SXM4 80GB", "A100 40GB"]),
    ] {
        let range = list.ranges.iter().find(|range| range.tier == Some(tier));
        let range = range.unwrap();
        let rows = list.catalogue.listings.iter().filter(|row| {
            let one = row.gpus.as_ref().filter(|gpus| gpus.count == 1);
            let gpu = one.map(|gpus| gpus.model.as_str());
            row.supplier == range.supplier
                && row.tier == tier
                && gpu.is_some_and(|gpu| named.contains(&gpu))
        });
        assert!(rows.clone().count() >= 2);
        for row in rows {
            let highest = row.price_high.unwrap_or(row.price);
            assert!(range.low.amount <= row.price.amount, "{row:?}");
            assert!(highest.amount <= range.high.amount, "{row:?}");
        }
    }
}

#[test]
fn providers_terms_are_what_their_sources_say() {
    let catalogue = &built_in().unwrap().catalogue;
    let terms = |name: &str| catalogue.terms_of(&SupplierName::new(name)).unwrap();
    let runpod = terms("runpod");
    let shown = |rate: Option<livery_units::Rate>| rate.map(|rate| rate.to_string());
    assert_eq!(
        shown(runpod.storage_running).as_deref(),
        Some("$0.10/month")
    );
    assert_eq!(
        shown(runpod.storage_stopped).as_deref(),
        Some("$0.20/month")
    );
    assert_eq!(shown(runpod.network_volume).as_deref(), Some("$0.07/month"));
    assert_eq!(runpod.minimum_top_up.unwrap().to_string(), "$10.00");
    assert_eq!(terms("aws").egress.unwrap().to_string(), "$0.09");
    assert_eq!(terms("gcp").egress.unwrap().to_string(), "$0.12");
    assert_eq!(terms("lambda").increment.secs(), 60);
    assert_eq!(terms("lambda").storage_stopped, None);
    assert!(terms("vast").interruptions.is_none());
    assert_eq!(terms("aws").interruptions.unwrap().per_million_hours, 278);
}

/// A guide has a stopped pod at about $0.10 an hour. At RunPod's published $0.20 per GB and month that
/// is 360 GB of volume disk, far more than the 50 GB that the other guide tells users to take: those
/// are $0.0138 an hour. Ours is the published price.
#[test]
fn a_stopped_pod_costs_what_its_volume_disk_does() {
    let catalogue = &built_in().unwrap().catalogue;
    let runpod = catalogue.terms_of(&SupplierName::new("runpod")).unwrap();
    let stopped = runpod.storage_stopped.unwrap();
    let hourly = |gb| {
        let size = livery_units::Bytes::gib(gb);
        stopped.for_size(size).unwrap().per_hour().to_string()
    };
    assert_eq!(hourly(360), "$0.10");
    assert_eq!(hourly(50), "$0.013888888");
}

/// The guide's search, and the two offers that it printed with their reliabilities.
#[test]
fn the_guides_search_finds_its_two_offers() {
    let catalogue = &built_in().unwrap().catalogue;
    let filter = Filter::parse("cuda_vers>=12.0 gpu_ram>=12 reliability>0.95").unwrap();
    let mut maker = RowMaker::new(catalogue);
    let rows: Vec<Row> = catalogue
        .listings
        .iter()
        .map(|row| maker.listing(row))
        .collect();
    let found = rows.iter().filter(|row| filter.matches(row)).map(|row| {
        let name = row.model.as_ref().map(GpuModel::as_str);
        (row.machine.as_str(), name, row.reliability_permille)
    });
    let found: Vec<_> = found.collect();
    assert_eq!(
        found,
        [
            ("offer 1234", Some("RTX 3090"), Some(980)),
            ("offer 5678", Some("RTX 4090"), Some(960)),
        ]
    );
    // Nobody else publishes one, which is said of whatever would do otherwise.
    let untold = filter.untold(&rows);
    assert!(untold.rows > 100, "{untold:?}");
    let of_all = (Field::Reliability, untold.rows);
    assert!(untold.fields.contains(&of_all), "{untold:?}");
}

#[test]
fn names_of_gpus_are_canonical() {
    for gpu in &built_in().unwrap().catalogue.gpus {
        assert_eq!(GpuModel::parse(gpu.model.as_str()), gpu.model);
    }
}

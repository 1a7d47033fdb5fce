//! Prices: live offers before the catalogue's rows, which price of a provider counts, the catalogue's
//! replacement, and estimates that must fit their budget.

use super::support::{Bench, CLOUD, submission};
use livery_catalogue::Bundle;
use livery_domain::market::{Field, Filter, Sale, Work};
use livery_domain::offer::SupplierName;
use livery_domain::placement::Need;
use livery_engine::{
    Answer, CatalogueOrigin, Error, Inquiry, Market, MarketError, Search, Stance, Wanted,
};
use livery_units::{Bytes, Money, Span};
use std::collections::BTreeMap;

fn dollars(text: &str) -> Money {
    text.parse().unwrap()
}

fn hours(count: u64) -> Span {
    Span::from_secs(count * 3_600)
}

fn inquiry(wanted: Vec<Wanted>, work: Work) -> Inquiry {
    Inquiry {
        wanted,
        sales: vec![Sale::OnDemand],
        source: None,
        filter: Filter::default(),
        against: None,
        work,
    }
}

fn wish(market: &Market, supplier: &str, gpu: &str) -> Wanted {
    Wanted {
        supplier: Some(SupplierName::new(supplier)),
        ..Wanted::gpu(market, gpu, 1).unwrap()
    }
}

fn totals(answer: &Answer) -> BTreeMap<String, Money> {
    let lines = answer.comparison.lines.iter();
    lines
        .map(|line| (line.quote.title.clone(), line.total().unwrap()))
        .collect()
}

/// The built-in bundle with a further provider, of the name of the bench's second supplier.
fn with_cloud() -> Bundle {
    let more = format!(
        r#"
[[provider]]
name = "{CLOUD}"
[provider.terms]
title = "The Cloud"
increment = "1s"
minimum = "0s"
start_up = "1m"
source = "a test"
as_of = "2026-11-01"
[[provider.prices]]
source = "a test"
as_of = "2026-11-01"
tier = "secure"
rows = [ {{ machine = "m", gpu = "A100 40GB", price = "0.10" }} ]
"#
    );
    Bundle::new(format!("{}{more}", Bundle::built_in().text()).into_bytes()).unwrap()
}

#[tokio::test]
async fn the_guides_exercise_comes_out_of_the_market() {
    let bench = Bench::new().await;
    let market = bench.engine.market().await.unwrap();
    let wanted = Wanted::gpu(&market, "A100 40GB", 1).unwrap();
    let work = Work::sessions(10, hours(50));
    let answer = bench.engine.inquire(&market, &inquiry(vec![wanted], work));
    let totals = totals(&answer.unwrap());
    for (title, total) in [
        ("AWS", "2050.00"),
        ("GCP", "1835.00"),
        ("Lambda", "550.00"),
        ("Vast.ai", "450.00"),
    ] {
        assert_eq!(totals[title], dollars(total), "{title}");
    }
}

#[tokio::test]
async fn the_guides_table_of_a_hundred_hours_comes_out_of_the_market() {
    let bench = Bench::new().await;
    let market = bench.engine.market().await.unwrap();
    let rows = [
        ("aws", "V100", "306", 0),
        ("gcp", "V100", "248", 19),
        ("lambda", "A100 40GB", "110", 64),
        ("vast", "RTX 3090", "25", 92),
        ("paperspace", "A5000", "138", 55),
        ("runpod", "A100 80GB", "289", 6),
    ];
    let wanted = rows.map(|(supplier, gpu, ..)| wish(&market, supplier, gpu));
    let inquiry = inquiry(wanted.to_vec(), Work::of(hours(100)));
    let answer = bench.engine.inquire(&market, &inquiry).unwrap();
    for (line, (supplier, _, total, saving)) in answer.comparison.lines.iter().zip(rows) {
        assert_eq!(line.quote.supplier.as_str(), supplier);
        assert_eq!(line.total(), Some(dollars(total)), "{supplier}");
        // AWS is the dearest, so the savings are against it without its being named.
        assert_eq!(line.saving_percent, Some(saving), "{supplier}");
    }
}

#[tokio::test]
async fn an_estimate_for_a_small_job_here_is_for_a_small_part_of_the_machine() {
    let bench = Bench::new().await;
    let market = bench.engine.market().await.unwrap();
    let small = Wanted {
        supplier: Some(SupplierName::new("local")),
        needs: vec![Need {
            vcpu_milli: 500,
            memory: Bytes::gib(1),
            ..Need::default()
        }],
        words: "a small machine".to_owned(),
    };
    let answer = bench
        .engine
        .inquire(&market, &inquiry(vec![small], Work::of(hours(1))));
    let answer = answer.unwrap();
    // An eighth of $3.60, where the smallest part that is listed is a quarter.
    assert_eq!(
        answer.comparison.lines[0].total(),
        Some(Money::from_nanos(450_000_000))
    );
    assert_eq!(answer.entries[0].row.memory, Some(Bytes::gib(1)));
}

#[tokio::test]
async fn a_figure_counts_before_a_range_and_a_newer_one_before_an_older() {
    let bench = Bench::new().await;
    let market = bench.engine.market().await.unwrap();
    let price = |supplier, gpu, source: Option<&str>| {
        let asked = Inquiry {
            source: source.map(str::to_owned),
            ..inquiry(vec![wish(&market, supplier, gpu)], Work::of(hours(1)))
        };
        let answer = bench.engine.inquire(&market, &asked).unwrap();
        answer.comparison.lines[0].quote.price.to_string()
    };
    assert_eq!(price("vast", "RTX 3090", None), "$0.25/h");
    assert_eq!(
        price("vast", "RTX 3090", Some("gpu provider guide")),
        "$0.20/h"
    );
    // There is nothing but a range.
    assert_eq!(price("vast", "RTX 3060", None), "$0.10/h");
    assert_eq!(price("paperspace", "A100-80G", None), "$3.18/h");
    assert_eq!(
        price("paperspace", "A100-80G", Some("Cloud GPU Rentals")),
        "$3.09/h"
    );
}

#[tokio::test]
async fn a_supplier_that_answers_replaces_its_rows_and_one_that_does_not_keeps_them() {
    let bench = Bench::new().await;
    let bundle = with_cloud();
    let checksum = bundle.checksum();
    bench
        .engine
        .catalogue_replace(bundle, checksum)
        .await
        .unwrap();
    let of_cloud = |market: &Market| -> Vec<&'static str> {
        let entries = market.entries.iter();
        let of_it = entries.filter(|entry| entry.row.supplier.as_str() == CLOUD);
        let stance = |stance: &Stance| match stance {
            Stance::Live(_) => "live",
            Stance::Silent(_) => "silent",
            Stance::NotEnabled(_) => "not enabled",
        };
        of_it.map(|entry| stance(&entry.stance)).collect()
    };
    // The bench's cloud is down until it is told otherwise.
    let market = bench.engine.market().await.unwrap();
    assert_eq!(of_cloud(&market), ["silent"]);
    let wanted = Wanted::gpu(&market, "A100 40GB", 1).unwrap();
    let asked = inquiry(vec![wanted], Work::of(hours(1)));
    let answer = bench.engine.inquire(&market, &asked).unwrap();
    assert_eq!(answer.silent[0].0, "The Cloud");
    assert_eq!(totals(&answer)["The Cloud"], dollars("0.10"));
    bench.cloud.script(|script| script.down = false);
    let market = bench.engine.market().await.unwrap();
    assert_eq!(of_cloud(&market), ["live"]);
    let answer = bench.engine.inquire(&market, &asked).unwrap();
    assert!(answer.silent.is_empty());
    assert!(
        !totals(&answer).contains_key("The Cloud"),
        "its live offer has no GPU"
    );
    // This machine's row is replaced by what its host offers.
    let local = market
        .entries
        .iter()
        .filter(|entry| entry.row.supplier.as_str() == "local");
    assert!(local.clone().count() > 0);
    assert!(local.clone().all(|entry| entry.listing().is_none()));
}

#[tokio::test]
async fn a_replaced_catalogue_survives_restarts_until_it_is_reset() {
    let mut bench = Bench::new().await;
    let built_in = bench.engine.catalogue().await.unwrap();
    assert_eq!(built_in.origin, CatalogueOrigin::BuiltIn);
    let bundle = with_cloud();
    let checksum = bundle.checksum();
    bench
        .engine
        .catalogue_replace(bundle, checksum)
        .await
        .unwrap();
    bench.restart().await;
    let kept = bench.engine.catalogue().await.unwrap();
    assert_eq!(
        (kept.origin, kept.checksum),
        (CatalogueOrigin::Replaced, checksum)
    );
    let terms = kept.list.catalogue.terms_of(&SupplierName::new(CLOUD));
    assert_eq!(terms.unwrap().title, "The Cloud");
    bench.engine.catalogue_reset().await.unwrap();
    bench.restart().await;
    let back = bench.engine.catalogue().await.unwrap();
    assert_eq!(
        (back.origin, back.checksum),
        (CatalogueOrigin::BuiltIn, built_in.checksum)
    );
}

#[tokio::test]
async fn a_bundle_with_a_mistake_or_another_checksum_changes_nothing() {
    let bench = Bench::new().await;
    let broken = with_cloud().text().replace("\"0.10\" }", "\"-0.10\" }");
    let broken = Bundle::new(broken.into_bytes()).unwrap();
    let checksum = broken.checksum();
    let refused = bench.engine.catalogue_replace(broken, checksum).await;
    assert!(matches!(&refused, Err(Error::Market(_))), "{refused:?}");
    assert!(refused.unwrap_err().to_string().contains("bundle:"));
    let other = bench.engine.catalogue_replace(with_cloud(), checksum).await;
    let other = other.unwrap_err();
    assert_eq!(other.code(), "MKT004");
    let now = bench.engine.catalogue().await.unwrap();
    assert_eq!(now.origin, CatalogueOrigin::BuiltIn);
}

#[tokio::test]
async fn offers_are_sought_with_a_filter_and_an_order() {
    let bench = Bench::new().await;
    bench.cloud.script(|script| script.down = false);
    let need = livery_domain::placement::Need::default();
    let seek = async |filter, order| {
        let search = Search::parse(Some(filter), order).unwrap();
        let sought = bench.engine.seek(&need, &search).await.unwrap();
        let suppliers = sought.ranking.fits.iter();
        let mut suppliers: Vec<String> = suppliers
            .map(|fit| fit.offer.supplier.to_string())
            .collect();
        // The host offers itself in three sizes.
        suppliers.dedup();
        (suppliers, sought.unmatched.len())
    };
    assert_eq!(seek("", None).await.0, ["local", CLOUD]);
    assert_eq!(seek("", Some("-price")).await.0, [CLOUD, "local"]);
    assert_eq!(seek("price<5", None).await, (vec!["local".to_owned()], 1));
    assert_eq!(
        seek("tier=secure price>5", None).await,
        (vec![CLOUD.to_owned()], 3)
    );
    assert_eq!(seek("sale=spot", None).await, (Vec::new(), 4));
    // Nobody here tells how reliable it is, and that is why nothing is found.
    let reliable = Search::parse(Some("price<5 reliability>0.9"), None).unwrap();
    let sought = bench.engine.seek(&need, &reliable).await.unwrap();
    assert_eq!((sought.ranking.fits.len(), sought.untold.rows), (0, 3));
    assert_eq!(sought.untold.fields, [(Field::Reliability, 3)]);
    let wrong = Search::parse(Some("prise<5"), None).unwrap_err();
    assert!(wrong.to_string().contains("^^^^^"), "{wrong}");
}

#[tokio::test]
async fn several_gpus_are_sold_by_whoever_prices_them_one_by_one() {
    let bench = Bench::new().await;
    let market = bench.engine.market().await.unwrap();
    for (gpu, count, title, total) in [
        ("RTX 4090", 2, "Vast.ai", "0.80"),
        ("RTX 4090", 2, "RunPod", "1.38"),
        ("A40", 2, "RunPod", "1.58"),
        ("A100 80GB", 2, "Vast.ai", "2.60"),
    ] {
        let wanted = Wanted::gpu(&market, gpu, count).unwrap();
        let asked = inquiry(vec![wanted], Work::of(hours(1)));
        let answer = bench.engine.inquire(&market, &asked).unwrap();
        assert_eq!(totals(&answer)[title], dollars(total), "{count}x {gpu}");
    }
}

#[tokio::test]
async fn what_nobody_knows_or_sells_is_said() {
    let bench = Bench::new().await;
    let market = bench.engine.market().await.unwrap();
    let unknown = Wanted::gpu(&market, "RTX 9999", 1).unwrap_err();
    assert!(matches!(unknown, MarketError::UnknownGpu(_)));
    let unsold = inquiry(vec![wish(&market, "gcp", "RTX 4090")], Work::of(hours(1)));
    let refused = bench.engine.inquire(&market, &unsold).unwrap_err();
    assert_eq!(refused.code(), "MKT003");
}

#[tokio::test]
async fn every_type_of_gpu_is_listed_with_its_cheapest_seller_first() {
    let bench = Bench::new().await;
    let gpus = bench.engine.gpus().await.unwrap();
    assert!(gpus.len() >= 60);
    let of = |name: &str| {
        gpus.iter()
            .find(|gpu| gpu.gpu.model.as_str() == name)
            .unwrap()
    };
    let v100 = of("V100 16GB");
    let sellers: Vec<(&str, Money)> = v100
        .sellers
        .iter()
        .map(|seller| (seller.title.as_str(), seller.from))
        .collect();
    assert_eq!(
        sellers,
        [
            ("Vast.ai", dollars("0.35")),
            ("GCP", dollars("2.48")),
            ("AWS", dollars("3.06"))
        ]
    );
    assert!(of("RTX 3070 Ti").sellers.is_empty());
}

#[tokio::test]
async fn a_run_is_forecast_and_one_whose_budget_cannot_be_kept_is_refused() {
    let bench = Bench::new().await;
    // The host costs $3.60 an hour, and offers a quarter of itself for $0.90.
    let forecast = async |budget: &str, expected| {
        let job = submission(&format!("run: \"true\"\nbudget: {budget}\n"));
        bench.engine.forecast(&bench.account, &job, expected).await
    };
    let found = forecast("{max_hours: 2}", None).await.unwrap().unwrap();
    assert_eq!(found.total, Some(dollars("1.80")));
    let found = forecast("{max_total: 0.45}", None).await.unwrap().unwrap();
    assert_eq!(found.time, Some(Span::from_secs(1_800)));
    assert_eq!(
        forecast("{max_total: 1.70}", Some(hours(2)))
            .await
            .unwrap_err()
            .code(),
        "RUN005"
    );
    let refused = submission("run: \"true\"\nbudget: {max_total: 0.0002}\n");
    let refused = bench.engine.run_submit(&bench.account, refused).await;
    assert_eq!(refused.unwrap_err().code(), "RUN005");
    let runs = bench
        .engine
        .run_list(&bench.account, livery_engine::Which::All);
    assert!(
        runs.await.unwrap().is_empty(),
        "a refused run leaves no row"
    );
    // A second of it is a fortieth of a cent.
    let run = bench
        .submit("run: \"true\"\nbudget: {max_total: 1.80}\n")
        .await;
    bench.host.script(|script| script.run_exit = Some(0));
    let run = bench.over(&run).await;
    let events = bench
        .engine
        .run_events(&run.id, 0, Span::ZERO)
        .await
        .unwrap();
    let noted = events
        .iter()
        .any(|event| event.message.starts_with("estimate: $0.90/h"));
    assert!(noted, "{events:#?}");
}

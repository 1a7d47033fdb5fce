//! What work costs: by hand-made tables, and by properties that no figures can break.

use crate::rows::{catalogue, day, dollars, hourly, listing};
use livery_domain::market::{
    Catalogue, Comparison, EstimateError, Interruptions, Quote, Sale, Terms, Unknown, Work,
    estimate, saving_percent, session_costs,
};
use livery_domain::offer::SupplierName;
use livery_units::{Bytes, Money, Per, Rate, Span};
use proptest::prelude::*;

const HOUR: Span = Span::from_secs(3_600);

fn hours(count: u64) -> Span {
    Span::from_secs(count * 3_600)
}

fn monthly(text: &str) -> Rate {
    Rate {
        amount: dollars(text),
        per: Per::Month,
    }
}

fn terms(supplier: &str) -> Terms {
    Terms {
        supplier: SupplierName::new(supplier),
        title: supplier.to_uppercase(),
        storage_running: Some(monthly("0.10")),
        storage_stopped: Some(monthly("0.20")),
        network_volume: Some(monthly("0.07")),
        egress: Some(dollars("0.09")),
        ingress: Some(Money::ZERO),
        minimum_top_up: Some(dollars("10")),
        increment: Span::from_secs(1),
        minimum: Span::ZERO,
        interruptions: Some(Interruptions {
            per_million_hours: 50_000,
        }),
        start_up: Span::from_secs(120),
        source: "a price list".to_owned(),
        as_of: day("2026-11-01"),
    }
}

fn with(terms: Terms) -> Catalogue {
    Catalogue {
        terms: vec![terms],
        ..catalogue()
    }
}

fn quote(gpu: &str, price: &str) -> Quote {
    Quote::of_listing(&listing("aws", gpu, 1, price), &with(terms("aws")))
}

fn spot(price: &str) -> Quote {
    let mut listing = listing("aws", "V100", 1, price);
    listing.sale = Sale::Spot;
    Quote::of_listing(&listing, &with(terms("aws")))
}

#[test]
fn time_is_charged_to_the_second_or_to_the_increment_and_the_minimum() {
    let mut quote = quote("V100", "3.60");
    let cost = |quote: &Quote, secs| {
        estimate(quote, &Work::of(Span::from_secs(secs)))
            .unwrap()
            .total
    };
    assert_eq!(cost(&quote, 1), dollars("0.001"));
    assert_eq!(cost(&quote, 3_601), dollars("3.601"));
    quote.increment = HOUR;
    assert_eq!(cost(&quote, 1), dollars("3.60"));
    assert_eq!(cost(&quote, 3_601), dollars("7.20"));
    quote.increment = Span::from_secs(1);
    quote.minimum = Span::from_secs(60);
    assert_eq!(cost(&quote, 1), dollars("0.06"));
    assert_eq!(cost(&quote, 61), dollars("0.061"));
    // Ten experiments are ten rentals, each with a minimum of its own.
    let ten = estimate(&quote, &Work::sessions(10, Span::from_secs(1))).unwrap();
    assert_eq!(
        (ten.total, ten.billed),
        (dollars("0.60"), Span::from_secs(600))
    );
    assert_eq!(ten.hourly, dollars("216"));
}

#[test]
fn a_month_is_rented_whole_and_once_for_all_sessions() {
    let mut listing = listing("paperspace", "V100", 1, "0");
    listing.sale = Sale::Monthly;
    listing.price = monthly("29");
    let quote = Quote::of_listing(&listing, &catalogue());
    let total = |work| estimate(&quote, &work).unwrap().total;
    assert_eq!(total(Work::sessions(100, HOUR)), dollars("29"));
    assert_eq!(total(Work::sessions(721, HOUR)), dollars("58"));
    assert_eq!(total(Work::of(Span::ZERO)), Money::ZERO);
}

#[test]
fn storage_and_transfer_are_counted_and_what_is_not_published_is_named() {
    let mut quote = quote("V100", "1");
    let work = Work {
        disk: Bytes::gib(100),
        disk_kept: hours(240),
        volume: Bytes::gib(50),
        volume_kept: hours(720),
        transfer_in: Bytes::gib(10),
        transfer_out: Bytes::gib(20),
        ..Work::of(hours(72))
    };
    let found = estimate(&quote, &work).unwrap();
    // 100 GB at $0.10 for 3 of 30 days, at $0.20 for 10 of 30 days, and 50 GB at $0.07 for a month.
    let kept = dollars("6.666666666");
    assert_eq!(
        found.storage,
        [dollars("1"), kept, dollars("3.50")].into_iter().sum()
    );
    assert_eq!(
        (found.compute, found.transfer),
        (dollars("72"), dollars("1.80"))
    );
    assert_eq!(found.total, dollars("84.966666666"));
    assert_eq!(found.unknown, []);
    // Their figures have a day of their own.
    assert_eq!(found.terms_as_of, Some(day("2026-11-01")));
    let machine_only = estimate(&quote, &Work::of(HOUR)).unwrap();
    assert_eq!(machine_only.terms_as_of, None);
    quote.egress = None;
    quote.network_volume = None;
    let found = estimate(&quote, &work).unwrap();
    assert_eq!(found.unknown, [Unknown::Volume, Unknown::Egress]);
    assert_eq!(found.total, dollars("79.666666666"));
    assert_eq!(found.terms_as_of, Some(day("2026-11-01")), "of the disk");
    let unpublished = Work {
        transfer_out: Bytes::gib(20),
        ..Work::of(HOUR)
    };
    let found = estimate(&quote, &unpublished).unwrap();
    assert_eq!(found.unknown, [Unknown::Egress]);
    assert_eq!(found.terms_as_of, None, "none of their figures is in it");
}

#[test]
fn a_spot_machine_runs_longer_by_what_interruptions_lose() {
    let quote = spot("0.92");
    let work = Work {
        checkpoint: Some(Span::from_secs(600)),
        ..Work::of(hours(100))
    };
    let found = estimate(&quote, &work).unwrap();
    // 0.05 an hour: 600 stretches of 10 min, each interrupted e^(0.05/6) - 1 = 0.0083682 times, which
    // takes 20 h / 0.05 of running and 2 min to start again.
    let risk = found.spot.unwrap();
    assert_eq!(found.running.secs(), 362_106);
    assert_eq!(risk.lost.secs(), 2_106);
    assert_eq!(risk.interruptions_milli, 5_021);
    assert_eq!(found.total.shown(), "$92.54");
    // Without checkpoints each interruption loses what was done of the session: 10 (e^0.5 - 1) of them.
    let careless = estimate(&quote, &Work::sessions(10, hours(10))).unwrap();
    assert_eq!(careless.spot.unwrap().interruptions_milli, 6_487);
    // A session of 41 hours is interrupted e^2.05 - 1 times, and runs 20 h and 2 min for each.
    let long = estimate(&quote, &Work::of(hours(41))).unwrap();
    assert_eq!(long.spot.unwrap().interruptions_milli, 6_768);
    assert_eq!(long.running.secs() / 60, 8_135);
    // And one of more than 200 hours never comes to its end.
    assert_eq!(
        estimate(&quote, &Work::of(hours(201))),
        Err(EstimateError::NeverEnds)
    );
    let mut unknown = quote;
    unknown.interruptions = None;
    let found = estimate(&unknown, &work).unwrap();
    assert_eq!((found.total, found.spot), (dollars("92"), None));
    assert_eq!(found.unknown, [Unknown::Interruptions]);
}

#[test]
fn the_hundred_hours_of_the_guide() {
    let rows = [
        ("aws", "V100", "3.06", "306.00", 0),
        ("gcp", "V100", "2.48", "248.00", 19),
        ("lambda", "A100 40GB", "1.10", "110.00", 64),
        ("vast", "RTX 3090", "0.25", "25.00", 92),
        ("paperspace", "A5000", "1.38", "138.00", 55),
        ("runpod", "A100 80GB", "2.89", "289.00", 6),
    ];
    let quotes = rows.map(|(supplier, gpu, price, _, _)| {
        Quote::of_listing(&listing(supplier, gpu, 1, price), &catalogue())
    });
    let aws = SupplierName::new("aws");
    let found = Comparison::new(quotes.to_vec(), &Work::of(hours(100)), Some(&aws));
    for (line, (supplier, _, _, total, saving)) in found.lines.iter().zip(rows) {
        assert_eq!(line.total(), Some(dollars(total)), "{supplier}");
        assert_eq!(line.saving_percent, Some(saving), "{supplier}");
    }
    assert_eq!(found.cheapest, Some(3));
    // Both sizes of the A100 are equally fast; Lambda's is the cheaper.
    assert_eq!(found.fastest, Some(2));
}

#[test]
fn the_five_hundred_hours_of_the_guide() {
    let rows = [
        ("aws", "4.10", "2050"),
        ("gcp", "3.67", "1835"),
        ("lambda", "1.10", "550"),
        ("vast", "0.90", "450"),
    ];
    let work = Work::sessions(10, hours(50));
    let total = |price: &str| estimate(&quote("A100 40GB", price), &work).unwrap().total;
    for (supplier, price, expected) in rows {
        assert_eq!(total(price), dollars(expected), "{supplier}");
    }
    assert_eq!(total("4.10").minus(total("1.10")), Ok(dollars("1500")));
}

#[test]
fn the_sessions_of_the_guide() {
    for (price, exact, shown) in [
        (
            "0.20",
            ["0.016666666", "0.10", "0.40"],
            ["0.02", "0.10", "0.40"],
        ),
        ("0.30", ["0.025", "0.15", "0.60"], ["0.03", "0.15", "0.60"]),
        (
            "0.80",
            ["0.066666666", "0.40", "1.60"],
            ["0.07", "0.40", "1.60"],
        ),
    ] {
        let costs = session_costs(&quote("RTX 3090", price)).unwrap();
        assert_eq!(costs, exact.map(dollars), "{price}");
        assert_eq!(
            costs.map(Money::shown),
            shown.map(|text| format!("${text}")),
            "{price}"
        );
    }
}

#[test]
fn savings_are_rounded_to_the_nearest_per_cent() {
    for (reference, total, percent) in [
        ("200", "101", Some(50)),
        ("200", "99", Some(51)),
        ("1", "0", Some(100)),
        ("1", "1.004", Some(0)),
        ("1", "1.25", Some(-25)),
        ("0", "1", None),
    ] {
        assert_eq!(
            saving_percent(dollars(reference), dollars(total)),
            percent,
            "{reference} {total}"
        );
    }
}

#[test]
fn a_spot_line_has_its_on_demand_twin_beside_it() {
    let aws = |sale, price: &str| {
        let mut listing = listing("aws", "V100", 1, price);
        listing.sale = sale;
        Quote::of_listing(&listing, &with(terms("aws")))
    };
    let vast = Quote::of_listing(&listing("vast", "V100", 1, "0.35"), &catalogue());
    let quotes = vec![
        aws(Sale::OnDemand, "3.30"),
        vast,
        aws(Sale::Spot, "0.92"),
        aws(Sale::OnDemand, "3.06"),
    ];
    let found = Comparison::new(quotes.clone(), &Work::of(HOUR), None);
    assert_eq!(
        found.on_demand_beside(2).unwrap().quote.price,
        hourly("3.06")
    );
    assert_eq!(found.on_demand_beside(1), None);
    assert_eq!(found.lines[0].saving_percent, None);
    // Work that a spot machine never ends has no estimate there.
    let found = Comparison::new(quotes, &Work::of(hours(1_000)), None);
    assert_eq!(found.lines[2].estimate, Err(EstimateError::NeverEnds));
    assert_eq!(
        Comparison::new(Vec::new(), &Work::of(HOUR), None).cheapest,
        None
    );
}

#[test]
fn what_is_not_wholly_known_is_neither_cheapest_nor_fastest_nor_what_others_are_compared_with() {
    let mut vast = quote("V100", "0.35");
    vast.network_volume = None;
    let quotes = vec![vast, quote("V100", "3.06"), quote("A100 40GB", "4.10")];
    let work = Work {
        volume: Bytes::gib(100),
        volume_kept: hours(720),
        ..Work::of(hours(10))
    };
    let aws = SupplierName::new("aws");
    let found = Comparison::new(quotes.clone(), &work, Some(&aws));
    assert_eq!((found.cheapest, found.fastest), (Some(1), Some(2)));
    assert_eq!(found.lines[0].total(), Some(dollars("3.50")));
    assert_eq!(found.lines[0].whole(), None);
    let savings: Vec<Option<i64>> = found.lines.iter().map(|line| line.saving_percent).collect();
    assert_eq!(savings, [None, Some(0), Some(-28)]);
    assert!(found.lines[0].rank() > found.lines[2].rank());
    // Without the volume all of it is known.
    let found = Comparison::new(quotes.clone(), &Work::of(hours(10)), None);
    assert_eq!(found.cheapest, Some(0));
    // A GPU of which nobody says how fast it is may be the fastest.
    let mut silent = quotes;
    silent[1].tflops = None;
    let found = Comparison::new(silent.clone(), &work, None);
    assert_eq!((found.cheapest, found.fastest), (Some(1), None));
    // One without tensor cores is not.
    silent[1].compute_capability = Some((6, 1));
    let found = Comparison::new(silent, &work, None);
    assert_eq!(found.fastest, Some(2));
}

fn any_quote() -> impl Strategy<Value = Quote> {
    let sale = prop::sample::select(vec![
        Sale::OnDemand,
        Sale::Spot,
        Sale::Monthly,
        Sale::Serverless,
    ]);
    let steps = prop::sample::select(vec![1_u64, 60, 600, 3_600]);
    (
        0..50_000_000_000_i64,
        sale,
        steps.clone(),
        steps,
        0..200_000_u32,
    )
        .prop_map(
            |(nanos, sale, increment, minimum, per_million_hours)| Quote {
                price: Rate::hourly(Money::from_nanos(nanos)),
                sale,
                increment: Span::from_secs(increment),
                minimum: Span::from_secs(minimum),
                interruptions: Some(Interruptions { per_million_hours }),
                ..quote("V100", "1")
            },
        )
}

proptest! {
    #[test]
    fn more_time_never_costs_less(quote in any_quote(), sessions in 1..20_u32, secs in 0..400_000_u64, more in 0..400_000_u64) {
        let of = |secs| {
            let work = Work { disk: Bytes::gib(10), checkpoint: Some(Span::from_secs(900)), ..Work::sessions(sessions, Span::from_secs(secs)) };
            estimate(&quote, &work).unwrap()
        };
        let (less, more) = (of(secs), of(secs + more));
        prop_assert!(less.total <= more.total && less.billed <= more.billed);
        prop_assert!(less.billed >= less.running || quote.sale == Sale::Serverless);
        prop_assert_eq!(less.total, [less.compute, less.storage, less.transfer].into_iter().sum());
    }

    #[test]
    fn sessions_that_fill_their_increments_cost_what_one_piece_costs(
        nanos in 0..50_000_000_000_i64, increment in 1..4_000_u64, steps in 1..50_u64, sessions in 1..50_u32,
    ) {
        let quote = Quote { price: Rate::hourly(Money::from_nanos(nanos)), increment: Span::from_secs(increment), ..quote("V100", "1") };
        let each = increment * steps;
        let cut = estimate(&quote, &Work::sessions(sessions, Span::from_secs(each))).unwrap();
        let whole = estimate(&quote, &Work::of(Span::from_secs(each * u64::from(sessions)))).unwrap();
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn no_work_is_too_much_to_be_answered(quote in any_quote(), sessions in any::<u32>(), millis in any::<u64>(), size in any::<u64>()) {
        let work = Work {
            disk: Bytes::new(size), disk_kept: Span::from_millis(millis), volume: Bytes::new(size),
            volume_kept: Span::from_millis(millis), transfer_in: Bytes::new(size), transfer_out: Bytes::new(size),
            ..Work::sessions(sessions, Span::from_millis(millis))
        };
        if let Ok(found) = estimate(&quote, &work) {
            prop_assert!(found.total >= found.compute);
        }
    }

    #[test]
    fn what_is_shown_is_the_nearest(nanos in -1_000_000_000_000_i64..1_000_000_000_000) {
        let shown: Money = Money::from_nanos(nanos).shown().replace(',', "").parse().unwrap();
        let most = if nanos.abs() < 10_000_000 { 500 } else { 5_000_000 };
        prop_assert!((shown.nanos() - nanos).abs() <= most);
    }
}

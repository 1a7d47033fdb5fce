//! The catalogue in force: bundles of other days, and one that this program cannot read.

use super::support::Bench;
use livery_catalogue::Bundle;
use livery_engine::{CatalogueOrigin, Catalogued, Error};
use livery_units::{Day, Span, Timestamp};
use std::sync::Arc;

/// The built-in bundle, released on another day. Figures may not be younger than that.
fn released(day: Day) -> Bundle {
    let text = Bundle::built_in().text().to_owned();
    let line = text.lines().find(|line| line.starts_with("released = "));
    let line = line.unwrap();
    Bundle::new(
        text.replacen(line, &format!("released = \"{day}\""), 1)
            .into_bytes(),
    )
    .unwrap()
}

/// A list of an older day, with figures of that day only.
fn of_2023() -> Bundle {
    let text = r#"
format = 1
released = "2023-06-01"
[[gpu]]
name = "RTX 3090"
vram = "24GB"
architecture = "Ampere"
source = "a test"
as_of = "2023-06-01"
[[provider]]
name = "one"
[provider.terms]
title = "One"
increment = "1s"
minimum = "0s"
start_up = "1m"
source = "a test"
as_of = "2023-06-01"
[[provider.prices]]
source = "a test"
as_of = "2023-06-01"
tier = "secure"
rows = [ { machine = "m", gpu = "RTX 3090", price = "0.30" } ]
"#;
    Bundle::new(text.as_bytes().to_vec()).unwrap()
}

async fn replace(bench: &Bench, bundle: Bundle) -> Result<Catalogued, Error> {
    let checksum = bundle.checksum();
    bench.engine.catalogue_replace(bundle, checksum).await
}

fn days_after(now: Timestamp, days: u64) -> Day {
    Day::of(now.after(Span::from_secs(days * 86_400)))
}

#[tokio::test]
async fn a_bundle_of_a_day_to_come_is_refused() {
    let bench = Bench::new().await;
    let now = bench.engine.now();
    let built_in = bench.engine.catalogue().await.unwrap();
    let refused = replace(&bench, released(days_after(now, 400))).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "MKT004");
    assert!(refused.to_string().contains("and today is"), "{refused}");
    let kept = bench.engine.catalogue().await.unwrap();
    assert_eq!(kept.checksum, built_in.checksum);
}

#[tokio::test]
async fn one_that_is_older_than_the_built_in_one_counts_and_says_so() {
    let bench = Bench::new().await;
    let built_in = bench.engine.catalogue().await.unwrap();
    assert_eq!(built_in.newer_built_in(), None);
    let older = replace(&bench, of_2023()).await.unwrap();
    assert_eq!(older.origin, CatalogueOrigin::Replaced);
    let released = built_in.list.catalogue.released;
    assert_eq!(older.newer_built_in(), Some(released));
}

#[tokio::test]
async fn one_that_cannot_be_read_is_tried_once_and_told() {
    let bench = Bench::new().await;
    let bundle = of_2023();
    let place = format!("catalogue.{}", bundle.checksum());
    replace(&bench, bundle).await.unwrap();
    // As a newer program may write it.
    bench.store.setting_set(&place, "format = 9").await.unwrap();
    let mut bench = bench;
    bench.restart().await;
    let found = bench.engine.catalogue().await.unwrap();
    assert_eq!(found.origin, CatalogueOrigin::BuiltIn);
    assert!(found.unreadable.is_some());
    // The very same answer: it is not read again for each question.
    let again = bench.engine.catalogue().await.unwrap();
    assert!(Arc::ptr_eq(&found.bundle, &again.bundle));
    // Another bundle is read.
    replace(&bench, of_2023()).await.unwrap();
    let mended = bench.engine.catalogue().await.unwrap();
    assert_eq!(
        (mended.origin, mended.unreadable),
        (CatalogueOrigin::Replaced, None)
    );
}

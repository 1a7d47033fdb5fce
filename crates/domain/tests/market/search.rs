//! Properties: no text is too strange, what is printed is read again, and the columns find what a
//! search row by row finds, in the same order.

use crate::rows::{REGIONS, any_row};
use livery_domain::market::{Filter, Order, Row, Shelf};
use livery_domain::offer::Tier;
use proptest::prelude::*;
use std::cmp::Ordering;

/// Pieces of filters, good and bad, glued together with and without blanks.
fn nearly_a_filter() -> impl Strategy<Value = String> {
    let pieces = vec![
        "gpu_name",
        "gpu_ram",
        "price",
        "region",
        "tier",
        "reliability",
        "verified",
        "num_gpus",
        "compute_cap",
        "supplier",
        "gpu_arch",
        "xyz",
        "=",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "in",
        "not",
        "notin",
        "[",
        "]",
        ",",
        "\"",
        "'",
        "RTX_4090",
        "24GB",
        "0.5",
        "$",
        "%",
        "95%",
        "EU",
        "any",
        "*",
        "secure",
        "true",
        "and",
        "ß",
        "İ",
        "ſ",
        "\u{0}",
        "-",
        "≥",
        ";",
        "99999999999999999999",
    ];
    let piece = (
        prop::sample::select(pieces),
        prop::sample::select(vec!["", " ", "  ", "\n"]),
    );
    prop::collection::vec(piece, 0..16).prop_map(|all| {
        all.iter()
            .map(|(piece, gap)| format!("{piece}{gap}"))
            .collect()
    })
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match Filter::parse(text) {
        Ok(filter) => prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter), "{:?}", text),
        Err(errors) => {
            prop_assert!(!errors.errors.is_empty());
            for error in &errors.errors {
                prop_assert!(
                    error.at.start < error.at.end && error.at.end <= text.len(),
                    "{:?} {:?}",
                    text,
                    error
                );
                prop_assert!(
                    text.get(error.at.clone()).is_some(),
                    "{:?} {:?}",
                    text,
                    error
                );
                prop_assert!(!error.message.is_empty() && !error.hint.is_empty());
            }
            prop_assert!(errors.to_string().contains('^'));
        }
    }
    let _ = Order::parse(text);
    Ok(())
}

/// A condition, beside what it means, told in another way.
type Meaning = fn(&Row) -> bool;

const CONDITIONS: [(&str, Meaning); 12] = [
    ("gpu_ram>=24", |row| {
        row.vram.is_some_and(|vram| vram.get() >= 24 << 30)
    }),
    ("gpu_name=A100", |row| {
        row.model
            .as_ref()
            .is_some_and(|m| m.as_str().starts_with("A100"))
    }),
    ("gpu_name!=V100", |row| {
        row.model.as_ref().is_some_and(|m| m.as_str() != "V100")
    }),
    ("price<0.5", |row| row.price.amount.nanos() < 500_000_000),
    ("price>=0.25", |row| row.price.amount.nanos() >= 250_000_000),
    ("reliability>0.95", |row| {
        row.reliability_permille.is_some_and(|r| r > 950)
    }),
    ("region=EU", |row| {
        ["EU-RO-1", "europe-west4", "Sweden, SE"].contains(&row.region.as_str())
    }),
    ("region!=US", |row| {
        !row.region.is_empty() && !row.region.to_lowercase().starts_with("us")
    }),
    ("supplier in [vast,aws]", |row| {
        row.supplier.as_str() != "runpod"
    }),
    ("num_gpus notin [0,1]", |row| row.gpu_count > 1),
    ("verified=false", |row| row.tier != Tier::Secure),
    ("cpu_ram<16", |row| {
        row.memory.is_some_and(|memory| memory.get() < 16 << 30)
    }),
];

fn naive(
    rows: &[Row],
    conditions: &[usize],
    key: fn(&Row) -> Option<i64>,
    turned: Turned,
) -> Vec<usize> {
    let mut found: Vec<usize> = (0..rows.len())
        .filter(|index| conditions.iter().all(|c| CONDITIONS[*c].1(&rows[*index])))
        .collect();
    // A stable sort keeps equals as they were.
    found.sort_by(|a, b| match (key(&rows[*a]), key(&rows[*b])) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => match turned {
            Turned::No => a.cmp(&b),
            Turned::Yes => b.cmp(&a),
        },
    });
    found
}

#[derive(Debug, Clone, Copy)]
enum Turned {
    No,
    Yes,
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn what_is_nearly_a_filter_is_read_or_pointed_at(text in nearly_a_filter()) {
        check(&text)?;
    }

    #[test]
    fn the_columns_find_what_a_search_row_by_row_finds(
        rows in prop::collection::vec(any_row(), 0..40),
        conditions in prop::sample::subsequence((0..CONDITIONS.len()).collect::<Vec<_>>(), 0..4),
        turned in prop::sample::select(vec![Turned::No, Turned::Yes]),
        by_price in any::<bool>(),
        // Among many, more are equal.
        times in prop::sample::select(vec![1_usize, 1, 1, 30]),
    ) {
        let rows: Vec<Row> = std::iter::repeat_n(rows, times).flatten().collect();
        let text: Vec<&str> = conditions.iter().map(|c| CONDITIONS[*c].0).collect();
        let filter = Filter::parse(&text.join(" ")).unwrap();
        let (name, key): (_, fn(&Row) -> Option<i64>) = match by_price {
            true => ("price", |row| Some(row.price.amount.nanos())),
            false => ("reliability", |row| row.reliability_permille.map(i64::from)),
        };
        let sign = match turned { Turned::No => "", Turned::Yes => "-" };
        let order = Order::parse(&format!("{sign}{name}")).unwrap();
        let found = Shelf::new(&rows).search(&filter, &order);
        prop_assert_eq!(&found, &naive(&rows, &conditions, key, turned), "{}", filter);
        for (index, row) in rows.iter().enumerate() {
            prop_assert_eq!(filter.matches(row), found.contains(&index), "{}", filter);
        }
    }

    #[test]
    fn several_fields_are_sorted_one_within_the_other(
        rows in prop::collection::vec(any_row(), 0..40),
        times in prop::sample::select(vec![1_usize, 1, 1, 30]),
    ) {
        let rows: Vec<Row> = std::iter::repeat_n(rows, times).flatten().collect();
        let order = Order::parse("-price,region,supplier").unwrap();
        let found = Shelf::new(&rows).search(&Filter::default(), &order);
        let key = |index: &usize| {
            let row = &rows[*index];
            let unknown = row.region.is_empty();
            (-row.price.amount.nanos(), unknown, row.region.to_lowercase(), row.supplier.clone(), *index)
        };
        prop_assert_eq!(found.len(), rows.len());
        prop_assert!(found.is_sorted_by_key(key));
        prop_assert!(REGIONS.contains(&""));
    }
}

//! The reference page says what the code does.

use livery_domain::market::{FIELDS, Filter, Order};

const PAGE: &str = include_str!("../../../../docs/reference/filters.md");

#[test]
fn the_page_lists_every_field_as_it_is() {
    let rows: Vec<&str> = PAGE
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(rows.len(), FIELDS.len());
    for (row, info) in rows.iter().zip(FIELDS) {
        let also: Vec<String> = info.also.iter().map(|name| format!("`{name}`")).collect();
        let expected = format!("| `{}` | {} | {} |", info.name, also.join(", "), info.about);
        assert_eq!(*row, expected);
    }
}

#[test]
fn the_pages_examples_are_understood() {
    let examples = PAGE
        .split("```filter\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    assert_eq!(examples.lines().count(), 5);
    for example in examples.lines() {
        Filter::parse(example).unwrap_or_else(|errors| panic!("{errors}"));
    }
    let mistake = Filter::parse("gpu_ram>=24 reliabilty>0.95")
        .unwrap_err()
        .to_string();
    assert!(PAGE.contains(&mistake), "{mistake}");
    assert!(Order::parse("price,-gpu_ram").is_ok());
}

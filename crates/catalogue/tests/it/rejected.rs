//! A list with a mistake is rejected whole, and the mistake is shown at its place.

use livery_catalogue::{Bundle, Error, read};

const HEAD: &str = "format = 1\nreleased = \"2026-11-21\"\n";

const GPU: &str = r#"
[[gpu]]
name = "RTX 4090"
vram = "24GB"
architecture = "Ada Lovelace"
source = "x"
as_of = "2022-09-01"
"#;

const PROVIDER: &str = r#"
[[provider]]
name = "one"
[provider.terms]
title = "One"
increment = "1s"
minimum = "0s"
start_up = "1m"
source = "x"
as_of = "2026-01-01"
[[provider.prices]]
source = "x"
as_of = "2026-01-01"
tier = "secure"
rows = [
  { machine = "m", gpu = "RTX 4090", price = "0.50" },
]
"#;

fn whole() -> String {
    format!("{HEAD}{GPU}{PROVIDER}")
}

/// Returns the mistakes of a list as they are shown.
#[track_caller]
fn mistakes(text: &str) -> Vec<String> {
    match read(&[("list.toml", text)]) {
        Err(Error::Rejected(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_list_that_the_others_are_made_from_is_taken() {
    let list = read(&[("list.toml", &whole())]).unwrap();
    assert_eq!(list.catalogue.listings.len(), 1);
    // And in two files just so.
    let head = format!("{HEAD}{GPU}");
    assert_eq!(read(&[("a", &head), ("b", PROVIDER)]).unwrap(), list);
}

/// What is replaced by what, on which line the mistake is then, and what is said.
type Case = (&'static str, &'static str, usize, &'static str);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("price = \"0.50\"", "price = \"0.50\", colour = 1", 25, "colour"),
    ("price = \"0.50\"", "price = \"-0.50\"", 25, "negative"),
    ("price = \"0.50\"", "price = 0.50", 25, "expected a string"),
    ("price = \"0.50\"", "price = \"0.50-0.40\"", 25, "does not rise"),
    ("price = \"0.50\"", "price = \"0.50\", count = 0", 25, "count"),
    ("price = \"0.50\"", "price = \"0.50\", vcpu = \"-4\"", 25, "virtual CPUs"),
    ("price = \"0.50\"", "price = \"0.50\", memory = \"0GB\"", 25, "nothing"),
    ("price = \"0.50\"", "price = \"0.50\", reliability = \"98\"", 25, "share of the time"),
    ("price = \"0.50\"", "price = \"0.50\", reliability = \"1.001\"", 25, "share of the time"),
    ("price = \"0.50\"", "price = \"0.50\", reliability = \"-0.5\"", 25, "share of the time"),
    ("price = \"0.50\"", "price = \"0.50\", sale = \"gift\"", 25, "gift"),
    ("tier = \"secure\"", "tier = \"secure\"\ngpus_up_to = 0", 24, "gpus_up_to: from 1 to 256"),
    ("tier = \"secure\"\nrows = [\n  { machine = \"m\"", "tier = \"secure\"\ngpus_up_to = 2\nrows = [\n  { machine = \"m\", count = 1", 26, "no `count`"),
    ("gpu = \"RTX 4090\"", "gpu = \"RTX 4091\"", 25, "RTX 4091"),
    ("gpu = \"RTX 4090\"", "gpu = \"4090\"", 25, "is RTX 4090 meant?"),
    ("tier = \"secure\"", "tier = \"moon\"", 23, "moon"),
    ("as_of = \"2026-01-01\"\ntier", "as_of = \"2026-02-30\"\ntier", 22, "2026-02-30"),
    ("as_of = \"2026-01-01\"\ntier", "as_of = \"2026-11-22\"\ntier", 22, "after the release"),
    ("source = \"x\"\nas_of = \"2026-01-01\"\ntier", "source = \" \"\nas_of = \"2026-01-01\"\ntier", 21, "source"),
    ("start_up = \"1m\"", "start_up = \"soon\"", 17, "start_up"),
    ("start_up = \"1m\"\n", "", 13, "start_up"),
    ("name = \"one\"", "name = \"One!\"", 12, "One!"),
    ("name = \"RTX 4090\"", "name = \"rtx4090\"", 5, "written `RTX 4090`"),
    ("vram = \"24GB\"", "vram = \"lots\"", 6, "lots"),
    ("vram = \"24GB\"", "vram = \"24GB\"\nusable = \"25GB\"", 7, "25 GiB is not what a driver reports"),
    ("vram = \"24GB\"", "vram = \"24GB\"\nusable = \"22GB\"", 7, "22 GiB is not what a driver reports"),
    ("as_of = \"2022-09-01\"", "as_of = \"2026-11-22\"", 9, "after the release"),
    ("as_of = \"2022-09-01\"\n", "", 4, "missing field `as_of`"),
    ("vram = \"24GB\"", "vram = \"24GB\"\ncompute = \"eight\"", 7, "eight"),
    ("vram = \"24GB\"", "vram = \"24GB\"\ntflops = \"1.23\"", 7, "1.23"),
    ("format = 1", "format = 2", 1, "reads 1"),
    ("format = 1\n", "", 1, "`format = 1` is missing"),
    ("released = \"2026-11-21\"", "released = \"today\"", 2, "today"),
];

#[test]
fn every_kind_of_mistake_is_found_at_its_line() {
    for (from, to, line, says) in CASES {
        let text = whole().replacen(from, to, 1);
        assert_ne!(text, whole(), "{from}");
        let found = mistakes(&text);
        let at = format!("list.toml:{line}: ");
        let hit = found
            .iter()
            .any(|line| line.starts_with(&at) && line.contains(says));
        assert!(hit, "{to}: {found:?}");
    }
}

/// Rows of one source on one day, as they stand below others of their provider.
fn page(head: &str, rows: &str) -> String {
    format!(
        "\n[[provider.prices]]\nsource = \"y\"\nas_of = \"2026-01-01\"\ntier = \"secure\"\n{head}rows = [\n{rows}]\n"
    )
}

#[test]
fn what_stands_twice_on_several_pages_is_a_mistake() {
    let one = "  { machine = \"m\", gpu = \"RTX 4090\", price = \"0.50\" },\n";
    let two = one.replace("price", "count = 2, price");
    // A row that stands for one to four GPUs stands for two.
    let several = page("gpus_up_to = 4\n", one);
    for row in [one, &two] {
        let twice = format!("{}{several}{}", whole(), page("", row));
        assert_eq!(mistakes(&twice), ["list.toml:42: m: this row stands twice"]);
    }
    let five = one.replace("price", "count = 5, price");
    let text = format!("{}{several}{}", whole(), page("", &five));
    let list = read(&[("list.toml", &text)]).unwrap();
    assert_eq!(list.catalogue.listings.len(), 1 + 4 + 1);
}

#[test]
fn a_list_of_more_prices_than_can_be_looked_through_is_rejected() {
    let row = |at: u32| format!("{{ machine = \"{at}\", gpu = \"RTX 4090\", price = \"1\" }},\n");
    let rows = |count: u32| (0..count).map(row).collect::<String>();
    let text = |count| format!("{}{}", whole(), page("gpus_up_to = 256\n", &rows(count)));
    let list = read(&[("list.toml", &text(390))]).unwrap();
    assert_eq!(list.catalogue.listings.len(), 1 + 390 * 256);
    let found = mistakes(&text(391));
    assert!(found[0].contains("100000 prices at most"), "{found:?}");
}

#[test]
fn what_stands_twice_is_a_mistake() {
    let row = "  { machine = \"m\", gpu = \"RTX 4090\", price = \"0.50\" },\n";
    let twice = whole().replace(row, &row.repeat(2));
    assert_eq!(mistakes(&twice), ["list.toml:26: m: this row stands twice"]);
    let other_price = row.replace("0.50", "0.60");
    let twice = whole().replace(row, &format!("{row}{other_price}"));
    assert_eq!(mistakes(&twice), ["list.toml:26: m: this row stands twice"]);
    let twice = format!("{}{PROVIDER}", whole());
    assert_eq!(
        mistakes(&twice),
        ["list.toml:29: name: the provider one stands twice"]
    );
    let twice = format!("{HEAD}{GPU}{GPU}{PROVIDER}");
    assert_eq!(
        mistakes(&twice),
        ["list.toml:12: name: `RTX 4090` stands twice"]
    );
    let taken = GPU.replace("4090", "4080") + "aliases = [\"NVIDIA RTX 4090\"]\n";
    let text = format!("{HEAD}{GPU}{taken}{PROVIDER}");
    let found = mistakes(&text);
    assert_eq!(
        found,
        ["list.toml:17: alias: `NVIDIA RTX 4090` is a name of RTX 4090 already"]
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = whole().replace("0.50", "-1").replace("\"1m\"", "\"soon\"");
    assert_eq!(mistakes(&text).len(), 2);
}

#[test]
fn what_is_no_list_at_all_is_rejected() {
    for text in ["", "x", "[[gpu]]", "\u{0}", HEAD, "format = 1\nformat = 1"] {
        assert!(!mistakes(text).is_empty(), "{text}");
    }
    let many = "[".repeat(100_000);
    assert!(!mistakes(&many).is_empty());
}

#[test]
fn a_bundle_that_was_changed_on_its_way_is_not_opened() {
    let bundle = Bundle::new(whole().into_bytes()).unwrap();
    assert!(bundle.open("b", bundle.checksum()).is_ok());
    let changed = Bundle::new(whole().replace("0.50", "0.05").into_bytes()).unwrap();
    let refused = changed.open("b", bundle.checksum());
    assert!(
        matches!(refused, Err(Error::OtherChecksum { .. })),
        "{refused:?}"
    );
}

//! The filter language: what is understood, what is refused, and at which place.

use crate::rows::{listing, row};
use livery_domain::market::{Field, Filter, FilterErrors, Order};
use std::ops::Range;

fn mistakes(text: &str) -> FilterErrors {
    Filter::parse(text).expect_err(text)
}

#[test]
fn what_people_write_is_printed_in_one_way() {
    for (text, printed) in [
        (
            "gpu_ram>=24 reliability>0.95 price<0.5 region=EU",
            "gpu_ram>=24 reliability>0.95 price<0.5 region=eu",
        ),
        // The search of the fourth guide, as it stands there.
        (
            "cuda_vers>=12.0 gpu_ram>=12 reliability>0.95",
            "cuda_vers>=12.0 gpu_ram>=12 reliability>0.95",
        ),
        (
            "gpu_name=RTX_4090 num_gpus=1",
            "gpu_name=RTX_4090 num_gpus=1",
        ),
        ("gpu_name == 'rtx 4090'", "gpu_name=RTX_4090"),
        (
            "gpu in [RTX_4090, \"a100 80gb\"]",
            "gpu_name in [RTX_4090,A100_80GB]",
        ),
        ("gpu_name not in [T4,K80]", "gpu_name notin [T4,K80]"),
        (
            "num_gpus in[1,2] and num_gpus!=1",
            "num_gpus in [1,2] num_gpus!=1",
        ),
        ("gpu_ram gte 24GB", "gpu_ram>=24"),
        ("gpu-ram>=24576MB", "gpu_ram>=24"),
        ("vram>=1500mb", "gpu_ram>=1500MB"),
        ("GPU_RAM≥24", "gpu_ram>=24"),
        ("dph<$0.5/hr, verified=true", "price<0.50 verified=true"),
        ("dph_total<=.5", "price<=0.50"),
        ("reliability >= 99.5%", "reliability>=0.995"),
        (
            "compute_cap>=860 compute_cap<8.9 compute_cap=86",
            "compute_cap>=8.6 compute_cap<8.9 compute_cap=8.6",
        ),
        (
            "provider=Vast.ai type=interruptible",
            "supplier=vast sale=spot",
        ),
        (
            "cloud_type=SECURE pricing=on_demand",
            "tier=secure sale=on-demand",
        ),
        ("geolocation=\"Sweden, SE\"", "region=sweden_se"),
        (
            "cpu_cores>=0.5 storage_cost<0.10 egress=0",
            "cpu_cores>=0.5 storage_cost<0.10 egress=0.00",
        ),
        ("tflops>82.6", "tflops>82.6"),
        // As in Vast.ai's search, these ask for nothing.
        ("verified=any rentable=* tier=?", ""),
        ("  \t\n", ""),
    ] {
        let filter = Filter::parse(text).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
        let again = filter.to_string().replace("price<0.5 ", "price<0.50 ");
        assert_eq!(
            again,
            printed.replace("price<0.5 ", "price<0.50 "),
            "{text}"
        );
        assert_eq!(Filter::parse(&filter.to_string()), Ok(filter), "{text}");
    }
}

/// A text, and where it is wrong, how, and what is advised.
type Mistakes = (
    &'static str,
    &'static [(Range<usize>, &'static str, &'static str)],
);

const FIELDS_AND_OPERATORS: &[Mistakes] = &[
    (
        "gpu_rma>=24",
        &[(
            0..7,
            "there is no field `gpu_rma`",
            "did you mean `gpu_ram`?",
        )],
    ),
    (
        "price",
        &[(
            0..5,
            "an operator and a value are missing",
            "the operators are",
        )],
    ),
    (
        "price 0.5",
        &[
            (
                0..5,
                "an operator is missing behind `price`",
                "the operators are",
            ),
            (
                6..9,
                "an operator and a value are missing behind `0.5`",
                "needs quotes",
            ),
        ],
    ),
    (
        "price<",
        &[(5..6, "a value is missing behind `<`", "price<0.5")],
    ),
    (
        "price<=>5",
        &[(5..7, "a value is missing behind `<=`", "write conditions")],
    ),
    (
        "price~5 tier=local",
        &[(5..6, "`~` is not an operator", "the operators are")],
    ),
    (
        ">=24 tier=local",
        &[(
            0..2,
            "a field's name is missing before `>=`",
            "write conditions",
        )],
    ),
    (
        "gpu_name=RTX 4090",
        &[(
            13..17,
            "behind `4090`",
            "a value with blanks in it needs quotes",
        )],
    ),
    (
        "gpu_name>RTX_4090",
        &[(
            8..9,
            "`gpu_name` cannot be less or more",
            "use = != in notin",
        )],
    ),
    (
        "tier>secure",
        &[(4..5, "`tier` cannot be less or more", "use = != in notin")],
    ),
    (
        "dlperf>5 tier=local",
        &[(0..6, "only Vast.ai tells", "leave it out")],
    ),
    (
        "größe=1 preis<2",
        &[
            (
                0..7,
                "there is no field `größe`",
                "the fields are: gpu_name",
            ),
            (10..15, "there is no field `preis`", "the fields are"),
        ],
    ),
];

const VALUES: &[Mistakes] = &[
    (
        "price<abc region=EU",
        &[(6..9, "`abc` is not an amount in dollars", "such as 0.5")],
    ),
    (
        "tier=secured",
        &[(5..12, "`secured` is not a tier", "did you mean `secure`?")],
    ),
    (
        "sale=sopt",
        &[(5..9, "`sopt` is not a way of sale", "did you mean `spot`?")],
    ),
    (
        "verified=maybe",
        &[(9..14, "`maybe` is not a yes or a no", "true or false")],
    ),
    (
        "reliability>95",
        &[(12..14, "`95` is not a share", "0.95 or 95%")],
    ),
    (
        "num_gpus=1.5",
        &[(9..12, "`1.5` is not a whole number", "such as 1 or 8")],
    ),
    ("gpu_ram>=24XB", &[(9..13, "`24XB` is not a size", "24GB")]),
    (
        "price<0.5region=EU",
        &[(
            6..15,
            "a second operator follows `0.5region`",
            "put a blank between",
        )],
    ),
    (
        "region=--",
        &[(7..9, "`--` is not a name", "a place, such as EU")],
    ),
    (
        "price>any",
        &[(6..9, "`any` means any value", "leave the condition out")],
    ),
];

const LISTS_AND_QUOTES: &[Mistakes] = &[
    (
        "region in EU",
        &[(10..12, "a list is missing here", "write [EU]")],
    ),
    (
        "region=[EU,US]",
        &[(7..14, "one value is wanted here", "write region in [...]")],
    ),
    (
        "region!=[EU]",
        &[(
            8..12,
            "one value is wanted here",
            "write region notin [...]",
        )],
    ),
    ("num_gpus in []", &[(12..14, "the list is empty", "[1,2]")]),
    (
        "num_gpus in [1,x,3,y]",
        &[
            (15..16, "`x` is not a whole number", "such as"),
            (19..20, "`y` is not a whole number", "such as"),
        ],
    ),
    (
        "num_gpus in [1,[2]]",
        &[(15..16, "a list within a list", "[a, b, c]")],
    ),
    (
        "num_gpus in [1,2",
        &[(12..13, "the closing `]` is missing", "where the value ends")],
    ),
    (
        "gpu_name=\"RTX 4090",
        &[(9..10, "the closing `\"` is missing", "where the value ends")],
    ),
    (
        "region=\"\"",
        &[(
            7..9,
            "the value of `region` is empty",
            "a place, such as EU",
        )],
    ),
];

#[test]
fn every_mistake_is_pointed_at() {
    for (text, places) in [FIELDS_AND_OPERATORS, VALUES, LISTS_AND_QUOTES].concat() {
        let errors = mistakes(text);
        let found: Vec<_> = errors.errors.iter().map(|error| error.at.clone()).collect();
        let expected: Vec<_> = places.iter().map(|(at, _, _)| at.clone()).collect();
        assert_eq!(found, expected, "{text}\n{errors}");
        for (error, (_, message, hint)) in errors.errors.iter().zip(places) {
            assert!(error.message.contains(message), "{text}\n{errors}");
            assert!(error.hint.contains(hint), "{text}\n{errors}");
        }
    }
}

#[test]
fn mistakes_are_shown_under_the_text() {
    let errors = mistakes("gpu_ram>=24 reliabilty>0.95 price<cheap");
    assert_eq!(
        errors.to_string(),
        "  gpu_ram>=24 reliabilty>0.95 price<cheap
              ^^^^^^^^^^ there is no field `reliabilty`
              hint: did you mean `reliability`?
  gpu_ram>=24 reliabilty>0.95 price<cheap
                                    ^^^^^ `cheap` is not an amount in dollars
                                    hint: `price` takes dollars per hour, such as 0.5 or $0.5"
    );
}

#[test]
fn a_text_without_end_is_refused_and_not_repeated() {
    let errors = mistakes(&"price<1 ".repeat(10_000));
    assert!(errors.errors[0].message.contains("80000 bytes"), "{errors}");
    assert!(errors.to_string().len() < 500);
}

#[test]
fn conditions_hold_as_people_mean_them() {
    let mut listing = listing("vast", "A100 40GB", 2, "1.80");
    listing.region = "Sweden, SE".to_owned();
    let mut row = row(&listing);
    row.reliability_permille = Some(985);
    for (text, holds) in [
        (
            "gpu_name=A100 num_gpus=2 gpu_ram=40 gpu_total_ram=80GB",
            true,
        ),
        ("gpu_name=A100_80GB", false),
        ("gpu_name!=A100", false),
        ("gpu_name in [V100,A100_40GB]", true),
        ("gpu_name notin [V100,RTX_4090]", true),
        (
            "gpu_arch=ampere compute_cap=8.0 tflops=624 cuda_vers>=12.0",
            true,
        ),
        ("cuda_vers<13", false),
        ("price<=1.80 price>=1.8 gpu_price=0.9", true),
        ("price<1.80", false),
        ("flops_usd>346 flops_usd<347", true),
        ("reliability>0.98 reliability<98.6%", true),
        ("region=EU region=se region=Sweden region!=US", true),
        ("region in [US,NO]", false),
        (
            "supplier=vast.ai machine='2x a100_40gb' tier=secure sale=on-demand",
            true,
        ),
        ("verified=true rentable=false", true),
        ("cpu_cores=8 cpu_ram=32", true),
        // What is not told is neither this nor that.
        ("disk_space>0", false),
        ("egress=0", false),
        ("egress!=0", false),
    ] {
        assert_eq!(Filter::parse(text).unwrap().matches(&row), holds, "{text}");
    }
}

#[test]
fn an_order_is_read_printed_and_pointed_at() {
    for (text, printed) in [
        ("", "price"),
        ("price,-gpu_ram", "price,-gpu_ram"),
        ("dph-, gpu_ram+ +reliability", "-price,gpu_ram,reliability"),
        ("price,price-", "price"),
    ] {
        let order = Order::parse(text).unwrap();
        assert_eq!(order.to_string(), printed, "{text}");
        assert_eq!(Order::parse(printed), Ok(order));
    }
    let errors = Order::parse("price,-gpu_rma, -,score").unwrap_err().errors;
    let places: Vec<_> = errors.iter().map(|error| error.at.clone()).collect();
    assert_eq!(places, [7..14, 16..17, 18..23]);
    assert_eq!(errors[0].hint, "did you mean `gpu_ram`?");
}

#[test]
fn filters_are_put_together_and_asked_what_they_ask_for() {
    let both = Filter::parse("price<1")
        .unwrap()
        .and(Filter::parse("sale=spot").unwrap());
    assert_eq!(both.to_string(), "price<1.00 sale=spot");
    assert!(both.asks_for(Field::Sale) && !both.asks_for(Field::Tier));
    assert!(!both.is_empty() && Filter::default().is_empty());
}

/// As in Vast.ai's search: what is not told matches nothing. How many are left out only for that is said.
#[test]
fn what_could_not_be_checked_is_counted_field_by_field() {
    let told = |price: &str, reliability, region: &str| {
        let mut listing = listing("vast", "RTX 4090", 1, price);
        (listing.reliability_permille, listing.region) = (reliability, region.to_owned());
        row(&listing)
    };
    let rows = [
        told("0.40", Some(980), "EU-RO-1"),
        told("0.40", None, "EU-RO-1"),
        told("0.40", None, ""),
        told("0.40", Some(980), ""),
        // These are known not to be what is sought.
        told("0.60", None, "EU-RO-1"),
        told("0.40", Some(900), ""),
        told("0.40", None, "US-TX-3"),
    ];
    let filter = Filter::parse("gpu_ram>=24 reliability>0.95 price<0.5 region=EU").unwrap();
    let matching = rows.iter().filter(|row| filter.matches(row)).count();
    assert_eq!(matching, 1);
    let untold = filter.untold(&rows);
    assert_eq!(untold.rows, 3);
    assert_eq!(untold.fields, [(Field::Reliability, 2), (Field::Region, 2)]);
    assert_eq!(Filter::default().untold(&rows).rows, 0);
}

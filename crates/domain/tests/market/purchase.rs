//! Buying and renting: the guide's example, and what no figures can break.

use crate::rows::dollars;
use livery_domain::market::{Cheaper, Power, Purchase, Usage, buy_or_rent};
use livery_units::Money;
use proptest::prelude::*;

/// The RTX 4090 of the guide: $1,600, and $30 of power a month.
fn guide(months: u32) -> Purchase {
    Purchase {
        price: dollars("1600"),
        resale: Money::ZERO,
        power: Power::PerMonth(dollars("30")),
        months,
    }
}

fn usage(hours_per_month: u32, rent: &str) -> Usage {
    Usage {
        hours_per_month,
        rent_hourly: dollars(rent),
    }
}

#[test]
fn the_guides_break_even_does_not_follow_from_its_figures() {
    // The guide says "~60 hours of cloud usage" for $1,600 and $30 a month against $0.50 to $2 an
    // hour. Even without power and at $2 it is 800 hours; 60 would need a rent of $26.67.
    let hours = |power: &str, hours, rent| {
        let purchase = Purchase {
            power: Power::PerMonth(dollars(power)),
            ..guide(36)
        };
        buy_or_rent(&purchase, &usage(hours, rent))
            .unwrap()
            .break_even
            .map(|found| found.hours)
    };
    assert_eq!(hours("0", 100, "2"), Some(800));
    assert_eq!(hours("0", 100, "0.50"), Some(3_200));
    assert_eq!(hours("0", 100, "26.67"), Some(60));
    // With its own power, at its own 100 hours a month: $1.70 and $0.20 are saved an hour.
    assert_eq!(hours("30", 100, "2"), Some(942));
    assert_eq!(hours("30", 100, "0.50"), Some(8_000));
    // At its 50 hours a month and $0.50 an hour, power alone costs more than renting.
    assert_eq!(hours("30", 50, "0.50"), None);
}

#[test]
fn both_ways_are_added_up_over_the_time() {
    let found = buy_or_rent(&guide(36), &usage(100, "2")).unwrap();
    assert_eq!(
        (found.buying, found.renting),
        (dollars("2680"), dollars("7200"))
    );
    assert_eq!(found.cheaper, Cheaper::Buying);
    let break_even = found.break_even.unwrap();
    assert_eq!((break_even.hours, break_even.months_tenths), (942, 95));
    // At RunPod's $0.69, the guide's "more than 100 hours a month" is not enough within three years.
    let found = buy_or_rent(&guide(36), &usage(100, "0.69")).unwrap();
    assert_eq!(
        (found.buying, found.renting),
        (dollars("2680"), dollars("2484"))
    );
    assert_eq!(found.cheaper, Cheaper::Renting);
    // What it is sold for in the end turns that round.
    let sold = Purchase {
        resale: dollars("500"),
        ..guide(36)
    };
    let found = buy_or_rent(&sold, &usage(100, "0.69")).unwrap();
    assert_eq!(
        (found.buying, found.cheaper),
        (dollars("2180"), Cheaper::Buying)
    );
}

#[test]
fn metered_power_is_used_in_hours_of_use_only() {
    let metered = Purchase {
        power: Power::Metered {
            watts: 450,
            per_kwh: dollars("0.40"),
        },
        ..guide(12)
    };
    let found = buy_or_rent(&metered, &usage(100, "0.68")).unwrap();
    assert_eq!(found.power_monthly, dollars("18"));
    // Half a dollar is saved in each hour.
    assert_eq!(found.break_even.unwrap().hours, 3_200);
    assert_eq!(found.break_even.unwrap().months_tenths, 320);
    let unused = buy_or_rent(&metered, &usage(0, "0.68")).unwrap();
    assert_eq!(
        (unused.power_monthly, unused.break_even),
        (Money::ZERO, None)
    );
    assert_eq!(
        (unused.buying, unused.renting),
        (dollars("1600"), Money::ZERO)
    );
}

#[test]
fn sums_beyond_money_are_errors() {
    let dear = Purchase {
        price: Money::from_nanos(i64::MAX),
        ..guide(u32::MAX)
    };
    assert!(buy_or_rent(&dear, &usage(720, "2")).is_err());
    // Also months beyond counting, which are not the same as never.
    let dear = Purchase {
        price: Money::from_nanos(i64::MAX),
        power: Power::PerMonth(Money::ZERO),
        ..guide(1)
    };
    let least = Usage {
        hours_per_month: 700,
        rent_hourly: Money::from_nanos(1),
    };
    assert!(buy_or_rent(&dear, &least).is_ok());
    let dearest = Usage {
        hours_per_month: 1,
        ..least
    };
    assert!(buy_or_rent(&dear, &dearest).is_err());
}

#[test]
fn what_is_sold_for_more_than_it_costs_is_paid_back_at_once() {
    let sold = Purchase {
        resale: dollars("2000"),
        ..guide(1)
    };
    let found = buy_or_rent(&sold, &usage(100, "0")).unwrap();
    assert_eq!(found.break_even.unwrap().hours, 0);
    assert_eq!(found.cheaper, Cheaper::Buying);
}

proptest! {
    #[test]
    fn at_the_break_even_buying_has_caught_up_and_an_hour_before_it_has_not(
        price in 1..10_000_i64, watts in 0..1_500_u32, hours_per_month in 1..720_u32, rent_cents in 1..500_i64,
    ) {
        let purchase = Purchase {
            price: Money::from_nanos(price * 1_000_000_000),
            power: Power::Metered { watts, per_kwh: dollars("0.30") },
            ..guide(12)
        };
        let rent = rent_cents * 10_000_000;
        let usage = Usage { hours_per_month, rent_hourly: Money::from_nanos(rent) };
        // 0.30 $/kWh are 300,000 nano-dollars per watt-hour.
        let saved = i128::from(rent) - i128::from(watts) * 300_000;
        let price = i128::from(price) * 1_000_000_000;
        match buy_or_rent(&purchase, &usage).unwrap().break_even {
            Some(found) => {
                let hours = i128::from(found.hours);
                prop_assert!(saved * hours >= price && saved * (hours - 1) < price);
                let tenths = i128::from(found.months_tenths) * i128::from(hours_per_month);
                prop_assert!(tenths * saved >= price * 10 && (tenths - i128::from(hours_per_month)) * saved < price * 10);
            }
            None => prop_assert!(saved <= 0),
        }
    }
}

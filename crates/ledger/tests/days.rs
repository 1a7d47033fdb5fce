//! What is charged counts for the day on which it was used, however late it is counted.

use livery_ledger::{Book, Change, Item, Meter, Stretch, Subject, Then, Transfer, charge, plan};
use livery_units::{AccountId, Day, Money, PodId, Rate, Timestamp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const HOUR: i64 = 3_600_000;

/// 2026-11-20, 22:00 UTC.
const EVENING: i64 = 1_795_212_000_000;

fn subject() -> Subject {
    Subject {
        account: AccountId::from_entropy(1),
        item: Item::Compute,
        pod: Some(PodId::from_entropy(1)),
        run: None,
        volume: None,
        payee: Book::Earned("elsewhere".to_owned()),
    }
}

/// Counts at each of these moments; returns what was charged, with a hold of so much at first.
fn counted(began: i64, rate: Rate, moments: &[i64], hold: i64) -> Vec<Transfer> {
    let mut last: Option<Meter> = None;
    let mut held = Money::from_nanos(hold);
    let mut transfers = Vec::new();
    for moment in moments {
        let stretch = Stretch {
            began: Timestamp::from_millis(began),
            rate,
            until: Timestamp::from_millis(*moment),
        };
        let changes = plan(&subject(), last.as_ref(), &[stretch], Then::GoesOn).unwrap();
        for change in changes {
            let charges = charge(&change, held).unwrap();
            for one in charges
                .iter()
                .filter(|one| one.from.to_string().starts_with("held"))
            {
                held = held.saturating_minus(one.amount);
            }
            transfers.extend(charges);
            last = Some(change.after);
        }
    }
    transfers
}

fn by_day(transfers: &[Transfer]) -> BTreeMap<String, i64> {
    let mut days = BTreeMap::new();
    for one in transfers {
        *days.entry(Day::of(one.at).to_string()).or_default() += one.amount.nanos();
    }
    days
}

fn dollar() -> Rate {
    Rate::hourly(Money::from_nanos(1_000_000_000))
}

#[test]
fn two_midnights_make_three_days() {
    let charges = counted(EVENING, dollar(), &[EVENING + 28 * HOUR], 3_000_000_000);
    let wanted = [
        ("2026-11-20", 2_000_000_000),
        ("2026-11-21", 24_000_000_000),
        ("2026-11-22", 2_000_000_000),
    ];
    let wanted = wanted.map(|(day, nanos)| (day.to_owned(), nanos));
    assert_eq!(by_day(&charges), BTreeMap::from(wanted));
    // The hold lasts for three hours, of which one is in the second day.
    let amounts: Vec<i64> = charges
        .iter()
        .map(|one| one.amount.nanos() / 1_000_000_000)
        .collect();
    assert_eq!(amounts, [2, 1, 23, 2]);
    let ids: BTreeSet<&str> = charges.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), charges.len());
}

#[test]
fn what_ends_at_midnight_is_of_the_day_before() {
    let midnight = EVENING + 2 * HOUR;
    let charges = counted(EVENING, dollar(), &[midnight, midnight + HOUR], 0);
    let days: Vec<String> = charges
        .iter()
        .map(|one| Day::of(one.at).to_string())
        .collect();
    assert_eq!(days, ["2026-11-20", "2026-11-21"]);
}

#[test]
fn what_is_not_charged_was_used_last() {
    let meter = Meter::adopted(
        &subject(),
        dollar(),
        Timestamp::from_millis(EVENING),
        Money::ZERO,
    );
    let after = Meter {
        until: Timestamp::from_millis(EVENING + 4 * HOUR),
        charged: Money::from_nanos(1_500_000_000),
        ..meter.clone()
    };
    let change = Change {
        before: Some(meter),
        after,
    };
    let charges = charge(&change, Money::ZERO).unwrap();
    assert_eq!(
        by_day(&charges),
        BTreeMap::from([("2026-11-20".to_owned(), 1_500_000_000)])
    );
}

proptest! {
    #[test]
    fn each_day_comes_to_the_same_however_often_it_is_counted(
        began in EVENING..EVENING + 24 * HOUR,
        nanos in 1_i64..5_000_000_000,
        spans in prop::collection::vec(1_i64..30 * HOUR, 1..20),
        hold in 0_i64..50_000_000_000,
    ) {
        let moments: Vec<i64> = spans.iter().scan(began, |at, span| { *at += span; Some(*at) }).collect();
        let rate = Rate::hourly(Money::from_nanos(nanos));
        let last = moments.last().copied().unwrap();
        let often = by_day(&counted(began, rate, &moments, hold));
        let once = by_day(&counted(began, rate, &[last], hold));
        prop_assert_eq!(often, once);
    }
}

//! Properties of money: however time is cut and whatever is replayed, the books balance.

use livery_ledger::{
    Book, Change, Imbalance, Item, Kind, Meter, Party, Stretch, Subject, Then, Transfer, balances,
    charge, check, hold, plan, top_up, void,
};
use livery_units::{AccountId, Money, MoneyError, Per, PodId, Rate, RunId, Span, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What a store does, without a store: append what is new, leave out what is there.
#[derive(Default)]
struct Books {
    transfers: Vec<Transfer>,
    ids: BTreeSet<String>,
}

impl Books {
    fn post(&mut self, transfers: &[Transfer]) {
        let replayed = transfers.iter().any(|t| self.ids.contains(t.id.as_str()));
        if !replayed {
            self.ids
                .extend(transfers.iter().map(|t| t.id.as_str().to_owned()));
            self.transfers.extend_from_slice(transfers);
        }
    }

    fn held(&self, pod: &PodId) -> Money {
        nanos(self.of(pod).map(Transfer::held_change).sum())
    }

    fn charged(&self, pod: &PodId) -> Money {
        nanos(self.of(pod).map(Transfer::charged_change).sum())
    }

    fn of<'a>(&'a self, pod: &'a PodId) -> impl Iterator<Item = &'a Transfer> {
        self.transfers
            .iter()
            .filter(move |t| t.pod.as_ref() == Some(pod))
    }
}

fn nanos(amount: i128) -> Money {
    Money::from_nanos(i64::try_from(amount).unwrap())
}

fn party(pod: u128) -> Party {
    Party {
        account: AccountId::from_entropy(pod % 2),
        pod: PodId::from_entropy(pod),
        run: Some(RunId::from_entropy(pod)),
        start: 0,
    }
}

fn subject(party: &Party) -> Subject {
    Subject {
        account: party.account.clone(),
        item: Item::Compute,
        pod: Some(party.pod.clone()),
        run: party.run.clone(),
        volume: None,
        payee: Book::Earned("elsewhere".to_owned()),
    }
}

/// A meter that began at 0 and has counted nothing.
fn opened(party: &Party, rate: Rate) -> Meter {
    Meter::adopted(&subject(party), rate, at(0), Money::ZERO)
}

fn counted(meter: &Meter, until: Timestamp) -> Result<Change, MoneyError> {
    let after = meter.counted_until(until)?;
    let before = Some(meter.clone());
    Ok(Change { before, after })
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(0).after(Span::from_millis(millis))
}

fn rates() -> impl Strategy<Value = Rate> {
    let per = prop_oneof![Just(Per::Second), Just(Per::Hour), Just(Per::Month)];
    (0_i64..5_000_000_000, per).prop_map(|(amount, per)| Rate {
        amount: Money::from_nanos(amount),
        per,
    })
}

proptest! {
    #[test]
    fn charges_cut_in_any_way_sum_to_the_same_total(
        rate in rates(),
        cuts in prop::collection::vec(0_u64..5_000_000, 1..40),
        held in 0_i64..10_000_000_000,
    ) {
        let (party, mut books, mut now) = (party(1), Books::default(), 0);
        books.post(&[hold(&party, Money::from_nanos(held), at(0))]);
        let mut meter = opened(&party, rate);
        for cut in &cuts {
            now += cut;
            let change = counted(&meter, at(now)).unwrap();
            books.post(&charge(&change, books.held(&party.pod)).unwrap());
            meter = change.after;
        }
        prop_assert_eq!(meter.charged, books.charged(&party.pod));
        let whole = rate.accrued(Span::from_millis(now)).unwrap();
        prop_assert_eq!(books.charged(&party.pod), whole);
        prop_assert_eq!(books.held(&party.pod), Money::from_nanos(held).minus(whole).unwrap().max(Money::ZERO));
        prop_assert_eq!(check(&books.transfers), Ok(()));
    }

    #[test]
    fn any_order_of_holds_charges_voids_and_replays_balances(
        rate in rates(),
        acts in prop::collection::vec((0_u128..4, 0_u8..5, 0_u64..100_000), 1..120),
    ) {
        let (mut books, mut now) = (Books::default(), 0);
        let mut meters: Vec<Meter> = (0..4).map(|pod| opened(&party(pod), rate)).collect();
        let mut posted: Vec<Vec<Transfer>> = Vec::new();
        for (pod, act, number) in acts {
            now += number;
            let party = party(pod);
            let held = books.held(&party.pod);
            let meter = &mut meters[usize::try_from(pod).unwrap()];
            let transfers = match act {
                0 => vec![hold(&party, Money::from_nanos(1_000_000_000), at(now))],
                1 | 2 => {
                    let change = counted(meter, at(now)).unwrap();
                    let charges = charge(&change, held).unwrap();
                    *meter = change.after;
                    charges
                }
                3 => vec![void(&party, held, at(now))],
                _ if posted.is_empty() => vec![top_up(&party.account, Money::from_nanos(7), "x", at(now))],
                _ => posted[usize::try_from(number).unwrap() % posted.len()].clone(),
            };
            books.post(&transfers);
            posted.push(transfers);
            prop_assert_eq!(check(&books.transfers), Ok(()));
        }
        prop_assert_eq!(balances(&books.transfers).values().sum::<i128>(), 0);
    }

    #[test]
    fn two_workers_that_charge_from_the_same_point_collide(
        rate in (1_i64..5_000_000_000).prop_map(|n| Rate::hourly(Money::from_nanos(n))),
        (first, second) in (10_000_u64..9_000_000, 10_000_u64..9_000_000),
        (held_first, held_second) in (0_i64..1_000_000, 0_i64..1_000_000),
    ) {
        let meter = opened(&party(1), rate);
        let of = |held: i64, until| {
            charge(&counted(&meter, at(until)).unwrap(), Money::from_nanos(held)).unwrap()
        };
        let (first, second) = (of(held_first, first), of(held_second, second));
        if let (Some(first), Some(second)) = (first.first(), second.first()) {
            prop_assert_eq!(&first.id, &second.id);
        }
    }
}

#[test]
fn overflow_is_an_error() {
    let rate = Rate {
        amount: Money::from_nanos(i64::MAX),
        per: Per::Second,
    };
    let meter = opened(&party(1), rate);
    assert_eq!(counted(&meter, at(2_000)), Err(MoneyError));
    let stretch = Stretch {
        began: at(0),
        rate,
        until: at(2_000),
    };
    let planned = plan(&subject(&party(1)), None, &[stretch], Then::GoesOn);
    assert_eq!(planned, Err(MoneyError));
    let most = Money::from_nanos(i64::MAX);
    let account = AccountId::from_entropy(1);
    let twice = [
        top_up(&account, most, "a", at(0)),
        top_up(&account, most, "b", at(0)),
    ];
    assert!(matches!(check(&twice), Err(Imbalance::Overflow(_))));
}

#[test]
fn what_does_not_balance_is_named() {
    let party = party(1);
    let placed = hold(&party, Money::from_nanos(5), at(0));
    let taken = void(&party, Money::from_nanos(6), at(1));
    let overdrawn = check(&[placed.clone(), taken]);
    assert!(matches!(overdrawn, Err(Imbalance::HeldNegative { .. })));
    let twice = check(&[placed.clone(), placed.clone()]);
    assert_eq!(twice, Err(Imbalance::Duplicate(placed.id.clone())));
    let negative = hold(&party, Money::from_nanos(-1), at(0));
    let refused = check(std::slice::from_ref(&negative));
    assert_eq!(refused, Err(Imbalance::NegativeAmount(negative.id)));

    // The account's holds suffice, and still one pod took what was held for another.
    let other = Party {
        pod: PodId::from_entropy(2),
        ..party.clone()
    };
    let theft = void(&other, Money::from_nanos(5), at(1));
    let stolen = check(&[placed, theft]);
    assert_eq!(
        stolen,
        Err(Imbalance::HoldOverdrawn {
            pod: other.pod,
            by: 5
        })
    );
}

#[test]
fn a_charge_takes_the_hold_first_and_the_balance_for_the_rest() {
    let party = party(1);
    let rate = Rate::hourly(Money::from_nanos(3_600_000));
    let meter = opened(&party, rate).counted_until(at(1_000)).unwrap();
    let change = counted(&meter, at(5_000)).unwrap();
    let parts = charge(&change, Money::from_nanos(3_000)).unwrap();
    assert_eq!(parts[0].memo, "compute, 4.0s at $0.0036/h");
    assert_eq!(parts[0].at, at(5_000));
    let parts: Vec<_> = parts
        .into_iter()
        .map(|t| (t.kind, t.from, t.amount))
        .collect();
    let (account, charge) = (party.account, Kind::Charge);
    let wanted = vec![
        (
            charge,
            Book::Held(account.clone()),
            Money::from_nanos(3_000),
        ),
        (charge, Book::Balance(account), Money::from_nanos(1_000)),
    ];
    assert_eq!(parts, wanted);
}

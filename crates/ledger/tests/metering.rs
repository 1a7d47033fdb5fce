//! Whatever happens to a pod and to those who count it, exactly the seconds that it ran are billed.

use livery_ledger::{
    Book, Change, Item, Meter, Stretch, Subject, Then, Transfer, charge, check, hold, plan,
};
use livery_ledger::{Party, balances};
use livery_units::{AccountId, Money, Per, PodId, Rate, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn subject(item: Item) -> Subject {
    Subject {
        account: AccountId::from_entropy(1),
        item,
        pod: Some(PodId::from_entropy(1)),
        run: None,
        volume: None,
        payee: Book::Earned("elsewhere".to_owned()),
    }
}

fn rate(nanos: i64, per: Per) -> Rate {
    Rate {
        amount: Money::from_nanos(nanos),
        per,
    }
}

/// What a store keeps, and how it keeps it: all of a unit, and only on what was read.
#[derive(Default)]
struct Books {
    meters: Vec<Meter>,
    transfers: Vec<Transfer>,
    ids: BTreeSet<String>,
}

impl Books {
    fn last(&self) -> Option<Meter> {
        self.meters.iter().max_by_key(|meter| meter.number).cloned()
    }

    fn held(&self) -> Money {
        let held: i128 = self.transfers.iter().map(Transfer::held_change).sum();
        Money::from_nanos(i64::try_from(held).unwrap())
    }

    fn place_hold(&mut self) {
        let party = Party {
            account: AccountId::from_entropy(1),
            pod: PodId::from_entropy(1),
            run: None,
            start: 0,
        };
        let amount = Money::from_nanos(2_000_000_000);
        self.transfers.push(hold(&party, amount, at(0)));
    }

    fn apply(&mut self, changes: &[Change]) -> bool {
        let is_as_read = |change: &Change| match &change.before {
            None => !self.meters.iter().any(|meter| meter.id == change.after.id),
            Some(before) => self.meters.contains(before) && before.closed.is_none(),
        };
        if !changes.iter().all(is_as_read) {
            return false;
        }
        for change in changes {
            for transfer in charge(change, self.held()).unwrap() {
                assert!(
                    self.ids.insert(transfer.id.to_string()),
                    "the same charge was made twice: {transfer:?}"
                );
                self.transfers.push(transfer);
            }
            self.meters.retain(|meter| meter.id != change.after.id);
            self.meters.push(change.after.clone());
        }
        true
    }

    fn charged(&self) -> i128 {
        self.transfers.iter().map(Transfer::charged_change).sum()
    }
}

/// What a row knows of a pod.
#[derive(Debug, Clone, Copy)]
struct Row {
    is_up: bool,
    started: Timestamp,
    up_until: Timestamp,
    rate: Rate,
}

impl Row {
    fn decide(&self, last: Option<&Meter>) -> Vec<Change> {
        let stretch = Stretch {
            began: self.started,
            rate: self.rate,
            until: self.up_until,
        };
        let then = if self.is_up { Then::GoesOn } else { Then::Over };
        plan(&subject(Item::Compute), last, &[stretch], then).unwrap()
    }
}

/// Counts seconds by hand, at the moment at which things happen.
struct Oracle {
    began: i64,
    until: i64,
    sum: i128,
}

impl Oracle {
    fn start(&mut self, now: i64) {
        (self.began, self.until) = (now, now);
    }

    fn seen(&mut self, now: i64) {
        self.until = self.until.max(now);
    }

    /// Whole seconds at the old price; what is left of the last one goes to the new price.
    fn end(&mut self, rate: Rate) {
        let secs = (self.until - self.began) / 1_000;
        let amount = i128::from(rate.amount.nanos()) * i128::from(secs * 1_000);
        self.sum += amount / i128::from(rate.per.millis());
        self.began += secs * 1_000;
    }
}

#[derive(Debug, Clone)]
enum Act {
    /// Time passes and the pod is seen at its end.
    Seen(i64),
    /// Time passes and nobody answers.
    Silence(i64),
    /// The clock is set back.
    Back(i64),
    /// It stops when it is up and starts when it is down.
    Toggle,
    /// Its price changes.
    Price(Rate),
    /// A worker counts, to the end.
    Count,
    /// A worker reads and decides, and is held up.
    Decide,
    /// One that was held up goes on, perhaps for the second time, or it dies and never does.
    Apply(usize),
    /// A worker read the meters some time ago and the row now.
    CountOnOldMeters(usize),
}

fn acts() -> impl Strategy<Value = Act> {
    let per = prop_oneof![Just(Per::Second), Just(Per::Hour), Just(Per::Month)];
    let rates = (0_i64..4_000_000_000, per).prop_map(|(nanos, per)| rate(nanos, per));
    prop_oneof![
        4 => (0_i64..200_000).prop_map(Act::Seen),
        1 => (0_i64..9_000_000).prop_map(Act::Silence),
        1 => (0_i64..500_000).prop_map(Act::Back),
        3 => Just(Act::Toggle),
        2 => rates.prop_map(Act::Price),
        3 => Just(Act::Count),
        3 => Just(Act::Decide),
        3 => (0_usize..50).prop_map(Act::Apply),
        2 => (0_usize..50).prop_map(Act::CountOnOldMeters),
    ]
}

struct World {
    now: i64,
    row: Row,
    books: Books,
    oracle: Oracle,
    starts: BTreeSet<i64>,
    held_up: Vec<Vec<Change>>,
    old_meters: Vec<Option<Meter>>,
}

impl World {
    fn new() -> Self {
        let mut books = Books::default();
        books.place_hold();
        Self {
            now: 0,
            row: Row {
                is_up: true,
                started: at(0),
                up_until: at(0),
                rate: rate(360_000_000, Per::Hour),
            },
            books,
            oracle: Oracle {
                began: 0,
                until: 0,
                sum: 0,
            },
            starts: [0].into(),
            held_up: Vec::new(),
            old_meters: Vec::new(),
        }
    }

    fn count(&mut self) {
        let last = self.books.last();
        self.old_meters.push(last.clone());
        let changes = self.row.decide(last.as_ref());
        assert!(self.books.apply(&changes));
        let again = self.row.decide(self.books.last().as_ref());
        assert_eq!(again, [], "what was counted is not counted again");
    }

    fn see(&mut self) {
        if self.row.is_up {
            self.row.up_until = self.row.up_until.max(at(self.now));
            self.oracle.seen(self.now);
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Seen(millis) => {
                self.now += millis;
                self.see();
            }
            Act::Silence(millis) => self.now += millis,
            Act::Back(millis) => self.now -= millis,
            Act::Toggle if self.row.is_up => {
                self.see();
                self.row.is_up = false;
                self.oracle.end(self.row.rate);
            }
            Act::Toggle => {
                // The row is about to forget the last stretch.
                self.count();
                while !self.starts.insert(self.now) {
                    self.now += 1;
                }
                let now = at(self.now);
                (self.row.is_up, self.row.started, self.row.up_until) = (true, now, now);
                self.oracle.start(self.now);
            }
            Act::Price(new) => {
                self.count();
                if self.row.is_up {
                    self.oracle.end(self.row.rate);
                }
                self.row.rate = new;
            }
            Act::Count => self.count(),
            Act::Decide => {
                let last = self.books.last();
                self.held_up.push(self.row.decide(last.as_ref()));
            }
            Act::Apply(index) if !self.held_up.is_empty() => {
                let index = index % self.held_up.len();
                self.books.apply(&self.held_up[index]);
            }
            Act::CountOnOldMeters(index) if !self.old_meters.is_empty() => {
                let last = &self.old_meters[index % self.old_meters.len()];
                let changes = self.row.decide(last.as_ref());
                self.books.apply(&changes);
            }
            Act::Apply(_) | Act::CountOnOldMeters(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn exactly_the_seconds_run_are_billed(acts in prop::collection::vec(acts(), 1..80)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
            prop_assert_eq!(check(&world.books.transfers), Ok(()));
        }
        if world.row.is_up {
            world.act(Act::Toggle);
        }
        world.count();
        prop_assert_eq!(world.books.charged(), world.oracle.sum);
        let metered: Money = world.books.meters.iter().map(|meter| meter.charged).sum();
        prop_assert_eq!(i128::from(metered.nanos()), world.oracle.sum);
        prop_assert_eq!(balances(&world.books.transfers).values().sum::<i128>(), 0);
        // Who was held up until after the end changes no bill any more.
        for held_up in std::mem::take(&mut world.held_up) {
            world.books.apply(&held_up);
        }
        world.count();
        prop_assert_eq!(world.books.charged(), world.oracle.sum);
    }
}

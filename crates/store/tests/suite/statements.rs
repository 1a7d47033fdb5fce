//! Statements: their lines add up to the ledger, by whatever they are grouped.

use crate::database::{Database, on_both};
use crate::samples::{account, at, with_account};
use livery_ledger::{Book, Item, Kind, Transfer, top_up};
use livery_store::{Credit, Grouping, Payment, Period, Posted, StatementLine, Store};
use livery_units::{AccountId, Day, Money, PodId, TransferId};
use std::collections::BTreeMap;

on_both!(
    statements_add_up_to_the_ledger,
    pages_follow_each_other_without_gap_or_repeat,
    doctored_statement_lines_are_found,
);

const DAY: i64 = 86_400_000;

pub fn nanos(nanos: i64) -> Money {
    Money::from_nanos(nanos)
}

/// A charge for a pod, as the meter makes them.
pub fn charge(number: u128, pod: u128, item: Item, amount: i64, time: i64) -> Transfer {
    Transfer {
        id: TransferId::from_entropy(number),
        kind: Kind::Charge,
        from: Book::Balance(account()),
        to: Book::Earned("local".to_owned()),
        amount: nanos(amount),
        at: at(time),
        account: account(),
        pod: Some(PodId::from_entropy(pod)),
        run: None,
        volume: None,
        item: Some(item),
        meter: None,
        memo: "x".to_owned(),
    }
}

/// Ten days from the first on.
fn ten_days() -> Period {
    Period {
        from: Day::of(at(0)),
        until: Day::of(at(10 * DAY)),
    }
}

/// Charges of two pods over four days, and what they come to by day, pod and item.
async fn charged(store: &Store) -> BTreeMap<(i64, u128, Item), i64> {
    let mut wanted = BTreeMap::new();
    let mut number = 0;
    for day in [0, 1, 2, 9] {
        for (pod, item) in [(1, Item::Compute), (1, Item::Storage), (2, Item::Compute)] {
            let mut batch = Vec::new();
            for part in 0..4_i64 {
                number += 1;
                let amount = i64::try_from(number).unwrap() * 1_000 + 7;
                // The first and the last millisecond of the day are of the day.
                let time = day * DAY + part * (DAY - 1) / 3;
                batch.push(charge(number, pod, item, amount, time));
                *wanted.entry((day, pod, item)).or_default() += amount;
            }
            store.transfer_post(&batch).await.unwrap();
            // A replay changes no line.
            assert_eq!(store.transfer_post(&batch).await, Ok(Posted::Replayed));
        }
    }
    wanted
}

async fn statements_add_up_to_the_ledger(database: Database) {
    let store = database.store().await;
    let id = with_account(&store, Credit::Owner).await;
    let wanted = charged(&store).await;
    let total: i64 = wanted.values().sum();
    let list = async |by, period| -> Vec<StatementLine> {
        store
            .statement_list(&id, period, by, None, 1_000)
            .await
            .unwrap()
    };
    let lines = list(Grouping::Lines, ten_days()).await;
    let found: BTreeMap<(i64, u128, Item), i64> = lines
        .iter()
        .map(|line| {
            let day = line.day.unwrap().start().millis() / DAY;
            let of = |pod: u128| PodId::from_entropy(pod).to_string();
            let subject = line.subject.clone().unwrap();
            let pod = [1, 2].into_iter().find(|pod| of(*pod) == subject).unwrap();
            ((day, pod, line.item.unwrap()), line.amount.nanos())
        })
        .collect();
    assert_eq!(found, wanted);

    let days = list(Grouping::Days, ten_days()).await;
    assert!(days.iter().all(|d| d.subject.is_none() && d.item.is_none()));
    let subjects = list(Grouping::Subjects, ten_days()).await;
    assert!(subjects.iter().all(|line| line.day.is_none()));
    assert_eq!((days.len(), subjects.len()), (4, 3));
    for grouped in [&days, &subjects, &lines] {
        let sum: i64 = grouped.iter().map(|line| line.amount.nanos()).sum();
        assert_eq!(sum, total);
    }
    assert_eq!(store.account_spent(&id, ten_days()).await, Ok(nanos(total)));
    let book = Book::Balance(id.clone());
    assert_eq!(store.balance(&book).await, Ok(nanos(-total)));

    let second = Period {
        from: Day::of(at(DAY)),
        until: Day::of(at(2 * DAY)),
    };
    let of_second: i64 = wanted
        .iter()
        .filter(|((day, _, _), _)| *day == 1)
        .map(|(_, amount)| amount)
        .sum();
    assert_eq!(store.account_spent(&id, second).await, Ok(nanos(of_second)));

    payments_are_carried(&store, &id, second, &wanted).await;
    assert_eq!(store.ledger_check().await, Ok(51));
}

async fn payments_are_carried(
    store: &Store,
    id: &AccountId,
    second: Period,
    wanted: &BTreeMap<(i64, u128, Item), i64>,
) {
    for (amount, reference, time) in [
        (10, "before", DAY - 1),
        (20, "first", DAY),
        (30, "after", 2 * DAY),
    ] {
        let paid = top_up(id, nanos(amount), reference, at(time));
        store.account_top_up(&paid).await.unwrap();
    }
    let payments = store.payment_list(id, second).await.unwrap();
    let paid = top_up(id, nanos(20), "first", at(DAY));
    let payment = Payment {
        id: paid.id,
        at: at(DAY),
        amount: nanos(20),
        memo: paid.memo,
    };
    assert_eq!(payments, [payment]);
    let carried = store.account_carried(id, second.from).await.unwrap();
    let of_first: i64 = wanted
        .iter()
        .filter(|((day, _, _), _)| *day == 0)
        .map(|(_, amount)| amount)
        .sum();
    assert_eq!(
        (carried.paid, carried.charged),
        (nanos(10), nanos(of_first))
    );
}

async fn pages_follow_each_other_without_gap_or_repeat(database: Database) {
    let store = database.store().await;
    let id = with_account(&store, Credit::Owner).await;
    charged(&store).await;
    for by in [Grouping::Lines, Grouping::Days, Grouping::Subjects] {
        let list = async |after: Option<&StatementLine>, most| {
            store
                .statement_list(&id, ten_days(), by, after, most)
                .await
                .unwrap()
        };
        let all = list(None, 1_000).await;
        for most in [1, 2, 5] {
            let mut paged: Vec<StatementLine> = Vec::new();
            loop {
                let page = list(paged.last(), most).await;
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, all, "{by:?} by {most}");
        }
    }
}

async fn doctored_statement_lines_are_found(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let used = charge(1, 1, Item::Compute, 10, 7);
    store.transfer_post(&[used]).await.unwrap();
    assert_eq!(store.ledger_check().await, Ok(1));
    let url = database.url.replace("li very?#%41", "li%20very%3F%23%2541");
    let raw = Database { url };
    for (harm, remedy) in [
        (
            "UPDATE usage_days SET amount = amount + 1",
            "UPDATE usage_days SET amount = amount - 1",
        ),
        (
            "UPDATE usage_days SET day = 1",
            "UPDATE usage_days SET day = 0",
        ),
        (
            "UPDATE usage_days SET item = 'storage'",
            "UPDATE usage_days SET item = 'compute'",
        ),
    ] {
        raw.sabotage(harm).await;
        let found = store.ledger_check().await.unwrap_err();
        assert!(found.to_string().contains("statement lines"), "{found}");
        raw.sabotage(remedy).await;
        assert_eq!(store.ledger_check().await, Ok(1));
    }
}

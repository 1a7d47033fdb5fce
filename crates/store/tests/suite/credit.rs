//! Credit: vouchers are redeemed once, statements add up to the ledger, and a top-up ends what an
//! empty account suffers.

use crate::database::{Database, on_both};
use crate::samples::{account, at, with_account};
use livery_domain::account::Standing;
use livery_ledger::{Book, Item, Kind, Transfer, top_up};
use livery_store::{
    Credit, Error, Grouping, Payment, Period, Posted, Redeemed, StatementLine, Store, Voucher,
};
use livery_units::{AccountId, ContentHash, Day, Money, PodId, TransferId};
use std::collections::BTreeMap;

on_both!(
    a_voucher_is_redeemed_once_with_its_top_up,
    of_many_who_redeem_at_once_one_does,
    a_top_up_ends_the_lack_of_credit,
    nobody_runs_out_who_was_topped_up_meanwhile,
    statements_add_up_to_the_ledger,
    pages_follow_each_other_without_gap_or_repeat,
    doctored_statement_lines_are_found,
    a_cap_and_a_warning_are_kept,
);

const DAY: i64 = 86_400_000;

fn nanos(nanos: i64) -> Money {
    Money::from_nanos(nanos)
}

fn voucher(number: u8, amount: i64) -> Voucher {
    Voucher {
        hash: ContentHash::from_bytes([number; 32]),
        amount: nanos(amount),
        label: "for a friend".to_owned(),
        created: at(i64::from(number)),
        redeemed: None,
    }
}

async fn balance(store: &Store, id: &AccountId) -> i64 {
    let book = Book::Balance(id.clone());
    store.balance(&book).await.unwrap().nanos()
}

/// A charge for a pod, as the meter makes them.
fn charge(number: u128, pod: u128, item: Item, amount: i64, time: i64) -> Transfer {
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

async fn a_voucher_is_redeemed_once_with_its_top_up(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Prepaid).await;
    let other = AccountId::from_entropy(2);
    store.account_ensure(&other, "other", at(1)).await.unwrap();
    let vouchers = [voucher(1, 500), voucher(2, 700)];
    store.voucher_insert(&vouchers).await.unwrap();
    assert_eq!(store.voucher_list().await.unwrap(), vouchers);
    let again = store
        .voucher_insert(&[voucher(3, 5), vouchers[0].clone()])
        .await;
    assert_eq!(again, Err(Error::Exists));
    assert_eq!(store.voucher_list().await.unwrap().len(), 2, "all or none");

    let hash = vouchers[0].hash;
    let redeem = async |by: &AccountId, time| store.voucher_redeem(hash, by, at(time)).await;
    let now = Redeemed::Now(nanos(500));
    assert_eq!(redeem(&account(), 10).await, Ok(now));
    assert_eq!(balance(&store, &account()).await, 500);
    for by in [account(), other.clone()] {
        assert_eq!(redeem(&by, 20).await, Ok(Redeemed::Before(at(10))));
    }
    let unknown = ContentHash::from_bytes([9; 32]);
    let unknown = store.voucher_redeem(unknown, &other, at(20)).await;
    assert_eq!(unknown, Err(Error::NotFound));
    // An account that does not exist uses no voucher up.
    let nobody = AccountId::from_entropy(77);
    let refused = store
        .voucher_redeem(vouchers[1].hash, &nobody, at(20))
        .await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(balance(&store, &other).await, 0);
    let listed = store.voucher_list().await.unwrap();
    assert_eq!(listed[0].redeemed, Some((account(), at(10))));
    assert_eq!(listed[1].redeemed, None);
    assert_eq!(store.ledger_check().await, Ok(1));
}

async fn of_many_who_redeem_at_once_one_does(database: Database) {
    let store = database.store().await;
    let hash = voucher(1, 500).hash;
    store.voucher_insert(&[voucher(1, 500)]).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let store = match number % 2 {
            0 => store.clone(),
            _ => database.store().await,
        };
        tasks.spawn(async move {
            let id = AccountId::from_entropy(number / 4);
            store.account_ensure(&id, "x", at(1)).await.unwrap();
            store.voucher_redeem(hash, &id, at(5)).await.unwrap()
        });
    }
    let results = tasks.join_all().await;
    let now = results.iter().filter(|r| matches!(r, Redeemed::Now(_)));
    assert_eq!(now.count(), 1, "{results:?}");
    let both = [0, 1].map(AccountId::from_entropy);
    let sum = balance(&store, &both[0]).await + balance(&store, &both[1]).await;
    assert_eq!(sum, 500);
    assert_eq!(store.ledger_check().await, Ok(1));
}

async fn a_top_up_ends_the_lack_of_credit(database: Database) {
    let store = database.store().await;
    let id = with_account(&store, Credit::Prepaid).await;
    assert_eq!(store.account_standing(&id).await, Ok(Standing::Good));
    let owed = charge(1, 1, Item::Compute, 900, 5);
    store.transfer_post(&[owed]).await.unwrap();
    let stand = store.account_stand(&id).await.unwrap();
    assert_eq!((stand.balance, stand.held), (nanos(-900), Money::ZERO));
    assert!(store.account_run_out(&stand, at(10)).await.unwrap());
    let out = Standing::Out { since: at(10) };
    assert_eq!(store.account_standing(&id).await, Ok(out));
    // Only the first time counts.
    assert!(!store.account_run_out(&stand, at(20)).await.unwrap());
    store.account_warned_set(&id, at(30)).await.unwrap();

    // What is paid in does not suffice yet.
    let little = top_up(&id, nanos(900), "p1", at(40));
    assert_eq!(store.account_top_up(&little).await, Ok(Posted::New));
    let stand = store.account_stand(&id).await.unwrap();
    assert_eq!((stand.standing, stand.last_warned), (out, Some(at(30))));
    let enough = top_up(&id, nanos(1), "p2", at(50));
    assert_eq!(store.account_top_up(&enough).await, Ok(Posted::New));
    assert_eq!(store.account_top_up(&enough).await, Ok(Posted::Replayed));
    let stand = store.account_stand(&id).await.unwrap();
    assert_eq!((stand.standing, stand.last_warned), (Standing::Good, None));
    assert_eq!(stand.balance, nanos(1));
    assert_eq!(store.account_last_top_up(&id).await, Ok(Some(at(50))));
    let listed = store.account_stands().await.unwrap();
    assert_eq!(listed, [stand]);
    let negative = top_up(&id, nanos(-1), "p3", at(60));
    let refused = store.account_top_up(&negative).await;
    assert!(matches!(refused, Err(Error::Refused(_))));
    assert_eq!(store.ledger_check().await, Ok(3));
}

async fn nobody_runs_out_who_was_topped_up_meanwhile(database: Database) {
    let store = database.store().await;
    let id = with_account(&store, Credit::Prepaid).await;
    let seen = store.account_stand(&id).await.unwrap();
    let paid = top_up(&id, nanos(10), "p1", at(5));
    store.account_top_up(&paid).await.unwrap();
    assert!(!store.account_run_out(&seen, at(6)).await.unwrap());
    assert_eq!(store.account_standing(&id).await, Ok(Standing::Good));
    // Money that was spent meanwhile changes nothing.
    let seen = store.account_stand(&id).await.unwrap();
    let used = charge(1, 1, Item::Compute, 10, 7);
    store.transfer_post(&[used]).await.unwrap();
    assert!(store.account_run_out(&seen, at(8)).await.unwrap());
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
    assert_eq!(balance(&store, &id).await, -total);

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
    let pod = PodId::from_entropy(2);
    let spent = store.subject_spent(&id, pod.as_str(), second).await;
    assert_eq!(spent, Ok(nanos(wanted[&(1, 2, Item::Compute)])));

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

async fn a_cap_and_a_warning_are_kept(database: Database) {
    let store = database.store().await;
    let id = with_account(&store, Credit::Prepaid).await;
    let cap = Some(nanos(7));
    store.account_auto_pay_cap_set(&id, cap).await.unwrap();
    assert_eq!(store.account_stand(&id).await.unwrap().auto_pay_cap, cap);
    store.account_auto_pay_cap_set(&id, None).await.unwrap();
    assert_eq!(store.account_stand(&id).await.unwrap().auto_pay_cap, None);
    // Nobody is warned of losing what is not in danger.
    let unasked = store.account_warned_set(&id, at(5)).await;
    assert_eq!(unasked, Err(Error::NotFound));
    let nobody = AccountId::from_entropy(9);
    assert_eq!(
        store.account_auto_pay_cap_set(&nobody, cap).await,
        Err(Error::NotFound)
    );
    assert_eq!(store.account_stand(&nobody).await, Err(Error::NotFound));
    assert_eq!(store.account_last_top_up(&id).await, Ok(None));
    assert!(store.account_rates().await.unwrap().is_empty());
}

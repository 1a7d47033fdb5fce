//! Credit: vouchers are redeemed once, and a top-up ends what an empty account suffers.

use crate::database::{Database, on_both};
use crate::samples::{account, at, bare_pod, metered, with_account};
use crate::statements::{charge, nanos};
use livery_domain::account::{AccountSettings, Standing};
use livery_domain::pod::Pod;
use livery_ledger::{Book, Change, Item, Meter, top_up};
use livery_store::{AccountStand, Credit, Error, Posted, Redeemed, Store, Voucher};
use livery_units::{AccountId, ContentHash, Money, Rate};

on_both!(
    a_voucher_is_redeemed_once_with_its_top_up,
    of_many_who_redeem_at_once_one_does,
    a_top_up_ends_the_lack_of_credit,
    nobody_runs_out_who_was_topped_up_meanwhile,
    of_those_who_see_one_need_one_helps,
    what_is_wanted_for_want_of_credit_is_not_wanted_after_a_top_up,
    a_cap_and_a_warning_are_kept,
    rates_of_open_meters_are_added_up,
);

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
            store.account_ensure(&id, id.as_str(), at(1)).await.unwrap();
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
    let other = top_up(&id, nanos(2), "p2", at(50));
    assert_eq!(store.account_top_up(&other).await, Err(Error::Exists));
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

async fn of_those_who_see_one_need_one_helps(database: Database) {
    let store = database.store().await;
    let id = with_account(&store, Credit::Prepaid).await;
    let seen = store.account_stand(&id).await.unwrap();
    // Each control plane counts its payments by itself.
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..6 {
        let (store, seen) = (database.store().await, seen.clone());
        let payment = top_up(&id, nanos(10), &format!("no. {number}"), at(5));
        tasks.spawn(async move { store.account_help(&seen, &payment).await.unwrap() });
    }
    let helped = tasks.join_all().await.into_iter().filter(|helped| *helped);
    assert_eq!(helped.count(), 1);
    assert_eq!(balance(&store, &id).await, 10);

    // What was settled meanwhile may forbid it.
    let seen = store.account_stand(&id).await.unwrap();
    let settings = AccountSettings::default();
    store.account_settle(&seen, &settings, None).await.unwrap();
    let payment = top_up(&id, nanos(10), "after", at(6));
    assert_eq!(store.account_help(&seen, &payment).await, Ok(false));
    let seen = store.account_stand(&id).await.unwrap();
    assert_eq!(store.account_help(&seen, &payment).await, Ok(true));
    let again = store.account_stand(&id).await.unwrap();
    assert_eq!(store.account_help(&again, &payment).await, Ok(false));
    assert_eq!(store.ledger_check().await, Ok(2));
}

async fn what_is_wanted_for_want_of_credit_is_not_wanted_after_a_top_up(database: Database) {
    let store = database.store().await;
    let id = with_account(&store, Credit::Prepaid).await;
    let pod = bare_pod(1);
    store.pod_insert(&pod).await.unwrap();
    let (since, later) = (at(7), at(8));
    let out = Standing::Out { since };
    store.account_standing_set(&id, out).await.unwrap();
    let unpaid = async |pod: &Pod, since| store.pod_update_unpaid(pod, since).await;
    assert_eq!(unpaid(&pod, later).await, Ok(None));
    let written = unpaid(&pod, since).await.unwrap().unwrap();
    assert_eq!(store.pod_fetch(&pod.id).await, Ok(written.clone()));
    assert_eq!(unpaid(&pod, since).await, Err(Error::Stale));
    let paid = top_up(&id, nanos(10), "p1", at(9));
    store.account_top_up(&paid).await.unwrap();
    assert_eq!(unpaid(&written, since).await, Ok(None));
    assert_eq!(store.pod_fetch(&pod.id).await, Ok(written));
}

async fn a_cap_and_a_warning_are_kept(database: Database) {
    let store = database.store().await;
    let id = with_account(&store, Credit::Prepaid).await;
    let seen = store.account_stand(&id).await.unwrap();
    let cap = Some(nanos(7));
    let settle = async |seen: &AccountStand, cap| {
        let settings = AccountSettings::default();
        store.account_settle(seen, &settings, cap).await
    };
    settle(&seen, cap).await.unwrap();
    assert_eq!(store.account_stand(&id).await.unwrap().auto_pay_cap, cap);
    assert_eq!(settle(&seen, None).await, Err(Error::Stale));
    let seen = store.account_stand(&id).await.unwrap();
    assert_eq!(seen.auto_pay_cap, cap);
    settle(&seen, None).await.unwrap();
    assert_eq!(store.account_stand(&id).await.unwrap().auto_pay_cap, None);
    // Nobody is warned of losing what is not in danger.
    let unasked = store.account_warned_set(&id, at(5)).await;
    assert_eq!(unasked, Err(Error::NotFound));
    let nobody = AccountId::from_entropy(9);
    assert_eq!(store.account_stand(&nobody).await, Err(Error::NotFound));
    assert_eq!(store.account_last_top_up(&id).await, Ok(None));
    assert!(store.account_rates().await.unwrap().is_empty());
}

async fn rates_of_open_meters_are_added_up(database: Database) {
    let store = database.store().await;
    let id = with_account(&store, Credit::Prepaid).await;
    let open = [1, 2, 3].map(|pod| Change {
        before: None,
        after: metered(pod, at(0), at(0)),
    });
    store.meter_apply(&open, &[], None, at(0)).await.unwrap();
    let rates = store.account_rates().await.unwrap();
    let rate = open[0].after.rate;
    let three = Rate {
        amount: nanos(rate.amount.nanos() * 3),
        per: rate.per,
    };
    assert_eq!(rates.get(&id), Some(&vec![three]));
    let closed = Change {
        before: Some(open[2].after.clone()),
        after: Meter {
            closed: Some(open[2].after.until),
            ..open[2].after.clone()
        },
    };
    store
        .meter_apply(&[closed], &[], None, at(0))
        .await
        .unwrap();
    let rates = store.account_rates().await.unwrap();
    assert_eq!(rates[&id][0].amount, nanos(rate.amount.nanos() * 2));
}

//! Transfers are posted all or none, once, and the books follow.

use crate::database::{Database, on_both};
use crate::samples::{account, at, bare_pod, counted, metered, with_account};
use livery_domain::pod::Observed;
use livery_ledger::{Book, Kind, Party, Transfer, charge, hold, top_up, void};
use livery_store::{Credit, Error, Posted, Store};
use livery_units::{AccountId, Money, PodId, RunId};

on_both!(
    a_hold_is_charged_and_the_rest_given_back,
    what_is_replayed_changes_nothing,
    a_prepaid_account_cannot_hold_what_it_lacks,
    a_hold_taken_twice_is_stale,
    amounts_out_of_range_are_refused,
    eight_writers_balance,
    a_doctored_book_is_found,
    transfers_are_kept_as_they_were_posted,
    of_all_pods_that_are_up_the_charges_are_added_up,
);

fn dollars(nanos: i64) -> Money {
    Money::from_nanos(nanos)
}

fn party(pod: u128) -> Party {
    Party {
        account: account(),
        pod: PodId::from_entropy(pod),
        run: Some(RunId::from_entropy(pod)),
        start: 0,
    }
}

/// What a pod is charged from when it was charged `charged` until the second `until_ms`, at one
/// nano-dollar a millisecond counted in whole seconds.
fn charged(pod: u128, charged: i64, held: i64, until_ms: i64) -> Vec<Transfer> {
    let meter = metered(pod, at(0), at(charged));
    charge(&counted(&meter, at(until_ms)), dollars(held)).unwrap()
}

async fn books(store: &Store) -> (i64, i64, i64) {
    let of = async |book| store.balance(&book).await.unwrap().nanos();
    let earned = Book::Earned("local".to_owned());
    (
        of(Book::Balance(account())).await,
        of(Book::Held(account())).await,
        of(earned).await,
    )
}

async fn a_hold_is_charged_and_the_rest_given_back(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Prepaid).await;
    let party = party(1);
    let paid = top_up(&account(), dollars(10_000), "p1", at(0));
    let held = hold(&party, dollars(6_000), at(0));
    assert_eq!(store.transfer_post(&[paid, held]).await, Ok(Posted::New));
    assert_eq!(books(&store).await, (4_000, 6_000, 0));

    store
        .transfer_post(&charged(1, 0, 6_000, 5_000))
        .await
        .unwrap();
    assert_eq!(store.pod_held(&party.pod).await, Ok(dollars(1_000)));
    let rest = charged(1, 5_000, 1_000, 8_000);
    assert_eq!(rest.len(), 2);
    store.transfer_post(&rest).await.unwrap();
    assert_eq!(books(&store).await, (2_000, 0, 8_000));
    assert_eq!(store.pod_charged(&party.pod).await, Ok(dollars(8_000)));

    let second = self::party(2);
    let held = hold(&second, dollars(2_000), at(9_000));
    store.transfer_post(&[held]).await.unwrap();
    let rest = void(&second, dollars(2_000), at(9_000));
    store.transfer_post(&[rest]).await.unwrap();
    assert_eq!(books(&store).await, (2_000, 0, 8_000));
    assert_eq!(store.balance(&Book::Outside).await, Ok(dollars(-10_000)));
    assert_eq!(store.ledger_check().await, Ok(7));
}

async fn what_is_replayed_changes_nothing(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let party = party(1);
    let held = hold(&party, dollars(3_000), at(0));
    for wanted in [Posted::New, Posted::Replayed, Posted::Replayed] {
        let posted = store.transfer_post(std::slice::from_ref(&held)).await;
        assert_eq!(posted, Ok(wanted));
    }
    // Two workers charge from the same point, until different times and with other halves.
    let (first, second) = (charged(1, 0, 3_000, 2_000), charged(1, 0, 3_000, 9_000));
    assert_eq!((first.len(), second.len()), (1, 2));
    assert_eq!(store.transfer_post(&first).await, Ok(Posted::New));
    assert_eq!(store.transfer_post(&second).await, Ok(Posted::Replayed));
    assert_eq!(books(&store).await, (-3_000, 1_000, 2_000));
    assert_eq!(store.transfer_post(&[]).await, Ok(Posted::New));
    assert_eq!(store.ledger_check().await, Ok(2));
}

async fn a_prepaid_account_cannot_hold_what_it_lacks(database: Database) {
    let store = database.store().await;
    let nobody = store
        .transfer_post(&[hold(&party(1), dollars(1), at(0))])
        .await;
    assert_eq!(nobody, Err(Error::NotFound));
    with_account(&store, Credit::Prepaid).await;
    let paid = top_up(&account(), dollars(500), "p1", at(0));
    store.transfer_post(&[paid]).await.unwrap();
    let too_much = store
        .transfer_post(&[hold(&party(1), dollars(501), at(0))])
        .await;
    let (needed, available) = (dollars(501), dollars(500));
    let wanted = Error::InsufficientFunds { needed, available };
    assert_eq!(too_much, Err(wanted));
    assert_eq!(books(&store).await, (500, 0, 0));
    let all = store
        .transfer_post(&[hold(&party(1), dollars(500), at(0))])
        .await;
    assert_eq!(all, Ok(Posted::New));
    // What was used is owed, hold or no hold.
    let used = charged(1, 0, 500, 2_000);
    assert_eq!(store.transfer_post(&used).await, Ok(Posted::New));
    assert_eq!(books(&store).await, (-1_500, 0, 2_000));
    assert_eq!(store.ledger_check().await, Ok(4));
}

async fn a_hold_taken_twice_is_stale(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let holds = [1, 2].map(|pod| hold(&party(pod), dollars(1_000), at(0)));
    store.transfer_post(&holds).await.unwrap();
    store
        .transfer_post(&[void(&party(1), dollars(1_000), at(1))])
        .await
        .unwrap();
    // The account still holds enough, for another pod.
    let used = charged(1, 0, 1_000, 1_000);
    assert_eq!(store.transfer_post(&used).await, Err(Error::Stale));
    assert_eq!(books(&store).await, (-1_000, 1_000, 0));
    assert_eq!(store.ledger_check().await, Ok(3));
}

async fn amounts_out_of_range_are_refused(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let most = top_up(&account(), dollars(i64::MAX), "p1", at(0));
    store.transfer_post(&[most]).await.unwrap();
    for (amount, reference) in [(1, "p2"), (-1, "p3")] {
        let bad = top_up(&account(), dollars(amount), reference, at(0));
        let refused = store.transfer_post(&[bad]).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    }
    assert_eq!(store.ledger_check().await, Ok(1));
}

async fn eight_writers_balance(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let store = match writer % 2 {
            0 => store.clone(),
            _ => database.store().await,
        };
        // Two writers each work for the same pod, and charge until the same end.
        let party = party(writer / 2);
        writers.spawn(async move {
            let held = hold(&party, dollars(4_000), at(0));
            store.transfer_post(&[held]).await.unwrap();
            let end = at(10_000);
            loop {
                let charged = store.pod_charged(&party.pod).await.unwrap();
                let held = store.pod_held(&party.pod).await.unwrap();
                let until = at(charged.nanos() + 1_000).min(end);
                let due = self::charged(writer / 2, charged.nanos(), held.nanos(), until.millis());
                if due.is_empty() {
                    break;
                }
                match store.transfer_post(&due).await {
                    Ok(Posted::New | Posted::Replayed) | Err(Error::Stale) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
    }
    writers.join_all().await;
    for pod in 0..4 {
        let charged = store.pod_charged(&PodId::from_entropy(pod)).await;
        assert_eq!(charged, Ok(dollars(10_000)));
    }
    assert_eq!(books(&store).await, (-40_000, 0, 40_000));
    store.ledger_check().await.unwrap();
}

async fn a_doctored_book_is_found(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let paid = top_up(&account(), dollars(500), "p1", at(0));
    store.transfer_post(&[paid]).await.unwrap();
    assert_eq!(store.ledger_check().await, Ok(1));
    database
        .sabotage("UPDATE books SET amount = amount + 1 WHERE book = 'outside'")
        .await;
    let found = store.ledger_check().await.unwrap_err();
    assert!(found.to_string().contains("the book outside"), "{found}");
    database
        .sabotage("UPDATE books SET amount = amount - 1 WHERE book = 'outside'")
        .await;
    assert_eq!(store.ledger_check().await, Ok(1));
    database
        .sabotage("INSERT INTO books (book, amount) VALUES ('earned:thief', 0)")
        .await;
    assert!(store.ledger_check().await.is_err());
}

async fn transfers_are_kept_as_they_were_posted(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let other = AccountId::from_entropy(2);
    store.account_ensure(&other, "other", at(1)).await.unwrap();
    let transfers = [
        top_up(&other, dollars(5), "p1", at(0)),
        hold(&party(1), dollars(10), at(1)),
        hold(&party(2), dollars(20), at(2)),
        void(&party(1), dollars(10), at(3)),
    ];
    store.transfer_post(&transfers).await.unwrap();
    let kept = database
        .texts(
            "SELECT id || ' ' || kind || ' ' || from_book || ' ' || to_book || ' ' || amount || ' ' || at_ms
                || ' ' || account_id || ' ' || COALESCE(pod_id, '-') FROM transfers ORDER BY seq",
        )
        .await;
    let wanted = transfers.iter().map(|one| {
        let pod = one.pod.as_ref().map_or("-", |pod| pod.as_str());
        let (amount, at) = (one.amount.nanos(), one.at.millis());
        format!(
            "{} {} {} {} {amount} {at} {} {pod}",
            one.id, one.kind, one.from, one.to, one.account
        )
    });
    assert_eq!(kept, wanted.collect::<Vec<_>>());
    let kinds: Vec<Kind> = transfers.iter().map(|t| t.kind).collect();
    assert_eq!(kinds, [Kind::TopUp, Kind::Hold, Kind::Hold, Kind::Void]);
}

async fn of_all_pods_that_are_up_the_charges_are_added_up(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    assert_eq!(store.pods_up_charged(&account()).await, Ok(Money::ZERO));
    let other = AccountId::from_entropy(2);
    store.account_ensure(&other, "other", at(1)).await.unwrap();
    for (number, account, observed, ended) in [
        (1, account(), Observed::Up, None),
        (2, account(), Observed::Up, None),
        (3, account(), Observed::Down, None),
        (4, account(), Observed::Up, Some(at(9))),
        (5, other.clone(), Observed::Up, None),
        // Nothing was charged yet.
        (6, account(), Observed::Up, None),
    ] {
        let pod = livery_domain::pod::Pod {
            account,
            observed,
            ended,
            ..bare_pod(number)
        };
        store.pod_insert(&pod).await.unwrap();
    }
    for (pod, until) in [
        (1, 1_000),
        (2, 20_000),
        (3, 300_000),
        (4, 4_000),
        (5, 5_000),
    ] {
        let charges = charged(pod, 0, 0, until);
        store.transfer_post(&charges).await.unwrap();
    }
    assert_eq!(store.pods_up_charged(&account()).await, Ok(dollars(21_000)));
    assert_eq!(store.pods_up_charged(&other).await, Ok(dollars(5_000)));
}

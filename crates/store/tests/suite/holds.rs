//! There is a hold exactly while there is something to hold money for, whoever comes late or dies.

use crate::database::{Database, on_both};
use crate::samples::{account, at, bare_pod, with_account};
use livery_domain::pod::{Desired, Observed, Pod};
use livery_ledger::{Book, Party, Transfer, hold, top_up, void};
use livery_store::{Credit, Error, Period, Posted, SpendingBound, Store};
use livery_units::{Day, Money};

on_both!(
    a_pod_and_its_hold_are_kept_together_or_not_at_all,
    a_start_holds_again_or_changes_nothing,
    a_hold_takes_no_account_past_its_bounds,
    what_comes_after_a_start_is_not_what_it_held_before,
    a_pod_ends_with_nothing_held,
    a_hold_of_an_ended_pod_is_found,
    a_hold_of_a_pod_that_is_down_is_found,
    a_hold_that_comes_after_its_end_is_given_back_too,
);

fn money(nanos: i64) -> Money {
    Money::from_nanos(nanos)
}

/// A pod that is wanted to run.
fn wanted(number: u128) -> Pod {
    Pod {
        desired: Desired::Running,
        observed: Observed::Down,
        ..bare_pod(number)
    }
}

fn party(pod: &Pod) -> Party {
    Party {
        account: account(),
        pod: pod.id.clone(),
        run: None,
        start: pod.starts,
    }
}

fn held(pod: &Pod, nanos: i64) -> Transfer {
    hold(&party(pod), money(nanos), at(0))
}

async fn has(store: &Store) -> (i64, i64) {
    let of = async |book| store.balance(&book).await.unwrap().nanos();
    let (balance, held) = (Book::Balance(account()), Book::Held(account()));
    (of(balance).await, of(held).await)
}

/// A store whose account has a thousand.
async fn store(database: &Database) -> Store {
    let store = database.store().await;
    with_account(&store, Credit::Prepaid).await;
    let paid = top_up(&account(), money(1_000), "p1", at(0));
    store.transfer_post(&[paid]).await.unwrap();
    store
}

async fn a_pod_and_its_hold_are_kept_together_or_not_at_all(database: Database) {
    let store = store(&database).await;
    let (pod, dear) = (wanted(1), wanted(2));
    let first = held(&pod, 700);
    store
        .pod_insert_held(&pod, Some(&first), &[])
        .await
        .unwrap();
    assert_eq!(has(&store).await, (300, 700));
    let refused = store
        .pod_insert_held(&dear, Some(&held(&dear, 301)), &[])
        .await;
    let (needed, available) = (money(301), money(300));
    assert_eq!(refused, Err(Error::InsufficientFunds { needed, available }));
    assert_eq!(store.pod_fetch(&dear.id).await, Err(Error::NotFound));
    // The hold of a row that cannot be kept is not placed.
    let again = Pod {
        launch_key: pod.launch_key.clone(),
        ..dear
    };
    let refused = store
        .pod_insert_held(&again, Some(&held(&again, 1)), &[])
        .await;
    assert_eq!(refused, Err(Error::Exists));
    assert_eq!(has(&store).await, (300, 700));
    assert_eq!(store.ledger_check().await, Ok(2));
}

async fn a_start_holds_again_or_changes_nothing(database: Database) {
    let store = store(&database).await;
    let pod = wanted(1);
    store.pod_insert(&pod).await.unwrap();
    let again = Pod {
        starts: 1,
        ..pod.clone()
    };
    let refused = store
        .pod_start(&again, Some(&held(&again, 1_001)), &[])
        .await;
    assert!(matches!(refused, Err(Error::InsufficientFunds { .. })));
    assert_eq!(store.pod_fetch(&pod.id).await.unwrap(), pod);

    let second = held(&again, 600);
    let started = store.pod_start(&again, Some(&second), &[]).await.unwrap();
    assert_eq!(store.pod_fetch(&pod.id).await.unwrap(), started);
    assert_eq!(started.starts, 1);
    assert_eq!(has(&store).await, (400, 600));
    // Whoever read the row before it was started changes nothing any more.
    let late = store.pod_start(&again, Some(&second), &[]).await;
    assert_eq!(late, Err(Error::Stale));
    let replayed = store.hold_place(&pod.id, 1, &second).await;
    assert_eq!(replayed, Ok(Posted::Replayed));
    assert_eq!(has(&store).await, (400, 600));
    assert_eq!(store.ledger_check().await, Ok(2));
}

/// One who checked a limit before another start was recorded finds out when it places its hold.
async fn a_hold_takes_no_account_past_its_bounds(database: Database) {
    let store = store(&database).await;
    let from = Day::of(at(0));
    let period = Period {
        from,
        until: from.next(),
    };
    let bound = |nanos| SpendingBound {
        period,
        most: money(nanos),
    };
    let (first, second) = (wanted(1), wanted(2));
    let hold = held(&first, 400);
    let bounds = [bound(400)];
    let kept = store.pod_insert_held(&first, Some(&hold), &bounds);
    kept.await.unwrap();
    let hold = held(&second, 1);
    let bounds = [bound(900), bound(400)];
    let refused = store.pod_insert_held(&second, Some(&hold), &bounds).await;
    assert_eq!(refused, Err(Error::Stale));
    assert_eq!(store.pod_fetch(&second.id).await, Err(Error::NotFound));
    assert_eq!(has(&store).await, (600, 400));

    store.pod_insert(&second).await.unwrap();
    let refused = store.pod_start(&second, Some(&hold), &bounds).await;
    assert_eq!(refused, Err(Error::Stale));
    assert_eq!(has(&store).await, (600, 400));
    let bounds = [bound(401)];
    let started = store.pod_start(&second, Some(&hold), &bounds);
    started.await.unwrap();
    assert_eq!(has(&store).await, (599, 401));
}

async fn what_comes_after_a_start_is_not_what_it_held_before(database: Database) {
    let store = store(&database).await;
    let first = wanted(1);
    store.pod_insert(&first).await.unwrap();
    let placed = store.hold_place(&first.id, 0, &held(&first, 300)).await;
    assert_eq!(placed, Ok(Posted::New));
    let stale = void(&party(&first), money(299), at(1));
    let refused = store.hold_void(&first.id, 0, &stale).await;
    assert_eq!(refused, Err(Error::Stale), "not all that is left");
    let rest = void(&party(&first), money(300), at(1));
    let given_back = store.hold_void(&first.id, 0, &rest).await;
    assert_eq!(given_back, Ok(()));
    let second = Pod {
        starts: 1,
        ..first.clone()
    };
    let hold = held(&second, 300);
    store.pod_start(&second, Some(&hold), &[]).await.unwrap();
    // Who is late with the end of the first stretch takes nothing from the second.
    let late = store.hold_void(&first.id, 0, &rest).await;
    assert_eq!(late, Err(Error::Stale));
    let late = store.hold_place(&first.id, 0, &held(&first, 300)).await;
    assert_eq!(late, Err(Error::Stale));
    assert_eq!(has(&store).await, (700, 300));
    assert_eq!(store.ledger_check().await, Ok(4));
}

async fn a_pod_ends_with_nothing_held(database: Database) {
    let store = store(&database).await;
    let pod = wanted(1);
    let first = held(&pod, 300);
    store
        .pod_insert_held(&pod, Some(&first), &[])
        .await
        .unwrap();
    let ended = Pod {
        desired: Desired::Gone,
        observed: Observed::Absent,
        ended: Some(at(9)),
        ..pod.clone()
    };
    assert_eq!(store.pod_close(&ended).await, Err(Error::Stale));
    assert_eq!(store.pod_fetch(&pod.id).await.unwrap(), pod);
    let rest = void(&party(&pod), money(300), at(1));
    store.hold_void(&pod.id, 0, &rest).await.unwrap();
    store.pod_close(&ended).await.unwrap();
    for start in [0, 1] {
        let later = Pod {
            starts: start,
            ..pod.clone()
        };
        let late = store.hold_place(&pod.id, start, &held(&later, 1)).await;
        assert_eq!(late, Err(Error::Stale));
    }
    assert_eq!(has(&store).await, (1_000, 0));
    assert_eq!(store.pods_over_held().await, Ok(Vec::new()));
    assert_eq!(store.ledger_check().await, Ok(3));
}

async fn a_hold_of_an_ended_pod_is_found(database: Database) {
    let store = store(&database).await;
    let pod = wanted(1);
    let first = held(&pod, 300);
    store
        .pod_insert_held(&pod, Some(&first), &[])
        .await
        .unwrap();
    assert_eq!(store.ledger_check().await, Ok(2));
    let ended = Pod {
        ended: Some(at(9)),
        ..pod.clone()
    };
    store.pod_update(&ended).await.unwrap();
    let found = store.ledger_check().await.unwrap_err().to_string();
    assert!(found.contains(pod.id.as_str()), "{found}");
    assert!(found.contains("money is held for it"), "{found}");
    assert_eq!(store.pods_over_held().await, Ok(vec![pod.id]));
}

/// As after a crash between the row and the books.
async fn a_hold_of_a_pod_that_is_down_is_found(database: Database) {
    let store = store(&database).await;
    let pod = wanted(1);
    store
        .pod_insert_held(&pod, Some(&held(&pod, 300)), &[])
        .await
        .unwrap();
    let up = store.pods_over_held().await;
    assert_eq!(up, Ok(Vec::new()), "it is to come up");
    let stopped = Pod {
        desired: Desired::Stopped,
        ..pod.clone()
    };
    store.pod_update(&stopped).await.unwrap();
    assert_eq!(store.pods_over_held().await, Ok(vec![pod.id]));
}

async fn a_hold_that_comes_after_its_end_is_given_back_too(database: Database) {
    let store = store(&database).await;
    let pod = wanted(1);
    // What an earlier start left is given back as this one's.
    store
        .pod_insert_held(&pod, Some(&held(&pod, 100)), &[])
        .await
        .unwrap();
    let second = Pod { starts: 1, ..pod };
    let second = store.pod_update(&second).await.unwrap();
    let rest = void(&party(&second), money(100), at(1));
    store.hold_void(&second.id, 1, &rest).await.unwrap();
    let late = store.hold_place(&second.id, 1, &held(&second, 300)).await;
    assert_eq!(late, Ok(Posted::New));
    let rest = void(&party(&second), money(300), at(2));
    store.hold_void(&second.id, 1, &rest).await.unwrap();
    assert_eq!(has(&store).await, (1_000, 0));
}

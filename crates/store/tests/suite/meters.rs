//! Meters change with what is charged for them, all or none, and only as they were read.

use crate::database::{Database, on_both};
use crate::samples::{account, at, bare_pod, counted, metered, subject, with_account};
use livery_domain::account::Standing;
use livery_domain::pod::{Observed, Pod};
use livery_ledger::{Change, Item, Meter, Party, Stretch, Then, charge, hold, plan, top_up};
use livery_store::{Credit, DueMeter, Error, MeterMove, Store};
use livery_units::{Money, PodId, Rate, Timestamp};

on_both!(
    a_meter_is_kept_as_it_is,
    what_was_decided_on_an_old_meter_is_refused_whole,
    a_meter_is_opened_once,
    due_meters_come_with_their_pods,
    those_that_were_moved_meanwhile_are_left_alone,
    a_hold_that_is_gone_takes_the_whole_batch_back,
    who_pays_before_is_charged_no_further_than_was_decided,
    pods_that_are_up_and_have_no_meter_are_found,
    what_was_charged_before_there_were_meters_is_adopted,
    a_doctored_meter_is_found,
);

const DUE: Timestamp = Timestamp::from_millis(60_000);

pub fn opened(meter: Meter) -> Change {
    Change {
        before: None,
        after: meter,
    }
}

pub async fn apply(store: &Store, changes: &[Change]) -> Result<(), Error> {
    let mut transfers = Vec::new();
    for change in changes {
        transfers.extend(charge(change, Money::ZERO).unwrap());
    }
    store.meter_apply(changes, &transfers, None, DUE).await
}

pub async fn up(store: &Store, number: u128) -> Pod {
    let pod = Pod {
        observed: Observed::Up,
        started: Some(at(0)),
        up_until: Some(at(30_000)),
        ..bare_pod(number)
    };
    store.pod_insert(&pod).await.unwrap();
    pod
}

async fn a_meter_is_kept_as_it_is(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let pod = PodId::from_entropy(1);
    let rate = Rate::hourly(Money::from_nanos(3_600_000));
    let stretch = |began, until| Stretch {
        began: at(began),
        rate,
        until: at(until),
    };
    for (stretches, then) in [
        (vec![stretch(500, 10_000)], Then::GoesOn),
        (vec![stretch(500, 20_000)], Then::Over),
        (vec![stretch(50_000, 60_000)], Then::GoesOn),
    ] {
        let last = store.meter_last_of_pod(&pod).await.unwrap();
        let changes = plan(&subject(1), last.first(), &stretches, then).unwrap();
        apply(&store, &changes).await.unwrap();
        let wanted = changes.last().map(|change| change.after.clone());
        let kept = store.meter_last_of_pod(&pod).await.unwrap();
        assert_eq!(kept, Vec::from_iter(wanted));
    }
    let all = store.meter_list_of_pod(&pod).await.unwrap();
    let numbers: Vec<u32> = all.iter().map(|meter| meter.number).collect();
    assert_eq!(numbers, [0, 1]);
    assert_eq!(all[0].closed, Some(at(20_000)));
    let charged: Money = all.iter().map(|meter| meter.charged).sum();
    assert_eq!(store.pod_charged(&pod).await, Ok(charged));
    assert_eq!(charged, Money::from_nanos(29_000));
    store.ledger_check().await.unwrap();
}

async fn what_was_decided_on_an_old_meter_is_refused_whole(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let first = metered(1, at(0), at(10_000));
    apply(&store, &[opened(first.clone())]).await.unwrap();
    let late = counted(&first, at(40_000));
    apply(&store, &[counted(&first, at(20_000))]).await.unwrap();
    // One of the two is fine; both are one unit.
    let other = opened(metered(2, at(0), at(5_000)));
    let refused = apply(&store, &[other.clone(), late.clone()]).await;
    assert_eq!(refused, Err(Error::Stale));
    let of_other = store.meter_last_of_pod(&PodId::from_entropy(2)).await;
    assert_eq!(of_other, Ok(Vec::new()));
    let charged = store.pod_charged(&PodId::from_entropy(1)).await;
    assert_eq!(charged, Ok(Money::from_nanos(20_000)));
    assert_eq!(apply(&store, &[late]).await, Err(Error::Stale));
    store.ledger_check().await.unwrap();
}

async fn a_meter_is_opened_once(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let store = match worker % 2 {
            0 => store.clone(),
            _ => database.store().await,
        };
        let until = at(10_000 + worker * 1_000);
        workers.spawn(async move { apply(&store, &[opened(metered(1, at(0), until))]).await });
    }
    let results = workers.join_all().await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(won, 1, "{results:?}");
    let lost = |result: &&Result<(), Error>| **result == Err(Error::Stale);
    assert_eq!(results.iter().filter(lost).count(), 7, "{results:?}");
    store.ledger_check().await.unwrap();
}

async fn due(store: &Store, now: i64) -> Vec<DueMeter> {
    store.meter_list_due(at(now), 100).await.unwrap()
}

async fn due_meters_come_with_their_pods(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let pod = up(&store, 1).await;
    let party = Party {
        account: account(),
        pod: pod.id.clone(),
        run: None,
        start: 0,
    };
    let held = hold(&party, Money::from_nanos(7), at(0));
    store.transfer_post(&[held]).await.unwrap();
    let meter = metered(1, at(0), at(10_000));
    apply(&store, &[opened(meter.clone())]).await.unwrap();
    assert_eq!(due(&store, 59_999).await, []);
    // It was put off by a clock that was hours ahead.
    assert_eq!(due(&store, 60_000 - 5 * 3_600_000).await.len(), 1);
    let wanted = DueMeter {
        meter,
        due: DUE,
        charged: Money::from_nanos(10_000),
        max_cost: None,
        held: Money::from_nanos(7),
        standing: Standing::Good,
        observed: Observed::Up,
        started: pod.started,
        up_until: pod.up_until,
        observed_at: None,
        ended: None,
    };
    assert_eq!(due(&store, 60_000).await, std::slice::from_ref(&wanted));
    let out = Standing::Out { since: at(5) };
    store.account_standing_set(&account(), out).await.unwrap();
    assert_eq!(due(&store, 60_000).await[0].standing, out);
    let (one, other) = (metered(2, at(0), at(1_000)), metered(3, at(0), at(1_000)));
    up(&store, 2).await;
    up(&store, 3).await;
    let closed = Meter {
        closed: Some(at(1_000)),
        ..other
    };
    apply(&store, &[opened(one), opened(closed)]).await.unwrap();
    assert_eq!(
        due(&store, 60_000).await.len(),
        2,
        "closed ones are not due"
    );
}

fn moved(meter: &Meter, until: i64, held: i64) -> MeterMove {
    let change = counted(meter, at(until));
    let transfers = charge(&change, Money::from_nanos(held)).unwrap();
    MeterMove::new(change, transfers, at(120_000)).unwrap()
}

async fn those_that_were_moved_meanwhile_are_left_alone(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let numbers = 1..=300;
    let mut moves = Vec::new();
    for number in numbers.clone() {
        let meter = metered(number, at(0), at(1_000));
        apply(&store, &[opened(meter.clone())]).await.unwrap();
        moves.push(moved(&meter, 31_000, 0));
    }
    let first = metered(1, at(0), at(1_000));
    apply(&store, &[counted(&first, at(6_000))]).await.unwrap();
    assert_eq!(store.meter_move(&moves).await, Ok(299));
    assert_eq!(
        store.meter_move(&moves).await,
        Ok(0),
        "a replay changes nothing"
    );
    for number in numbers {
        let charged = store.pod_charged(&PodId::from_entropy(number)).await;
        let wanted = if number == 1 { 6_000 } else { 31_000 };
        assert_eq!(charged, Ok(Money::from_nanos(wanted)));
    }
    store.ledger_check().await.unwrap();
}

async fn a_hold_that_is_gone_takes_the_whole_batch_back(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let meters = [1, 2].map(|number| metered(number, at(0), at(1_000)));
    apply(&store, &meters.clone().map(opened)).await.unwrap();
    let moves = [moved(&meters[0], 9_000, 0), moved(&meters[1], 9_000, 1)];
    assert_eq!(store.meter_move(&moves).await, Err(Error::Stale));
    let kept = store.meter_last_of_pod(&PodId::from_entropy(1)).await;
    assert_eq!(kept, Ok(vec![meters[0].clone()]));
    store.ledger_check().await.unwrap();
}

async fn who_pays_before_is_charged_no_further_than_was_decided(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Prepaid).await;
    let payment = top_up(&account(), Money::from_nanos(20_000), "first", at(0));
    store.account_top_up(&payment).await.unwrap();
    let meters = [1, 2].map(|number| metered(number, at(0), at(9_000)));
    apply(&store, &meters.clone().map(opened)).await.unwrap();
    let left = store.account_left(&[account()]).await.unwrap();
    assert_eq!(left[&account()], Money::from_nanos(2_000));
    // Together they would leave less than nothing.
    let moves = [moved(&meters[0], 11_000, 0), moved(&meters[1], 10_000, 0)];
    assert_eq!(store.meter_move(&moves).await, Err(Error::Stale));
    assert_eq!(store.meter_move(&moves[..1]).await, Ok(1));
    // An interval more than it has is decided on, and no more than that is charged.
    let change = [counted(&meters[1], at(14_000))];
    let charges = charge(&change[0], Money::ZERO).unwrap();
    for (least, applied) in [(-4_999, Err(Error::Stale)), (-5_000, Ok(()))] {
        let least = Some(Money::from_nanos(least));
        let done = store.meter_apply(&change, &charges, least, DUE).await;
        assert_eq!(done, applied);
    }
    let left = store.account_left(&[account()]).await.unwrap();
    assert_eq!(left[&account()], Money::from_nanos(-5_000));
    let silent = store.accounts_silent(at(12_000)).await.unwrap();
    assert_eq!(silent[&account()], at(11_000));
    assert!(store.accounts_silent(at(11_000)).await.unwrap().is_empty());
    store.ledger_check().await.unwrap();
}

async fn pods_that_are_up_and_have_no_meter_are_found(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let (first, second) = (up(&store, 1).await, up(&store, 2).await);
    store.pod_insert(&bare_pod(3)).await.unwrap();
    apply(&store, &[opened(metered(1, at(0), at(1_000)))])
        .await
        .unwrap();
    assert_eq!(store.meter_missing(10).await, Ok(vec![second.id]));
    let open = metered(1, at(0), at(1_000));
    let closed = Meter {
        closed: Some(at(1_000)),
        ..open.clone()
    };
    let change = Change {
        before: Some(open),
        after: closed,
    };
    apply(&store, &[change]).await.unwrap();
    let missing = store.meter_missing(10).await.unwrap();
    assert!(missing.len() == 2 && missing.contains(&first.id));
}

async fn what_was_charged_before_there_were_meters_is_adopted(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    // Two starts ago, and since the last start; by transfers that name no meter.
    for until in [5_000_i64, 50_000, 60_000] {
        let began = if until == 5_000 { 0 } else { 40_000 };
        let from = if until == 60_000 { 50_000 } else { began };
        let change = counted(&metered(1, at(began), at(from)), at(until));
        let mut transfers = charge(&change, Money::ZERO).unwrap();
        transfers.iter_mut().for_each(|t| {
            t.id = livery_units::TransferId::from_entropy(u128::from(until.unsigned_abs()));
            t.meter = None;
        });
        store.transfer_post(&transfers).await.unwrap();
    }
    let pod = PodId::from_entropy(1);
    let charged = store.pod_charged_unmetered(&pod, at(40_000)).await.unwrap();
    assert_eq!(charged, Money::from_nanos(20_000));
    let rate = Rate::hourly(Money::from_nanos(3_600_000));
    let meter = Meter::adopted(&subject(1), rate, at(40_000), charged);
    store.meter_adopt(&meter, at(0)).await.unwrap();
    assert_eq!(store.meter_adopt(&meter, at(0)).await, Err(Error::Exists));
    store.ledger_check().await.unwrap();
    apply(&store, &[counted(&meter, at(65_000))]).await.unwrap();
    assert_eq!(store.pod_charged(&pod).await, Ok(Money::from_nanos(30_000)));
    let last = store.meter_last_of_pod(&pod).await.unwrap();
    assert_eq!(
        (last[0].item, last[0].charged),
        (Item::Compute, Money::from_nanos(25_000))
    );
    store.ledger_check().await.unwrap();
}

async fn a_doctored_meter_is_found(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let meter = metered(1, at(0), at(9_000));
    apply(&store, &[opened(meter.clone())]).await.unwrap();
    store.ledger_check().await.unwrap();
    let url = database.url.replace("li very?#%41", "li%20very%3F%23%2541");
    let raw = Database { url };
    for (spoil, repair) in [
        (
            "UPDATE meters SET charged = charged + 1",
            "UPDATE meters SET charged = charged - 1",
        ),
        (
            "UPDATE meters SET closed = 5",
            "UPDATE meters SET closed = NULL",
        ),
        (
            "UPDATE pod_money SET charged = charged + 1",
            "UPDATE pod_money SET charged = charged - 1",
        ),
    ] {
        raw.sabotage(spoil).await;
        let found = store.ledger_check().await;
        assert!(
            matches!(found, Err(Error::Corrupt(_))),
            "{spoil}: {found:?}"
        );
        raw.sabotage(repair).await;
        store.ledger_check().await.unwrap();
    }
}

//! What is held is held for what runs: it comes back when a pod is down, and a start holds again.

use crate::support::{Bench, PRICE_HOURLY_NANOS, until};
use livery_domain::pod::{Desired, Observed, Phase, Pod};
use livery_ledger::{Book, Party, hold};
use livery_store::{Credit, Which};
use livery_units::{LaunchKey, Money, PodId, Span};

/// What the account has.
const TEN: i64 = 10_000_000_000;

async fn comes_to(bench: &Bench, pod: &Pod, wanted: Phase) -> Pod {
    until(&format!("the pod is {wanted}"), || async {
        let found = bench.engine.pod_fetch(&bench.account, pod.id.as_str());
        let found = found.await.unwrap();
        (found.phase() == wanted).then_some(found)
    })
    .await
}

async fn held(bench: &Bench) -> Money {
    let book = Book::Held(bench.account.clone());
    bench.store.balance(&book).await.unwrap()
}

/// Waits until nothing is held, and returns what is to be had then.
async fn nothing_held(bench: &Bench) -> Money {
    until("nothing is held", || async {
        (held(bench).await == Money::ZERO).then_some(())
    })
    .await;
    let book = Book::Balance(bench.account.clone());
    bench.store.balance(&book).await.unwrap()
}

async fn pod(bench: &Bench) -> Pod {
    let created = bench.engine.pod_create(&bench.account, bench.new_pod());
    let pod = created.await.unwrap();
    assert!(held(bench).await > Money::ZERO);
    comes_to(bench, &pod, Phase::Running).await
}

async fn stop(bench: &Bench, pod: &Pod) {
    let id = pod.id.as_str();
    bench.engine.pod_stop(&bench.account, id).await.unwrap();
    comes_to(bench, pod, Phase::Stopped).await;
}

/// A bench whose account pays before and has ten dollars.
async fn prepaid() -> Bench {
    let mut bench = Bench::new().await;
    let lab = bench.engine.account_create("lab").await.unwrap();
    bench.account = lab.id;
    let ten = Money::from_nanos(TEN);
    let granted = bench.engine.account_grant(&bench.account, ten, "first");
    granted.await.unwrap();
    bench
}

#[tokio::test]
async fn a_stopped_pod_holds_nothing_and_a_start_holds_again() {
    let bench = prepaid().await;
    let up = pod(&bench).await;
    for start in 1..=3 {
        stop(&bench, &up).await;
        let left = nothing_held(&bench).await;
        let charged = bench.store.pod_charged(&up.id).await.unwrap();
        assert_eq!(left.plus(charged), Ok(Money::from_nanos(TEN)));
        let id = up.id.as_str();
        let again = bench.engine.pod_start(&bench.account, id).await.unwrap();
        assert_eq!(again.starts, start);
        assert!(held(&bench).await > Money::ZERO, "start {start}");
        // Asked twice is started once.
        let twice = bench.engine.pod_start(&bench.account, id).await.unwrap();
        assert_eq!(twice.starts, start);
        comes_to(&bench, &up, Phase::Running).await;
    }
    let id = up.id.as_str();
    bench
        .engine
        .pod_terminate(&bench.account, id)
        .await
        .unwrap();
    until("the pod is closed", || async {
        let gone = bench.engine.pod_fetch(&bench.account, id).await.unwrap();
        gone.ended
    })
    .await;
    assert_eq!(held(&bench).await, Money::ZERO);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn who_waits_for_a_stop_can_spend_at_once_what_was_held() {
    let bench = prepaid().await;
    let up = pod(&bench).await;
    let id = up.id.as_str();
    bench.engine.pod_stop(&bench.account, id).await.unwrap();
    let most = Span::from_secs(60);
    let stopped = bench.engine.pod_wait(&bench.account, id, most);
    assert_eq!(stopped.await.unwrap().phase(), Phase::Stopped);
    assert_eq!(held(&bench).await, Money::ZERO);
}

#[tokio::test]
async fn a_start_that_cannot_be_paid_for_is_refused_as_a_launch_is() {
    let bench = prepaid().await;
    let up = pod(&bench).await;
    stop(&bench, &up).await;
    nothing_held(&bench).await;
    // What the start would need is held for something else.
    let party = Party {
        account: bench.account.clone(),
        pod: PodId::from_entropy(7),
        run: None,
        start: 0,
    };
    let most = hold(&party, Money::from_nanos(TEN - TEN / 20), up.created);
    bench.store.transfer_post(&[most]).await.unwrap();
    let id = up.id.as_str();
    let refused = bench.engine.pod_start(&bench.account, id).await;
    let error = refused.unwrap_err();
    assert_eq!(error.code(), "MON001", "{error}");
    let still = comes_to(&bench, &up, Phase::Stopped).await;
    assert_eq!(still.starts, 0);
    assert_eq!(bench.store.pod_held(&up.id).await, Ok(Money::ZERO));
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_pod_whose_command_ended_holds_nothing_until_it_comes_back() {
    let bench = prepaid().await;
    let up = pod(&bench).await;
    bench.host.end_commands();
    comes_to(&bench, &up, Phase::Exited).await;
    nothing_held(&bench).await;
    // Not by a start of ours.
    bench.host.begin_commands();
    let back = comes_to(&bench, &up, Phase::Running).await;
    assert_eq!(back.starts, 1);
    until("its hour is held again", || async {
        (held(&bench).await > Money::ZERO).then_some(())
    })
    .await;
    bench.store.ledger_check().await.unwrap();
}

/// What was charged for the pod's machine, in seconds of its price.
async fn seconds_charged(bench: &Bench, pod: &Pod) -> i64 {
    let charged = bench.store.pod_charged(&pod.id).await.unwrap();
    let second = pod.offer.price.accrued(Span::from_secs(1)).unwrap();
    charged.nanos() / second.nanos()
}

#[tokio::test]
async fn a_pod_whose_command_ended_is_billed_until_then() {
    let bench = prepaid().await;
    bench.clock.stand_still();
    let up = pod(&bench).await;
    // Nobody looks before the next look is due.
    bench.host.end_commands_ago(Span::from_millis(1_500));
    bench.clock.forward(10);
    comes_to(&bench, &up, Phase::Exited).await;
    nothing_held(&bench).await;
    assert_eq!(seconds_charged(&bench, &up).await, 8);
    // What the host goes on to say changes nothing.
    bench.clock.forward(6);
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    comes_to(&bench, &up, Phase::Terminated).await;
    assert_eq!(seconds_charged(&bench, &up).await, 8);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_pod_that_is_terminated_after_its_command_ended_is_billed_until_it_ended() {
    let bench = prepaid().await;
    bench.clock.stand_still();
    let up = pod(&bench).await;
    bench.host.end_commands_ago(Span::from_millis(900));
    bench.clock.forward(4);
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    comes_to(&bench, &up, Phase::Terminated).await;
    assert_eq!(seconds_charged(&bench, &up).await, 3);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn what_a_crash_left_held_is_given_back() {
    let mut bench = prepaid().await;
    let up = pod(&bench).await;
    bench.engine.stop();
    bench.engine.stopped().await;
    // It was seen to be down, and whoever saw it died before they counted anything.
    let mut down = bench.store.pod_fetch(&up.id).await.unwrap();
    down.desired = Desired::Stopped;
    down.saw(Observed::Down, down.observed_at.unwrap());
    bench.store.pod_update(&down).await.unwrap();
    // And one that has ended was left with its hold, as could be before.
    let gone = Pod {
        id: PodId::from_entropy(7),
        launch_key: LaunchKey::from_entropy(7),
        generation: 0,
        ..down.clone()
    };
    let party = Party {
        account: bench.account.clone(),
        pod: gone.id.clone(),
        run: None,
        start: 0,
    };
    let hour = Money::from_nanos(PRICE_HOURLY_NANOS);
    let left = hold(&party, hour, down.created);
    let kept = bench.store.pod_insert_held(&gone, Some(&left), &[]);
    kept.await.unwrap();
    let ended = Pod {
        desired: Desired::Gone,
        observed: Observed::Absent,
        ended: down.observed_at,
        ..gone
    };
    bench.store.pod_update(&ended).await.unwrap();
    assert!(bench.store.ledger_check().await.is_err());
    bench.host.end_commands();
    bench.restart().await;
    // What is down is looked at once a minute.
    bench.clock.forward(61);
    nothing_held(&bench).await;
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_launch_that_cannot_be_paid_for_leaves_nothing_behind() {
    let bench = Bench::new().await;
    let none = Credit::Prepaid;
    let account = &bench.account;
    bench.store.account_credit_set(account, none).await.unwrap();
    let refused = bench.engine.pod_create(account, bench.new_pod()).await;
    assert_eq!(refused.unwrap_err().code(), "MON001");
    let rows = bench.store.pod_list(Some(account), Which::All);
    let rows = rows.await.unwrap();
    assert_eq!(rows, Vec::new());
}

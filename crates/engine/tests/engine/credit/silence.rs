//! What happens to an account while nobody looks, and between a look and the act.

use super::{
    HOURS, burn_down_to, comes_to, dollars, left, look, notices, pod, prepaid, stand, told, top_up,
};
use crate::support::{Bench, until};
use livery_domain::account::Standing;
use livery_domain::pod::{Observed, Phase, Pod};
use livery_domain::reminder::NoticeKind;
use livery_domain::volume::VolumePhase;
use livery_engine::{NewVolume, SettingsChange};
use livery_units::{Bytes, LaunchKey, Money, PodId};
use std::time::Duration;

/// What the pod of these tests costs in a minute, at most.
const MINUTE: i64 = 2;

#[tokio::test]
async fn an_account_owes_a_minute_at_most_however_long_its_host_was_silent() {
    let bench = prepaid().await;
    let box_ = pod(&bench).await;
    burn_down_to(&bench, 300).await;
    bench.host.script(|script| script.unreachable = true);
    bench.clock.forward(24 * HOURS);
    look(&bench).await;
    assert!(left(&bench).await > Money::ZERO, "nobody knows how it is");
    // Its money would be used up by now: it is to stop as soon as its host hears that.
    let stopping = comes_to(&bench, &box_, Phase::Stopping).await;
    let words = stopping.ruled.unwrap();
    assert!(words.contains("a host was silent"), "{words}");
    let notice = told(&bench, NoticeKind::PolicyAction).await;
    let words = "1 pod is told to stop: a host was silent";
    assert!(notice.message.starts_with(words), "{}", notice.message);
    assert_eq!(stand(&bench).await.standing, Standing::Good);
    bench.host.script(|script| script.unreachable = false);
    comes_to(&bench, &box_, Phase::Stopped).await;

    let owed = Money::ZERO.saturating_minus(left(&bench).await);
    assert!(owed <= dollars(MINUTE), "{owed} owed");
    until("it has run out", || async {
        look(&bench).await;
        (stand(&bench).await.standing != Standing::Good).then_some(())
    })
    .await;
    // What is owed then stays owed.
    look(&bench).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    look(&bench).await;
    assert_eq!(Money::ZERO.saturating_minus(left(&bench).await), owed);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn an_account_owes_a_minute_at_most_after_the_control_plane_was_away() {
    let mut bench = prepaid().await;
    let box_ = pod(&bench).await;
    burn_down_to(&bench, 300).await;
    bench.engine.stop();
    bench.engine.stopped().await;
    bench.clock.forward(24 * HOURS);
    bench.restart().await;
    comes_to(&bench, &box_, Phase::Stopped).await;
    let owed = Money::ZERO.saturating_minus(left(&bench).await);
    assert!(owed <= dollars(MINUTE), "{owed} owed");
    bench.store.ledger_check().await.unwrap();
}

/// Says the last warning, and lets the day after it pass while nobody looks.
async fn about_to_be_deleted() -> (Bench, Pod) {
    let bench = prepaid().await;
    let wanted = NewVolume {
        name: "data".to_owned(),
        size: Bytes::gib(10),
        host: None,
    };
    let volume = bench.engine.volume_create(&bench.account, wanted);
    volume.await.unwrap();
    let box_ = pod(&bench).await;
    burn_down_to(&bench, 1).await;
    let box_ = comes_to(&bench, &box_, Phase::Stopped).await;
    bench.clock.forward(6 * 24 * HOURS + HOURS);
    told(&bench, NoticeKind::LastWarning).await;
    until("the warning is noted", || async {
        stand(&bench).await.last_warned
    })
    .await;
    bench.engine.stop();
    bench.engine.stopped().await;
    bench.clock.forward(24 * HOURS);
    (bench, box_)
}

#[tokio::test]
async fn what_is_there_when_the_account_is_topped_up_stays() {
    let (mut bench, box_) = about_to_be_deleted().await;
    // The payment is in the books a moment after it was decided to delete and the pod is gone.
    bench
        .sql(
            "CREATE TRIGGER paid AFTER UPDATE OF desired ON pods WHEN NEW.desired = 'gone'
         BEGIN UPDATE accounts SET out_since = NULL; END;",
        )
        .await;
    bench.restart().await;
    comes_to(&bench, &box_, Phase::Terminated).await;
    look(&bench).await;
    top_up(&bench, "second").await;
    look(&bench).await;
    let kept = bench.engine.volume_fetch(&bench.account, "data");
    assert_eq!(kept.await.unwrap().volume.phase(), VolumePhase::Ready);
}

#[tokio::test]
async fn a_pod_that_cannot_be_written_keeps_no_other_running() {
    let bench = prepaid().await;
    let mut bad = bench.new_pod();
    bad.name = Some("bad".into());
    let bad = bench.engine.pod_create(&bench.account, bad).await.unwrap();
    let good = pod(&bench).await;
    comes_to(&bench, &bad, Phase::Running).await;
    bench
        .sql(&format!(
            "CREATE TRIGGER bad BEFORE UPDATE OF desired ON pods
         WHEN NEW.id = '{}' AND NEW.desired = 'stopped'
         BEGIN SELECT RAISE(ABORT, 'a bad page'); END;",
            bad.id
        ))
        .await;
    burn_down_to(&bench, 1).await;
    comes_to(&bench, &good, Phase::Stopped).await;
    bench.sql("DROP TRIGGER bad;").await;
    comes_to(&bench, &bad, Phase::Stopped).await;
    assert_eq!(notices(&bench, NoticeKind::OutOfCredit).await.len(), 1);
}

#[tokio::test]
async fn accounts_that_rent_nothing_are_not_looked_at_closely() {
    let bench = prepaid().await;
    for number in 0..5 {
        let name = format!("friend {number}");
        bench.engine.account_create(&name).await.unwrap();
    }
    let seen = async |accounts: u64| {
        until("the accounts are seen to", || async {
            super::settle(&bench, SettingsChange::default())
                .await
                .unwrap();
            let tasks = bench.engine.tasks();
            let task = tasks.into_iter().find(|task| task.name == "credit")?;
            (task.result["accounts"] == accounts).then_some(task.result["looked_at"].clone())
        })
        .await
    };
    assert_eq!(seen(7).await, 0);
}

#[tokio::test]
async fn a_pod_that_cannot_be_paid_for_does_not_start_at_a_later_top_up() {
    let bench = prepaid().await;
    let paid = pod(&bench).await;
    // Its row was written, and the control plane ended before anything was held for it.
    let mut unpaid = Pod {
        id: PodId::from_entropy(7),
        launch_key: LaunchKey::from_entropy(7),
        foreign_id: None,
        observed: Observed::Unknown,
        observed_at: None,
        started: None,
        up_until: None,
        generation: 0,
        ..paid.clone()
    };
    unpaid.order.name = "unpaid".to_owned();
    unpaid.offer.price.amount = dollars(1_000_000);
    bench.store.pod_insert(&unpaid).await.unwrap();
    let gone = comes_to(&bench, &unpaid, Phase::Terminated).await;
    let why = gone.reason.unwrap();
    assert!(why.contains("must be held"), "{why}");
    assert_eq!(bench.host.created(), 1);
}

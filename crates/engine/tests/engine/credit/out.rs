//! Without credit: pods stop, volumes are kept, warned of for the last time, and deleted.

use super::{
    HOURS, burn_down_to, code, comes_to, left, look, notices, pod, prepaid, stand, told, top_up,
};
use crate::support::{Bench, CLOUD, submission, until};
use livery_domain::account::Standing;
use livery_domain::offer::SupplierName;
use livery_domain::pod::{Phase, Pod};
use livery_domain::reminder::NoticeKind;
use livery_domain::run::{Outcome, RunStep};
use livery_domain::volume::VolumePhase;
use livery_engine::NewVolume;
use livery_units::{Bytes, Day, Money, Span};

#[tokio::test]
async fn little_is_warned_of_once_and_nothing_left_stops_pods_and_keeps_their_volumes() {
    let bench = prepaid().await;
    let box_ = pod(&bench).await;
    assert!(notices(&bench, NoticeKind::LowBalance).await.is_empty());
    burn_down_to(&bench, 450).await;
    let warning = told(&bench, NoticeKind::LowBalance).await;
    assert!(
        warning.message.contains("the balance is $4."),
        "{}",
        warning.message
    );
    assert_eq!(stand(&bench).await.standing, Standing::Good);
    assert_eq!(
        bench
            .engine
            .pod_fetch(&bench.account, "box")
            .await
            .unwrap()
            .phase(),
        Phase::Running
    );

    // Less than a minute's worth is left: it stops before it owes anything.
    burn_down_to(&bench, 1).await;
    let stopped = comes_to(&bench, &box_, Phase::Stopped).await;
    let words = stopped.ruled.unwrap();
    assert_eq!(words, "stopped: its account has no credit left");
    assert_eq!(bench.host.pod_count(), 1, "its volume is kept");
    let out = told(&bench, NoticeKind::OutOfCredit).await;
    assert!(out.message.contains("1 pod is stopped"), "{}", out.message);
    assert_ne!(stand(&bench).await.standing, Standing::Good);
    assert!(left(&bench).await >= Money::ZERO, "{}", left(&bench).await);
    assert_eq!(notices(&bench, NoticeKind::LowBalance).await.len(), 1);

    let start = bench.engine.pod_start(&bench.account, "box").await;
    assert_eq!(code(&start.unwrap_err()), "MON002");
    let create = bench.engine.pod_create(&bench.account, bench.new_pod());
    assert_eq!(code(&create.await.unwrap_err()), "MON002");

    // A top-up makes all well, and starts nothing by itself.
    top_up(&bench, "second").await;
    assert_eq!(stand(&bench).await.standing, Standing::Good);
    look(&bench).await;
    let pod = bench.engine.pod_fetch(&bench.account, "box").await.unwrap();
    assert_eq!(pod.phase(), Phase::Stopped);
    bench.engine.pod_start(&bench.account, "box").await.unwrap();
    let again = comes_to(&bench, &box_, Phase::Running).await;
    assert_eq!((again.ruled, bench.host.created()), (None, 1));
    bench.store.ledger_check().await.unwrap();
}

/// An account that ran out with a stopped pod.
async fn out_of_credit() -> (Bench, Pod) {
    let bench = prepaid().await;
    let pod = pod(&bench).await;
    burn_down_to(&bench, 1).await;
    let pod = comes_to(&bench, &pod, Phase::Stopped).await;
    (bench, pod)
}

#[tokio::test]
async fn after_the_grace_period_and_a_last_warning_what_was_kept_is_deleted() {
    let (bench, pod) = out_of_credit().await;
    let Standing::Out { since } = stand(&bench).await.standing else {
        panic!("it has credit");
    };
    let deletion = since.after(Span::from_secs(7 * 86_400));
    let sheet = bench.engine.balance(&bench.account).await.unwrap();
    assert_eq!(sheet.deletion, Some(deletion));
    bench.clock.forward(6 * 24 * HOURS - HOURS);
    look(&bench).await;
    assert!(notices(&bench, NoticeKind::LastWarning).await.is_empty());
    bench.clock.forward(2 * HOURS);
    let warning = told(&bench, NoticeKind::LastWarning).await;
    assert!(
        warning.message.contains(&Day::of(deletion).to_string()),
        "{}",
        warning.message
    );
    until("the warning is noted", || async {
        stand(&bench).await.last_warned
    })
    .await;
    let kept = bench.engine.pod_fetch(&bench.account, "box").await.unwrap();
    assert_eq!(kept.phase(), Phase::Stopped);
    assert_eq!(bench.host.pod_count(), 1);

    bench.clock.forward(24 * HOURS);
    let gone = comes_to(&bench, &pod, Phase::Terminated).await;
    assert!(
        gone.ruled
            .unwrap()
            .starts_with("terminated: its account had no credit for 7d")
    );
    assert_eq!(bench.host.pod_count(), 0);
    assert_eq!(notices(&bench, NoticeKind::LastWarning).await.len(), 1);
    assert!(left(&bench).await >= Money::ZERO);
    bench.store.ledger_check().await.unwrap();
}

/// Has the store keep no notices.
async fn keep_no_notices(bench: &Bench) {
    bench
        .sql(
            "CREATE TRIGGER full BEFORE INSERT ON notices \
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
        )
        .await;
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later_and_nothing_is_deleted_unwarned() {
    let bench = prepaid().await;
    let box_ = pod(&bench).await;
    keep_no_notices(&bench).await;
    burn_down_to(&bench, 1).await;
    comes_to(&bench, &box_, Phase::Stopped).await;
    assert!(notices(&bench, NoticeKind::OutOfCredit).await.is_empty());
    bench.sql("DROP TRIGGER full").await;
    told(&bench, NoticeKind::OutOfCredit).await;

    keep_no_notices(&bench).await;
    bench.clock.forward(30 * 24 * HOURS);
    let passes = || {
        let tasks = bench.engine.tasks();
        let task = tasks.into_iter().find(|task| task.name == "credit");
        task.map_or(0, |task| task.activations)
    };
    let before = passes();
    until("the account was seen to", || async {
        look(&bench).await;
        (passes() >= before + 2).then_some(())
    })
    .await;
    assert_eq!(stand(&bench).await.last_warned, None);
    bench.sql("DROP TRIGGER full").await;
    told(&bench, NoticeKind::LastWarning).await;
    let kept = bench.engine.pod_fetch(&bench.account, "box").await.unwrap();
    assert_eq!(kept.phase(), Phase::Stopped);
    assert_eq!(notices(&bench, NoticeKind::OutOfCredit).await.len(), 1);
}

#[tokio::test]
async fn a_top_up_within_the_grace_period_saves_what_is_kept() {
    let (bench, pod) = out_of_credit().await;
    bench.clock.forward(6 * 24 * HOURS + HOURS);
    told(&bench, NoticeKind::LastWarning).await;
    top_up(&bench, "at the last moment").await;
    assert_eq!(stand(&bench).await.standing, Standing::Good);
    bench.clock.forward(100 * 24 * HOURS);
    look(&bench).await;
    let kept = bench.engine.pod_fetch(&bench.account, pod.id.as_str());
    assert_eq!(kept.await.unwrap().phase(), Phase::Stopped);
    assert_eq!(bench.host.pod_count(), 1);
}

#[tokio::test]
async fn a_crash_between_the_acts_changes_nothing_of_them() {
    let (mut bench, pod) = out_of_credit().await;
    bench.clock.forward(6 * 24 * HOURS + HOURS);
    told(&bench, NoticeKind::LastWarning).await;
    for _ in 0..3 {
        bench.restart().await;
        look(&bench).await;
    }
    bench.clock.forward(24 * HOURS);
    comes_to(&bench, &pod, Phase::Terminated).await;
    assert_eq!(notices(&bench, NoticeKind::LastWarning).await.len(), 1);
    assert_eq!(notices(&bench, NoticeKind::OutOfCredit).await.len(), 1);
}

#[tokio::test]
async fn a_run_without_credit_ends_over_budget_with_its_results() {
    let bench = prepaid().await;
    let run = bench
        .submit("name: job\nresources: {image_id: 'ubuntu:24.04', cpus: 1+}\nrun: train\noutputs: ['out/**']\n")
        .await;
    until("it trains", || async {
        let run = bench.engine.run_fetch(&bench.account, run.id.as_str());
        (run.await.unwrap().step == RunStep::Train).then_some(())
    })
    .await;
    // Four minutes' worth: enough to bring the results home, and no more.
    burn_down_to(&bench, 6).await;
    look(&bench).await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::OverBudget, "{:?}", over.reason);
    assert_eq!(over.reason.unwrap(), "its account has no credit left");
    assert!(over.results.is_some(), "results come home all the same");
    assert_eq!(bench.host.pod_count(), 0);
    assert!(left(&bench).await >= Money::ZERO);
    assert_eq!(stand(&bench).await.standing, Standing::Good);
    // The next one is not even accepted.
    let next = "name: next\nresources: {image_id: 'ubuntu:24.04', cpus: 1+}\nrun: train\n";
    let next = bench.engine.run_submit(&bench.account, submission(next));
    assert_eq!(code(&next.await.unwrap_err()), "MON001");
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_network_volume_is_kept_for_nothing_and_deleted_with_the_rest() {
    let bench = prepaid().await;
    let wanted = NewVolume {
        name: "data".to_owned(),
        size: Bytes::gib(10),
        host: None,
    };
    let volume = bench.engine.volume_create(&bench.account, wanted);
    let id = volume.await.unwrap().volume.id;
    let phase = async || {
        let view = bench.engine.volume_fetch(&bench.account, id.as_str());
        view.await.unwrap().volume.phase()
    };
    until("the volume is there", || async {
        (phase().await == VolumePhase::Ready).then_some(())
    })
    .await;
    let box_ = pod(&bench).await;
    burn_down_to(&bench, 1).await;
    comes_to(&bench, &box_, Phase::Stopped).await;
    let before = left(&bench).await;
    assert!(before >= Money::ZERO, "{before}");
    bench.clock.forward(6 * 24 * HOURS + HOURS);
    let warning = told(&bench, NoticeKind::LastWarning).await;
    assert!(warning.message.contains("2 volumes"), "{}", warning.message);
    assert_eq!(left(&bench).await, before, "what is kept costs nothing");
    assert_eq!(phase().await, VolumePhase::Ready);
    bench.clock.forward(24 * HOURS);
    comes_to(&bench, &box_, Phase::Terminated).await;
    until("the volume is deleted", || async {
        look(&bench).await;
        (phase().await == VolumePhase::Deleted).then_some(())
    })
    .await;
    assert_eq!(left(&bench).await, before);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_run_whose_results_never_come_ends_when_its_time_is_over() {
    let bench = prepaid().await;
    let run = bench
        .submit("name: job\nresources: {image_id: 'ubuntu:24.04', cpus: 1+}\nrun: train\noutputs: ['out/**']\n")
        .await;
    until("it trains", || async {
        let run = bench.engine.run_fetch(&bench.account, run.id.as_str());
        (run.await.unwrap().step == RunStep::Train).then_some(())
    })
    .await;
    bench.host.script(|script| script.collect_hangs = true);
    burn_down_to(&bench, 6).await;
    until("it brings its results home", || async {
        look(&bench).await;
        let run = bench.engine.run_fetch(&bench.account, run.id.as_str());
        (run.await.unwrap().step == RunStep::Pull).then_some(())
    })
    .await;
    // Five minutes later its time is over, and its money too.
    bench.clock.forward(300);
    until("its pod is gone", || async {
        look(&bench).await;
        (bench.host.pod_count() == 0).then_some(())
    })
    .await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::OverBudget);
    assert!(over.results.is_none());
    assert_ne!(stand(&bench).await.standing, Standing::Good);
}

/// Where machines cannot be stopped, one that nobody pays for is ended.
#[tokio::test]
async fn a_pod_that_cannot_be_stopped_is_terminated_when_nothing_is_left() {
    let bench = prepaid().await;
    bench.cloud.script(|script| {
        script.down = false;
        script.cannot_stop = true;
    });
    let mut new = bench.new_pod();
    new.need.suppliers = vec![SupplierName::new(CLOUD)];
    let created = bench.engine.pod_create(&bench.account, new).await.unwrap();
    let there = comes_to(&bench, &created, Phase::Running).await;
    burn_down_to(&bench, 1).await;
    let gone = comes_to(&bench, &there, Phase::Terminated).await;
    let words = gone.ruled.unwrap();
    assert!(words.contains("cannot be stopped"), "{words}");
    assert_eq!(bench.cloud.machines(), [""; 0]);
}

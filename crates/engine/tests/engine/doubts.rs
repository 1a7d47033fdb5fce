//! Answers that were lost, wishes that came at the wrong moment, pods that nobody looks after.

use crate::support::{Bench, host_id, until};
use livery_domain::pod::{Phase, Pod};
use livery_engine::Error;

async fn create(bench: &Bench) -> Pod {
    bench
        .engine
        .pod_create(&bench.account, bench.new_pod())
        .await
        .unwrap()
}

async fn fetch(bench: &Bench, pod: &Pod) -> Pod {
    bench
        .engine
        .pod_fetch(&bench.account, pod.id.as_str())
        .await
        .unwrap()
}

async fn comes_to(bench: &Bench, pod: &Pod, wanted: Phase) -> Pod {
    until(&format!("pod is {wanted}"), || async {
        let pod = fetch(bench, pod).await;
        let settled = wanted != Phase::Terminated || pod.ended.is_some();
        (pod.phase() == wanted && settled).then_some(pod)
    })
    .await
}

/// A pod whose launch is done and was not heard of.
async fn unheard(bench: &Bench) -> Pod {
    bench.host.script(|script| script.create_answer_lost = true);
    let pod = create(bench).await;
    until("the host has made it", || async {
        (bench.host.created() == 1).then_some(())
    })
    .await;
    pod
}

#[tokio::test]
async fn a_launch_that_was_not_heard_is_repeated_and_makes_one_pod() {
    let bench = Bench::new().await;
    let pod = unheard(&bench).await;
    comes_to(&bench, &pod, Phase::Running).await;
    assert_eq!(bench.host.created(), 1);
}

#[tokio::test]
async fn a_pod_whose_launch_was_not_heard_is_ended_all_the_same() {
    let bench = Bench::new().await;
    let pod = unheard(&bench).await;
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    comes_to(&bench, &pod, Phase::Terminated).await;
    assert_eq!(bench.host.pod_count(), 0);
    assert_eq!(bench.host.created(), 1);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_pod_whose_launch_was_not_heard_is_found_stopped_and_started() {
    let bench = Bench::new().await;
    let pod = unheard(&bench).await;
    bench.engine.pod_stop(&bench.account, "box").await.unwrap();
    let stopped = comes_to(&bench, &pod, Phase::Stopped).await;
    assert!(stopped.foreign_id.is_some(), "what was found is remembered");
    bench.engine.pod_start(&bench.account, "box").await.unwrap();
    comes_to(&bench, &pod, Phase::Running).await;
    assert_eq!(bench.host.created(), 1, "it is the same pod");
}

#[tokio::test]
async fn a_launch_that_was_not_heard_of_is_not_undone_by_its_host_being_away() {
    let bench = Bench::new().await;
    bench
        .host
        .script(|script| script.leaves_when_created = true);
    let pod = unheard(&bench).await;
    let host = bench.hosts.remove(&host_id()).unwrap();
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    until("the silence is noted", || async {
        let reason = fetch(&bench, &pod).await.reason?;
        reason.contains("does not say what it has").then_some(())
    })
    .await;
    assert_eq!(fetch(&bench, &pod).await.ended, None);
    bench.host.script(|script| script.unreachable = false);
    bench.hosts.add(host_id(), host);
    bench.clock.forward(60);
    comes_to(&bench, &pod, Phase::Terminated).await;
    assert_eq!(bench.host.pod_count(), 0);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn a_pod_stopped_before_it_was_made_can_be_started() {
    let bench = Bench::new().await;
    let pod = create_out_of_reach(&bench).await;
    bench.engine.pod_stop(&bench.account, "box").await.unwrap();
    let refused = bench.engine.pod_start(&bench.account, "box").await;
    assert!(
        matches!(refused, Err(Error::PodPhase { .. })),
        "{refused:?}"
    );
    bench.host.script(|script| script.unreachable = false);
    let stopped = comes_to(&bench, &pod, Phase::Stopped).await;
    assert_eq!((stopped.foreign_id, bench.host.created()), (None, 0));
    bench.engine.pod_start(&bench.account, "box").await.unwrap();
    comes_to(&bench, &pod, Phase::Running).await;
    assert_eq!(bench.host.created(), 1);
}

/// A pod on an offer of a host that goes off the network at that moment.
async fn create_out_of_reach(bench: &Bench) -> Pod {
    // Accepting a pod needs the offers; only its launch finds nobody.
    let silent = livery_host_api::Error::Unreachable("the simulated network is cut".into());
    bench
        .host
        .script(|script| script.create_error = Some(silent));
    let pod = create(bench).await;
    bench.host.script(|script| {
        script.unreachable = true;
        script.create_error = None;
    });
    pod
}

#[tokio::test]
async fn a_stopped_pod_that_vanishes_is_noticed() {
    let bench = Bench::new().await;
    let pod = create(&bench).await;
    comes_to(&bench, &pod, Phase::Running).await;
    bench.engine.pod_stop(&bench.account, "box").await.unwrap();
    comes_to(&bench, &pod, Phase::Stopped).await;
    bench.host.lose_pods();
    bench.clock.forward(61);
    let lost = comes_to(&bench, &pod, Phase::Lost).await;
    assert!(lost.reason.is_some());
    let refused = bench.engine.pod_start(&bench.account, "box").await;
    assert!(
        matches!(refused, Err(Error::PodPhase { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_pod_whose_command_ended_is_still_looked_after_and_starts_again() {
    let bench = Bench::new().await;
    let pod = create(&bench).await;
    comes_to(&bench, &pod, Phase::Running).await;
    bench.host.end_commands();
    bench.clock.forward(6);
    let exited = comes_to(&bench, &pod, Phase::Exited).await;
    bench.clock.forward(6);
    until("the row says when it was last seen", || async {
        (fetch(&bench, &pod).await.observed_at > exited.observed_at).then_some(())
    })
    .await;
    bench.engine.pod_start(&bench.account, "box").await.unwrap();
    comes_to(&bench, &pod, Phase::Running).await;
    assert_eq!(bench.host.created(), 1);
    bench.store.ledger_check().await.unwrap();
}

/// A clock that was hours ahead is set right while a pod could not be ended: it is ended as soon as its
/// host answers, and not hours later.
#[tokio::test]
async fn a_clock_that_is_set_back_leaves_no_pod_out_of_reach() {
    const AHEAD: i64 = 5 * 3_600;
    let bench = Bench::new().await;
    bench.clock.forward(AHEAD);
    let pod = create(&bench).await;
    comes_to(&bench, &pod, Phase::Running).await;
    bench.host.script(|script| script.unreachable = true);
    bench
        .engine
        .pod_terminate(&bench.account, "box")
        .await
        .unwrap();
    until("the host could not be told", || async {
        let pod = fetch(&bench, &pod).await;
        pod.reason.filter(|why| why.contains("is cut"))
    })
    .await;
    bench.clock.forward(-AHEAD);
    bench.host.script(|script| script.unreachable = false);
    comes_to(&bench, &pod, Phase::Terminated).await;
    assert_eq!(bench.host.pod_count(), 0);
}

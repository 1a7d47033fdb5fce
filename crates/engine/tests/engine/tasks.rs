//! Background tasks go on, whatever becomes of one activation, one row or one host.

use crate::orphans::foreign_pod;
use crate::support::{Bench, until};
use livery_domain::pod::{IdleAction, IdlePolicy, Phase, Pod};
use livery_engine::Error;
use livery_units::{PodId, Span};
use serde_json::Value;

/// How many times sooner background tasks come round in these tests.
const HASTE: u64 = 200;

/// Waits until a task's last activation is as wanted, and returns what it said.
async fn said(bench: &Bench, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(&format!("{name} is as wanted"), || async {
        let tasks = bench.engine.tasks();
        let task = tasks.into_iter().find(|task| task.name == name)?;
        wanted(&task.result).then_some(task.result)
    })
    .await
}

async fn comes_to(bench: &Bench, pod: &PodId, wanted: Phase) -> Pod {
    until(&format!("pod is {wanted}"), || async {
        let pod = bench.engine.pod_fetch(&bench.account, pod.as_str()).await;
        pod.ok().filter(|pod| pod.phase() == wanted)
    })
    .await
}

#[tokio::test]
async fn a_task_that_panics_comes_round_again() {
    let mut bench = Bench::new().await;
    bench.clock.hurry(HASTE);
    bench.cloud.script(|script| {
        script.down = false;
        script.panics = true;
    });
    bench.restart().await;
    let failed = said(&bench, "orphan-sweep", |result| result["error"].is_string()).await;
    let why = "it panicked: the simulated cloud has a mistake in it";
    assert_eq!(failed["error"], why);
    bench.cloud.script(|script| script.panics = false);
    said(&bench, "orphan-sweep", |result| {
        result["error"].is_null() && result["suppliers_unswept"] == 0
    })
    .await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_no_other_from_its_policy_nor_the_sweep_from_what_is_over()
{
    let mut bench = Bench::new().await;
    bench.clock.hurry(HASTE);
    let mut pods = Vec::new();
    for name in ["bad", "good"] {
        let mut order = bench.new_pod();
        order.name = Some(name.into());
        order.policy.stop_after = Some(Span::from_secs(3_600));
        let pod = bench.engine.pod_create(&bench.account, order).await;
        let pod = comes_to(&bench, &pod.unwrap().id, Phase::Running).await;
        pods.push(pod.id);
    }
    // A newer program's row, which outlived a downgrade.
    bench.engine.stop();
    bench.engine.stopped().await;
    bench
        .sql(&format!(
            "UPDATE pods SET pod_order = '{{}}' WHERE id = '{}'",
            pods[0]
        ))
        .await;
    foreign_pod(&bench.host, 1).await;
    bench.clock.forward(3_700);
    bench.restart().await;
    comes_to(&bench, &pods[1], Phase::Stopped).await;
    until("what nobody owns is ended", || async {
        (bench.host.pod_count() == 2).then_some(())
    })
    .await;
    let swept = said(&bench, "orphan-sweep", |result| result["failed"] == 1).await;
    assert_eq!(swept["error"], Value::Null);
    assert_eq!(
        bench.host.pod_count(),
        2,
        "the pod of that row is left alone"
    );
    let asked = bench
        .engine
        .pod_fetch(&bench.account, pods[0].as_str())
        .await;
    assert!(matches!(asked, Err(Error::Store(_))), "{asked:?}");
}

#[tokio::test]
async fn a_look_at_a_host_that_panics_keeps_no_other_from_being_looked_at() {
    let bench = Bench::new().await;
    bench.clock.hurry(HASTE);
    let mut order = bench.new_pod();
    order.policy.idle = Some(IdlePolicy {
        after: Span::from_secs(600),
        action: IdleAction::Stop,
    });
    let pod = bench.engine.pod_create(&bench.account, order).await;
    let pod = comes_to(&bench, &pod.unwrap().id, Phase::Running).await;
    // Asked first: hosts are asked in the order of their ids.
    let other = bench.add_host("host_a");
    other.script(|script| script.activity_panics = true);
    until("nobody used it for long enough", || async {
        bench.clock.forward(60);
        bench.host.script(|script| {
            script.uptime = Span::from_millis(script.uptime.millis() + 60_000);
        });
        let id = pod.id.as_str();
        let pod = bench.engine.pod_fetch(&bench.account, id).await.unwrap();
        (pod.phase() == Phase::Stopped).then_some(())
    })
    .await;
}

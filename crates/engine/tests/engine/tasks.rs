//! Background tasks go on, whatever becomes of one activation, one row or one host.

use crate::support::{Bench, until};
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

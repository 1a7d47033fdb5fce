//! Pods that end by themselves, with the control plane killed in between.

use crate::support::{Victim, World, until};
use livery_domain::pod::Phase;
use serde_json::Value;
use std::time::Duration;

/// How long anything may take here, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(180);

/// Returns a pod as the command line shows it; one that is gone too.
fn shown(world: &World, pod: &str) -> Value {
    serde_json::from_str(&world.ok(&["pods", "show", "--json", pod])).unwrap()
}

/// Waits until a pod is in a phase and returns what is said of why.
fn comes_to(world: &World, pod: &str, wanted: Phase) -> String {
    until(&format!("the pod is {wanted}"), PATIENCE, || {
        let shown = shown(world, pod);
        let is_there = shown["phase"] == wanted.as_str()
            && (wanted != Phase::Terminated || !shown["ended"].is_null());
        is_there.then(|| shown["reason"].as_str().unwrap_or_default().to_owned())
    })
}

fn killed_and_started_again(world: &World) {
    world.kill(Victim::ControlPlane);
    world.bring_up();
}

#[test]
fn a_pod_is_stopped_and_terminated_in_time_although_the_control_plane_was_killed() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&["--stop-after", "8s", "--terminate-after", "30s"]);
    let said = world.ok(&["pod", "policy", &pod]);
    for words in ["8.0s after it came up", "30.0s after it was created"] {
        assert!(said.contains(words), "{said}");
    }
    world.sh(&pod, "echo kept > /workspace/file").expect(0);
    killed_and_started_again(&world);
    let why = comes_to(&world, &pod, Phase::Stopped);
    assert!(why.starts_with("stopped by its policy"), "{why}");
    killed_and_started_again(&world);
    let why = comes_to(&world, &pod, Phase::Terminated);
    assert!(why.starts_with("terminated by its policy"), "{why}");
    world.finish();
}

#[test]
fn a_pod_ends_before_it_has_cost_more_than_it_may() {
    let Some(world) = World::new() else { return };
    let refused = world.livery(&["pod", "create", "--max-cost", "0.000001"]);
    refused.expect(2).says(&["half a minute of it costs"]);
    let pod = world.pod(&[]);
    let price = shown(&world, &pod)["price"]["hourly"].clone();
    let price: f64 = price
        .as_str()
        .unwrap()
        .trim_start_matches('$')
        .parse()
        .unwrap();
    // What it costs in so many seconds, of which it keeps some for its end.
    let most = format!("{:.9}", price * 35.0 / 3_600.0);
    world.ok(&["pod", "policy", &pod, "--max-cost", &most]);
    killed_and_started_again(&world);
    let why = comes_to(&world, &pod, Phase::Terminated);
    assert!(why.contains("at most"), "{why}");
    let gone: Value = shown(&world, &pod);
    assert_eq!(
        gone["policy"]["max_cost"].as_str().unwrap(),
        most.trim_end_matches('0')
    );
    world.finish();
}

#[test]
fn an_idle_pod_is_stopped_and_one_that_works_is_not() {
    let Some(world) = World::new() else { return };
    let idle = ["--idle-after", "8s", "--idle-action", "stop"];
    let busy = world.pod(&[&idle[..], &["--", "sh", "-c", "while :; do :; done"]].concat());
    let lazy = world.pod(&[&idle[..], &["--", "sleep", "1d"]].concat());
    killed_and_started_again(&world);
    let why = comes_to(&world, &lazy, Phase::Stopped);
    assert!(why.contains("nobody has used it"), "{why}");
    let listed = world.ok(&["pods"]);
    assert!(listed.contains("IDLE"), "{listed}");
    assert_eq!(shown(&world, &busy)["phase"], "running");
    world.ok(&["pod", "terminate", &busy]);
    world.ok(&["pod", "terminate", &lazy]);
    world.finish();
}

#[test]
fn an_idle_run_is_ended_with_its_results_and_the_command_lines_limits_win() {
    let Some(world) = World::new() else { return };
    let job = "name: lazy\nsetup: mkdir -p /workspace/out\n\
               run: echo result > /workspace/out/file; sleep 1d\noutputs: [out/*]\n\
               idle: {after: 1h, action: remind}\n";
    std::fs::write(world.work().join("lazy.yaml"), job).unwrap();
    let ran = world.livery(&["run", "lazy.yaml", "--idle-after", "8s"]);
    ran.expect(1).says(&["nobody has used it", "8/8 teardown"]);
    let result = world.work().join("results/lazy/out/file");
    assert_eq!(std::fs::read_to_string(result).unwrap(), "result\n");

    let refused = world.livery(&["run", "lazy.yaml", "--max-cost", "nothing"]);
    refused.expect(2).says(&["--max-cost"]);
    let ran = world.livery(&["run", "lazy.yaml", "--max-hours", "5s"]);
    ran.expect(1)
        .says(&["its budget is used up", "8/8 teardown"]);
    world.finish();
}

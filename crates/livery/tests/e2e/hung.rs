//! What hangs: a job that ignores its signal, an agent that stands still, a server asked to stop.

use crate::support::{Job, RunView, Victim, World, until};
use livery_domain::run::{Outcome, RunStep};
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn a_job_that_ignores_its_signal_is_killed_after_its_grace() {
    let Some(world) = World::new() else { return };
    let script = "trap '' TERM INT HUP\nmkdir -p /workspace/out\necho deaf > /workspace/out/file\n\
                  echo deaf\nwhile true; do sleep 0.2; done";
    Job::new("deaf", script)
        .with("outputs: [out/*]")
        .write(&world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(&world, &id);
    run.until_logged("deaf");
    world.ok(&["cancel", &run.id]);
    assert_eq!(run.now().unwrap().outcome, Outcome::Cancelled);
    world.ok(&["results", &run.id, "home"]);
    assert!(world.work().join("home/out/file").exists());
    world.finish();
}

#[test]
fn a_run_whose_agent_stands_still_is_not_over_until_its_pod_is_gone() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    Job::new("still", "echo going\nwhile true; do sleep 0.1; done").write(&world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(&world, &id);
    run.until_logged("going");
    world.signal_agent(Signal::STOP);
    world.ok(&["cancel", "--no-wait", &run.id]);
    run.until_noted("cancelled by its user");
    // Meanwhile the control plane answers, and a restart of it changes nothing.
    world.kill(Victim::ControlPlane);
    world.ok_without_host(&["runs"]);
    assert_eq!(run.now().unwrap().ended, None);
    world.signal_agent(Signal::CONT);
    world.bring_up();
    assert_eq!(run.until_over().outcome, Outcome::Cancelled);
    world.finish();
}

#[test]
fn an_agent_that_stands_still_in_teardown_is_waited_for() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    Job::new("slow", "echo done").write(&world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(&world, &id);
    run.until_began(RunStep::Teardown);
    world.signal_agent(Signal::STOP);
    world.ok(&["runs", "--json"]);
    world.signal_agent(Signal::CONT);
    assert_eq!(run.until_over().outcome, Outcome::Succeeded);
    world.finish();
}

#[test]
fn a_control_plane_that_is_stopped_and_started_goes_on_with_its_run() {
    let Some(world) = World::new() else { return };
    let script = "for i in 1 2 3 4 5 6 7 8; do echo tick $i; sleep 0.3; done";
    Job::new("pause", script).write(&world);
    let attached = world.spawn(&["run", "job.yaml"]);
    let run = RunView::newest(&world);
    run.until_logged("tick 2");
    world.livery(&["serve", "--stop"]).expect(0).says(&[
        "1 run is not over",
        "1 pod goes on",
        "nobody is reminded",
    ]);
    world.bring_up_again();
    assert_eq!(run.until_over().outcome, Outcome::Succeeded);
    let ran = attached.finish().expect(0);
    let ticks: String = (1..=8).map(|number| format!("tick {number}\n")).collect();
    assert_eq!(ran.out, ticks);
    world.finish();
}

#[test]
fn a_second_control_plane_on_the_same_data_is_refused() {
    let Some(world) = World::new() else { return };
    let second = world.livery(&["serve"]).expect(2);
    second.says(&["runs already on this data directory", "serve --stop"]);
    until("the first still answers", Duration::from_secs(10), || {
        (world.livery(&["pods"]).code == Some(0)).then_some(())
    });
    world.finish();
}

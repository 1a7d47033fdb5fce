//! Runs that end otherwise: failed, cancelled, stopped, refused by the gate, their pod lost.

use crate::support::{Job, RunView, World};
use livery_domain::run::{Outcome, RunStep};
use rustix::process::Signal;
use std::fs;

#[test]
fn a_failed_job_exits_with_1_and_its_results_are_home() {
    let Some(world) = World::new() else { return };
    let script =
        "mkdir -p /workspace/out\necho half > /workspace/out/model\necho no luck >&2\nexit 3";
    Job::new("fails", script)
        .with("outputs: [out/*]")
        .write(&world);
    let ran = world.livery(&["run", "job.yaml"]).expect(1);
    let ran = ran.says(&["exit code 3", "results: 1 file ", "✓ 8/8 teardown"]);
    assert_eq!(ran.out, "no luck\n");
    let model = fs::read_to_string(world.work().join("results/fails/out/model"));
    assert_eq!(model.unwrap(), "half\n");
    world.finish();
}

#[test]
fn a_failed_setup_does_not_train() {
    let Some(world) = World::new() else { return };
    Job::new("unset", "echo trained")
        .script("setup", "echo no; exit 9")
        .write(&world);
    let ran = world.livery(&["run", "job.yaml"]).expect(1);
    assert_eq!(ran.out, "no\n");
    ran.says(&["setup ended with exit code 9"]);
    world.finish();
}

/// Goes on until it is told to end, and then says so in a file.
const WAITS: &str = "trap 'echo told > /workspace/out/told; exit 0' TERM\nmkdir -p /workspace/out\n\
                     echo waiting\nwhile true; do sleep 0.1; done";

#[test]
fn a_cancelled_run_gets_its_signal_and_its_last_words_come_home() {
    let Some(world) = World::new() else { return };
    Job::new("stop", WAITS)
        .with("outputs: [out/*]")
        .write(&world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(&world, &id);
    run.until_logged("waiting");
    world
        .livery(&["cancel", "stop"])
        .expect(0)
        .says(&["torn down: cancelled"]);
    let over = run.now().unwrap();
    assert_eq!(
        (over.outcome, over.ended.is_some()),
        (Outcome::Cancelled, true)
    );
    world.ok(&["results", &run.id, "home"]);
    let told = fs::read_to_string(world.work().join("home/out/told"));
    assert_eq!(told.unwrap(), "told\n");
    world
        .livery(&["cancel", &run.id])
        .expect(0)
        .says(&["over already"]);
    world.finish();
}

#[test]
fn a_run_is_cancelled_before_its_pod_is_up() {
    let Some(world) = World::new() else { return };
    Job::new("early", "echo trained")
        .with("validate: [sleep 5]")
        .write(&world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(&world, &id);
    run.until_began(RunStep::Launch);
    world.ok(&["cancel", &run.id]);
    let over = run.now().unwrap();
    assert_eq!(over.outcome, Outcome::Cancelled);
    assert_eq!(world.ok(&["logs", &run.id]), "");
    world.finish();
}

#[test]
fn the_first_ctrl_c_cancels_and_waits_for_the_teardown() {
    let Some(world) = World::new() else { return };
    Job::new("ctrlc", WAITS)
        .with("outputs: [out/*]")
        .write(&world);
    let mut attached = world.spawn(&["run", "job.yaml"]);
    attached.until_out("waiting");
    attached.signal(Signal::INT);
    let ran = attached.finish().expect(1);
    ran.says(&[
        "cancelling the run",
        "✓ 8/8 teardown",
        "total",
        "the run was cancelled",
    ]);
    assert!(world.work().join("results/ctrlc/out/told").exists());
    let run = RunView::newest(&world).now().unwrap();
    assert_eq!(
        (run.outcome, run.ended.is_some()),
        (Outcome::Cancelled, true)
    );
    world.finish();
}

#[test]
fn the_second_ctrl_c_leaves_and_the_teardown_goes_on() {
    let Some(world) = World::new() else { return };
    let stubborn = "trap 'sleep 2; exit 0' TERM\necho waiting\nwhile true; do sleep 0.1; done";
    Job::new("leave", stubborn).write(&world);
    let mut attached = world.spawn(&["run", "job.yaml"]);
    attached.until_out("waiting");
    attached.signal(Signal::INT);
    attached.until_err("cancelling the run");
    attached.signal(Signal::INT);
    attached.finish().expect(1).says(&["left; "]);
    let run = RunView::newest(&world);
    assert_eq!(run.until_over().outcome, Outcome::Cancelled);
    world.finish();
}

#[test]
fn a_run_past_its_hours_or_its_money_is_stopped_pulled_and_torn_down() {
    let Some(world) = World::new() else { return };
    for (name, budget) in [("hours", "max_hours: 2s"), ("money", "max_total: 0.0001")] {
        Job::new(name, WAITS)
            .with(&format!("outputs: [out/*]\nbudget: {{{budget}}}"))
            .write(&world);
        let ran = world.livery(&["run", "job.yaml"]).expect(1);
        ran.says(&["its budget is used up", "✓ 8/8 teardown"]);
        assert_eq!(
            RunView::newest(&world).now().unwrap().outcome,
            Outcome::OverBudget
        );
        let told = world.work().join("results").join(name).join("out/told");
        assert!(told.exists());
    }
    world.finish();
}

#[test]
fn a_gate_that_fails_shows_its_table_and_sends_nothing() {
    let Some(world) = World::new() else { return };
    let gate = "validate:\n  - name: the moon is full\n    run: echo waning; exit 4\n  - 'true'";
    Job::new("gate", "echo trained").with(gate).write(&world);
    let ran = world.livery(&["run", "job.yaml"]).expect(1);
    assert_eq!(ran.out, "");
    let ran = ran.says(&[
        "FAIL",
        "the moon is full",
        "exit code 4: waning",
        "workspace",
    ]);
    assert!(!ran.err.contains("4/8 deploy"), "{}", ran.err);
    // Both offers of this machine were tried, one pod each.
    let pods: serde_json::Value =
        serde_json::from_str(&world.ok(&["pods", "--all", "--json"])).unwrap();
    let phases: Vec<&str> = pods
        .as_array()
        .unwrap()
        .iter()
        .map(|pod| pod["phase"].as_str().unwrap())
        .collect();
    assert!(
        !phases.is_empty() && phases.iter().all(|phase| *phase == "terminated"),
        "{phases:?}"
    );
    world.finish();
}

#[test]
fn a_job_that_no_offer_fits_says_why() {
    let Some(world) = World::new() else { return };
    let job = "name: big\nresources: {image_id: host, accelerators: H100:8}\nrun: echo never\n";
    fs::write(world.work().join("job.yaml"), job).unwrap();
    world
        .livery(&["run", "job.yaml"])
        .expect(1)
        .says(&["no offer fits", "GPU"]);
    world
        .livery(&["run", "--explain", "job.yaml"])
        .expect(1)
        .says(&["no offer fits"]);
    assert_eq!(world.ok(&["pods", "--all", "--json"]).trim(), "[]");
    world.finish();
}

#[test]
fn a_checkpoint_is_home_when_the_pod_is_lost_in_training() {
    let Some(world) = World::new() else { return };
    let script = "mkdir -p /workspace/ckpt /workspace/out\n\
                  for i in $(seq 100); do seq $i > /workspace/ckpt/step; echo step $i; sleep 0.2; done\n\
                  echo finished > /workspace/out/model";
    Job::new("lost", script)
        .with("outputs: [out/*]\ncheckpoint: {dir: /workspace/ckpt, interval: 1s}")
        .write(&world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(&world, &id);
    run.until_noted("checkpoint brought home");
    let pod = run.now().unwrap().pod.unwrap().to_string();
    crate::support::kill_shim(&world, &pod);
    let over = run.until_over();
    assert_eq!(over.outcome, Outcome::Failed);
    assert!(over.reason.is_some());
    world.ok(&["results", &run.id, "home"]);
    let step = fs::read_to_string(world.work().join("home/ckpt/step")).unwrap();
    let last = step.lines().last().unwrap();
    let whole: String = (1..=last.parse::<u32>().unwrap())
        .map(|n| format!("{n}\n"))
        .collect();
    assert_eq!(step, whole);
    assert!(!world.work().join("home/out").exists());
    world.finish();
}

//! Commands that their user ends: what they say then is so.

use crate::support::{Job, RunView, World};
use livery_domain::run::Outcome;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;

const WAITS: &str = "echo waiting\nwhile true; do sleep 0.1; done";

/// Sends a signal to a world's control plane.
fn signal_control_plane(world: &World, signal: Signal) {
    let text = fs::read_to_string(world.data().join("serve.lock")).unwrap();
    let pid = Pid::from_raw(text.trim().parse().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn a_cancellation_is_said_once_it_is_recorded_and_leaving_waits_for_that() {
    let Some(world) = World::new() else { return };
    Job::new("busy", WAITS).write(&world);
    let mut attached = world.spawn(&["run", "job.yaml"]);
    attached.until_out("waiting");
    signal_control_plane(&world, Signal::STOP);
    attached.signal(Signal::INT);
    attached.until_err("asking the control plane");
    attached.signal(Signal::INT);
    attached.until_err("has not answered yet");
    signal_control_plane(&world, Signal::CONT);
    let ran = attached
        .finish()
        .expect(1)
        .says(&["left; the run is being cancelled"]);
    assert!(!ran.err.contains("NOT"), "{}", ran.err);
    assert_eq!(
        RunView::newest(&world).until_over().outcome,
        Outcome::Cancelled
    );
    world.finish();
}

#[test]
fn who_cannot_wait_hears_that_the_run_is_not_known_to_be_cancelled() {
    let Some(world) = World::new() else { return };
    Job::new("away", WAITS).write(&world);
    let mut attached = world.spawn(&["run", "job.yaml"]);
    attached.until_out("waiting");
    signal_control_plane(&world, Signal::STOP);
    for words in ["asking the control plane", "has not answered yet"] {
        attached.signal(Signal::INT);
        attached.until_err(words);
    }
    attached.signal(Signal::INT);
    let ran = attached.finish().expect(125);
    let ran = ran.says(&["NOT known to be cancelled", "livery cancel run_"]);
    assert!(!ran.err.contains("cancelling the run and"), "{}", ran.err);
    signal_control_plane(&world, Signal::CONT);
    let run = RunView::newest(&world);
    world.ok(&["cancel", &run.id]);
    assert_eq!(run.until_over().outcome, Outcome::Cancelled);
    world.finish();
}

#[test]
fn a_run_whose_command_is_terminated_or_loses_its_terminal_goes_on() {
    let Some(world) = World::new() else { return };
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        Job::new("on", WAITS).write(&world);
        let mut attached = world.spawn(&["run", "job.yaml"]);
        attached.until_out("waiting");
        attached.signal(signal);
        let ran = attached.finish().expect(code);
        let run = RunView::newest(&world);
        let ways = ["logs", "cancel"].map(|command| format!("livery {command} {}", run.id));
        ran.says(&["the run goes on", &ways[0], &ways[1]]);
        let now = run.now().unwrap();
        assert_eq!((now.outcome, now.ended), (Outcome::Pending, None));
        world.ok(&["cancel", &run.id]);
    }
    world.finish();
}

#[test]
fn forwarding_ends_with_its_pod_and_with_a_signal() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&["--name", "target"]);
    let forward = || {
        let mut forward = world.spawn(&["forward", "target", "0:8000"]);
        forward.until_err("forwarding");
        forward
    };
    let watching = forward();
    for (signal, code) in [(Signal::INT, 0), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let forward = forward();
        let address = forward.err();
        let address = address.split_whitespace().nth(1).unwrap();
        // Its end is not kept up by who is connected.
        let connected = std::net::TcpStream::connect(address).unwrap();
        forward.signal(signal);
        forward.finish().expect(code);
        drop(connected);
    }
    world.ok(&["pod", "terminate", &pod]);
    watching.finish().expect(1).says(&[
        "nothing is forwarded any more",
        &format!("pod {pod} is termina"),
    ]);
    world.finish();
}

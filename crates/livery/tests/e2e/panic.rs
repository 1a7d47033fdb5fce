//! `livery panic`: everything ends, and the machine is clean, whatever is killed meanwhile.

use crate::shell::Terminal;
use crate::support::{Job, RunView, Victim, World};
use livery_domain::run::Outcome;
use std::fs;
use std::process::Stdio;

/// A world with a running pod, a stopped one, and a run in the middle of its training.
fn busy(world: &World) -> (Vec<String>, RunView<'_>) {
    let running = world.pod(&["--name", "running"]);
    let stopped = world.pod(&["--name", "stopped"]);
    world.ok(&["pod", "stop", &stopped]);
    let script = "echo begun; trap '' TERM; mkdir -p /workspace/out; \
                  seq 1000 > /workspace/out/numbers; while :; do sleep 1; done";
    Job::new("endless", script)
        .with("outputs: [out/*]")
        .write(world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(world, &id);
    run.until_logged("begun");
    (vec![running, stopped], run)
}

/// What of pods is on the machine, while the control plane still runs.
fn pods_on_disk(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.runtime_dir().join("pods"));
    let names = entries.into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[track_caller]
fn is_over(world: &World, run: &RunView) {
    assert_eq!(pods_on_disk(world), [""; 0]);
    assert_eq!(world.ok(&["pods", "--json"]).trim(), "[]");
    assert_eq!(world.ok(&["orphans", "--json"]).trim(), "[]");
    let over = run.until_over();
    assert_eq!(over.outcome, Outcome::Cancelled, "{}", run.story());
    assert_eq!(over.results, None, "nothing was waited for");
}

#[test]
fn panic_ends_everything_and_says_what_is_confirmed_gone() {
    let Some(world) = World::new() else { return };
    let (pods, run) = busy(&world);
    let ran = world.livery(&["panic", "--yes"]).expect(0);
    let said: Vec<&str> = ran.out.lines().collect();
    for thing in [&pods[..], std::slice::from_ref(&run.id)].concat() {
        let lines = said.iter().filter(|line| line.contains(&thing));
        let lines: Vec<_> = lines.collect();
        assert!(
            lines.len() == 1 && lines[0].starts_with("confirmed gone: "),
            "{thing}: {lines:?}"
        );
    }
    assert!(
        ran.err.contains("everything is confirmed gone"),
        "{}",
        ran.err
    );
    is_over(&world, &run);
    // There is nothing any more, and that is well too.
    let again = world.livery(&["panic", "--yes", "--json"]).expect(0);
    let things: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    let things = things.as_array().unwrap();
    assert!(
        things
            .iter()
            .all(|thing| thing["kind"] == "supplier" && thing["fate"] == "gone"),
        "{things:?}"
    );
    world.finish();
}

#[test]
fn a_control_plane_killed_in_the_middle_of_panic_goes_on_with_it() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    let (_, run) = busy(&world);
    let mut panic = world.spawn(&["panic", "--yes"]);
    panic.until_err("ending 1 run and 3 pods");
    world.kill(Victim::ControlPlane);
    world.bring_up();
    let ran = panic.finish().expect(0);
    assert!(ran.out.contains(&run.id), "{}", ran.out);
    is_over(&world, &run);
    world.livery(&["panic", "--yes"]).expect(0);
    world.finish();
}

#[test]
fn a_command_line_killed_right_after_leaves_the_end_to_the_control_plane() {
    let Some(world) = World::new() else { return };
    let (_, run) = busy(&world);
    let mut panic = world.spawn(&["panic", "--yes"]);
    panic.until_err("ending 1 run and 3 pods");
    panic.kill();
    run.until_over();
    world.livery(&["panic", "--yes"]).expect(0);
    is_over(&world, &run);
    world.finish();
}

#[test]
fn what_cannot_be_reached_is_named_and_makes_bad_news() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    let pod = world.pod(&[]);
    world.kill(Victim::Agent);
    let ran = world.livery(&["panic", "--yes", "--wait", "3s"]).expect(1);
    let line = ran.out.lines().find(|line| line.contains(&pod)).unwrap();
    assert!(line.starts_with("asked, not confirmed yet: "), "{line}");
    assert!(ran.err.contains("not confirmed"), "{}", ran.err);
    world.bring_up();
    let ran = world.livery(&["panic", "--yes"]).expect(0);
    assert!(!ran.out.contains("not confirmed"), "{}", ran.out);
    assert_eq!(pods_on_disk(&world), [""; 0]);
    world.finish();
}

#[test]
fn at_a_terminal_it_asks_first() {
    let Some(world) = World::new() else { return };
    let pod = world.pod(&[]);
    let mut terminal = Terminal::start(&world, &["panic"]);
    terminal.shows("Write yes: ");
    terminal.types("no\n");
    terminal.shows("nothing was ended");
    assert_eq!(terminal.finish().0.code, Some(1));
    assert!(world.ok(&["pods", "--json"]).contains(&pod));
    let mut terminal = Terminal::start(&world, &["panic"]);
    terminal.shows("Write yes: ");
    terminal.types("yes\n");
    terminal.shows("everything is confirmed gone");
    assert_eq!(terminal.finish().0.code, Some(0));
    // Scripts have nobody to ask.
    let again = world.run_command(world.command(&["panic"]), Stdio::null());
    again.finish().expect(0);
    world.finish();
}

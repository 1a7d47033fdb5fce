//! The fault suite: every process is killed (SIGKILL) at every step of a run and started again.
//!
//! Then the run must finish, or end in a stated failure where the pod itself was killed; results
//! and log must be whole, each command must have run once, the books must balance, and nothing may
//! be left on the machine.

use crate::support::{
    RunView, Running, Share, ShimKind, Victim, Wanted, World, check_over, check_results, shims,
    until, write_fault_job,
};
use livery_domain::run::{Outcome, RunStep};
use rustix::process::{Signal, kill_process};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    CommandLine,
    ControlPlane,
    Agent,
    /// The control plane with the agent in it.
    OneProcess,
    /// The process that holds the pod; the pod dies with it.
    PodShim,
    /// The process that watches over `setup` or `run`.
    TaskShim,
}

/// Whether a run may end otherwise than well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hope {
    MustSucceed,
    MayFail,
}

/// Faults at once: they wait more than they work.
const AT_ONCE: usize = 4;

#[test]
fn the_command_line_killed_at_every_step() {
    survive(Target::CommandLine, &RunStep::ALL);
}

#[test]
fn the_control_plane_killed_at_every_step() {
    survive(Target::ControlPlane, &RunStep::ALL);
}

#[test]
fn the_agent_killed_at_every_step() {
    survive(Target::Agent, &RunStep::ALL);
}

#[test]
fn control_plane_and_agent_killed_together_at_every_step() {
    survive(Target::OneProcess, &RunStep::ALL);
}

#[test]
fn the_shim_killed_at_every_step_at_which_there_is_one() {
    survive(Target::PodShim, &RunStep::ALL[1..]);
}

#[test]
fn the_shim_of_a_task_killed() {
    survive(Target::TaskShim, &[RunStep::Deploy, RunStep::Train]);
}

fn survive(target: Target, steps: &[RunStep]) {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: pods need root");
        return;
    }
    let todo = Mutex::new(steps.to_vec());
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some(step) = { todo.lock().unwrap().pop() } {
            match catch_unwind(AssertUnwindSafe(|| fault(target, step))) {
                Ok(how) => println!("{target:?} killed at {step}: {how}"),
                Err(panic) => {
                    let why = words(&*panic);
                    let text = format!("{target:?} killed at {step}: {why}");
                    failures.lock().unwrap().push(text);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    let survived = steps.len() - failures.len();
    println!(
        "survived {survived} of {} faults: {target:?} killed",
        steps.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_default()
}

/// One fault and what must hold after it; returns how the run ended.
fn fault(target: Target, step: RunStep) -> String {
    let world = match target {
        Target::ControlPlane | Target::Agent => World::in_two_processes(),
        Target::CommandLine | Target::OneProcess => World::new(),
        Target::PodShim | Target::TaskShim => World::new(),
    };
    let world = world.unwrap();
    write_fault_job(&world, Share::Large);
    let attached = world.spawn(&["run", "job.yaml", "--results", "attached"]);
    let run = RunView::newest(&world);
    until_in_the_middle_of(step, &run);
    let before = run.now().map_or(step, |run| run.step);
    let attached = strike(target, &world, attached);
    // A short step may end between a look and the kill: one of these was struck.
    let after = run.now().map_or(before, |run| run.step);
    let struck = before..=after.max(before);
    let over = run.until_over();
    let story = || format!("{over:?}\n{}", run.story());
    let hope = match target {
        // Before training there is another offer to go to, and after it all is home.
        Target::PodShim
            if [RunStep::Train, RunStep::Pull]
                .iter()
                .any(|step| struck.contains(step)) =>
        {
            Hope::MayFail
        }
        Target::PodShim => Hope::MustSucceed,
        Target::TaskShim => Hope::MayFail,
        Target::CommandLine | Target::ControlPlane | Target::Agent | Target::OneProcess => {
            Hope::MustSucceed
        }
    };
    match (over.outcome, hope) {
        (Outcome::Succeeded, _) => {}
        (Outcome::Failed, Hope::MayFail) => assert!(over.reason.is_some(), "{}", story()),
        _ => panic!("{}", story()),
    }
    if let Some(attached) = attached {
        let wanted = i32::from(over.outcome != Outcome::Succeeded);
        let ran = attached.finish().expect(wanted);
        if over.outcome == Outcome::Succeeded {
            assert_eq!(
                ran.out,
                world.ok(&["logs", &run.id]),
                "the terminal saw what the log has"
            );
            check_results(&world, "attached", Wanted::Everything);
        }
    }
    check_over(&world, &run, &over, "later");
    world.finish();
    match over.reason {
        Some(why) => format!("struck in {before}, {}: {why}", over.outcome),
        None => format!("struck in {before}, {}", over.outcome),
    }
}

fn until_in_the_middle_of(step: RunStep, run: &RunView) {
    run.until_began(step);
    match step {
        RunStep::Deploy => run.until_logged("setup began"),
        RunStep::Train => run.until_logged("tick 3"),
        RunStep::Choose | RunStep::Launch | RunStep::Validate => {}
        RunStep::Transfer | RunStep::Pull | RunStep::Teardown => {}
    }
}

/// Kills, and starts again what has to run; returns the command line if it lives.
fn strike(target: Target, world: &World, attached: Running) -> Option<Running> {
    match target {
        Target::CommandLine => {
            attached.kill();
            return None;
        }
        Target::ControlPlane | Target::OneProcess => world.kill(Victim::ControlPlane),
        Target::Agent => world.kill(Victim::Agent),
        Target::PodShim => kill_shims(world, ShimKind::Pod, Patience::UntilThePodIsGone),
        Target::TaskShim => kill_shims(world, ShimKind::Task, Patience::Long),
    }
    world.bring_up();
    Some(attached)
}

/// How long a shim is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Long,
    /// In teardown it may be gone before it is met, and then there is nothing to kill.
    UntilThePodIsGone,
}

/// Kills every shim of a kind as soon as there is one.
fn kill_shims(world: &World, kind: ShimKind, patience: Patience) {
    let pods = world.runtime_dir().join("pods");
    let mut seen_pod = false;
    until(
        &format!("a shim ({kind:?})"),
        Duration::from_secs(20),
        || {
            let shims = shims(world, kind);
            for pid in &shims {
                // One that ended meanwhile is as dead as any.
                let _ = kill_process(*pid, Signal::KILL);
            }
            let has_pod = fs::read_dir(&pods).is_ok_and(|mut pods| pods.next().is_some());
            let is_gone = seen_pod && !has_pod && patience == Patience::UntilThePodIsGone;
            seen_pod |= has_pod;
            (!shims.is_empty() || is_gone).then_some(())
        },
    );
}

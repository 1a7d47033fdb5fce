//! Faults that come again and again, and those outside a run's own steps.

use crate::support::{Job, RunView, Running, Victim, World, numbers, until};
use livery_domain::run::Outcome;
use std::fs;
use std::time::Duration;

/// A job that counts slowly and leaves a file.
fn count_slowly(world: &World) -> RunView<'_> {
    let script = "for i in $(seq 40); do echo tick $i; sleep 0.1; done\nmkdir -p /workspace/out\n\
                  seq 100000 > /workspace/out/numbers; echo once >> /workspace/out/times";
    Job::new("count", script)
        .with("outputs: [out/*]\ncheckpoint: {dir: /workspace/out, interval: 1s}")
        .write(world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    RunView::of(world, &id)
}

fn is_whole(world: &World, run: &RunView) {
    assert_eq!(
        run.until_over().outcome,
        Outcome::Succeeded,
        "{}",
        run.story()
    );
    let ticks: String = (1..=40).map(|number| format!("tick {number}\n")).collect();
    assert_eq!(world.ok(&["logs", &run.id]), ticks);
    world.ok(&["results", &run.id, "home"]);
    let read = |name: &str| fs::read_to_string(world.work().join("home/out").join(name)).unwrap();
    assert!(read("numbers") == numbers(100_000));
    assert_eq!(read("times"), "once\n");
}

#[test]
fn a_run_outlives_a_control_plane_that_is_killed_ten_times() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    let run = count_slowly(&world);
    for _ in 0..10 {
        world.kill(Victim::ControlPlane);
        world.bring_up();
    }
    is_whole(&world, &run);
    world.finish();
}

#[test]
fn a_run_outlives_an_agent_that_is_killed_ten_times() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    let run = count_slowly(&world);
    for _ in 0..10 {
        world.kill(Victim::Agent);
        world.bring_up();
    }
    is_whole(&world, &run);
    world.finish();
}

#[test]
fn both_killed_at_once_find_each_other_and_their_run_again() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    let run = count_slowly(&world);
    for number in [5, 15, 25] {
        run.until_logged(&format!("tick {number}"));
        world.kill(Victim::Agent);
        world.kill(Victim::ControlPlane);
        world.bring_up();
    }
    is_whole(&world, &run);
    world.finish();
}

#[test]
fn a_command_line_killed_while_it_sends_leaves_no_run() {
    let Some(world) = World::new() else { return };
    let large = fs::File::create(world.work().join("large")).unwrap();
    // Every part of it differs, so that there is much to read and to send.
    for part in 0..400_u64 {
        use std::os::unix::fs::FileExt;
        large.write_all_at(&part.to_ne_bytes(), part << 20).unwrap();
    }
    Job::on_a_disk_of("1GB", "cut", "wc -c < /workspace/large")
        .with("file_mounts: {/workspace/large: ./large}")
        .write(&world);
    let sending: Running = world.spawn(&["run", "job.yaml"]);
    until("something was sent", Duration::from_secs(30), || {
        let objects = fs::read_dir(world.data().join("content/objects")).ok()?;
        objects.into_iter().next().map(drop)
    });
    sending.kill();
    assert_eq!(world.ok(&["runs", "--json"]).trim(), "[]");
    let ran = world.livery(&["run", "job.yaml"]).expect(0);
    assert!(ran.out.trim().parse::<u64>().unwrap() > 399 << 20);
    world.finish();
}

#[test]
fn pods_by_hand_outlive_their_agent() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    let pod = world.pod(&[]);
    world
        .sh(
            &pod,
            "echo before > /workspace/file; echo before > /root/file",
        )
        .expect(0);
    world.kill(Victim::Agent);
    world.bring_up();
    let ran = world.sh(&pod, "cat /workspace/file /root/file").expect(0);
    assert_eq!(ran.out, "before\nbefore\n");
    // One that was being made when the agent died is made by the next.
    let making = world.spawn(&[
        "pod", "create", "--memory", "128MB", "--disk", "64MB", "--volume", "64MB", "--cpus", "0.5",
    ]);
    until("its record is there", Duration::from_secs(20), || {
        let pods = fs::read_dir(world.runtime_dir().join("pods")).ok()?;
        (pods.count() == 2).then_some(())
    });
    world.kill(Victim::Agent);
    world.bring_up();
    let made = making.finish().expect(0).out;
    assert_eq!(world.sh(made.trim(), "echo made").expect(0).out, "made\n");
    world.finish();
}

//! Full disks: the host's under the control plane and the agent, and a pod's own.

use crate::support::{Ballast, Job, RunView, Shape, World, until};
use livery_domain::run::Outcome;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Duration;

#[test]
fn what_does_not_fit_on_the_machine_is_not_begun() {
    let Some(world) = World::on_a_disk_of(1_500) else {
        return;
    };
    let ran = world.livery(&["pod", "create", "--disk", "5GB"]).expect(2);
    ran.says(&["no offer fits", "disk"]);
    let large = File::create(world.work().join("large")).unwrap();
    // No two parts of it are alike, so none is sent once for all.
    for part in 0..1_600_u64 {
        large.write_all_at(&part.to_ne_bytes(), part << 20).unwrap();
    }
    Job::new("large", "true")
        .with("file_mounts: {/workspace/large: ./large}")
        .write(&world);
    world
        .livery(&["run", "job.yaml"])
        .expect(1)
        .says(&["disk is full"]);
    assert_eq!(world.ok(&["pods", "--all", "--json"]).trim(), "[]");
    // What was sent in vain does not stay in the way of what fits.
    Job::new("small", "echo fits").write(&world);
    assert_eq!(world.livery(&["run", "job.yaml"]).expect(0).out, "fits\n");
    world.finish();
}

#[test]
fn a_full_disk_refuses_new_runs_and_hurts_no_old_one() {
    let Some(world) = World::on_a_disk_of(1_500) else {
        return;
    };
    let script = "for i in $(seq 15); do echo tick $i; sleep 0.2; done\nmkdir -p /workspace/out\n\
                  echo whole > /workspace/out/file";
    Job::new("old", script)
        .with("outputs: [out/*]")
        .write(&world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(&world, &id);
    run.until_logged("tick 3");
    let ballast = Ballast::fill(&world);
    world.livery(&["runs"]).expect(0);
    let new = world.livery(&["run", "--detach", "job.yaml", "--name", "new"]);
    assert_ne!(
        new.code,
        Some(2),
        "it is no mistake of the user's: {}",
        new.err
    );
    drop(ballast);
    let over = run.until_over();
    assert_eq!(over.outcome, Outcome::Succeeded, "{}", run.story());
    let log: String = (1..=15).map(|number| format!("tick {number}\n")).collect();
    assert_eq!(world.ok(&["logs", &run.id]), log);
    world.ok(&["results", &run.id, "home"]);
    let file = fs::read_to_string(world.work().join("home/out/file"));
    assert_eq!(file.unwrap(), "whole\n");
    // One that got through the door is carried out or says why not.
    if new.code == Some(0) {
        RunView::of(&world, &new.out).until_over();
    }
    world.finish();
}

#[test]
fn a_pod_that_fills_its_disks_is_told_and_nobody_else_notices() {
    let Some(world) = World::new() else { return };
    let [greedy, other] = [world.pod(&[]), world.pod(&[])];
    for place in ["/workspace", "/root"] {
        let fill = format!("dd if=/dev/zero of={place}/big bs=1M");
        world
            .sh(&greedy, &fill)
            .expect(1)
            .says(&["No space left on device"]);
    }
    let write = "echo well > /workspace/file && cat /workspace/file";
    assert_eq!(world.sh(&other, write).expect(0).out, "well\n");
    world
        .sh(&greedy, "head -c 4000000 /dev/zero > /workspace/more")
        .expect(1)
        .says(&["No space left on device"]);
    // With both disks full the pod still does what it is told, and can be helped.
    let ran = world.sh(
        &greedy,
        "rm /workspace/big /root/big; echo well > /workspace/file; cat /workspace/file",
    );
    assert_eq!(ran.expect(0).out, "well\n");
    world.finish();
}

#[test]
fn a_file_of_holes_comes_home_whatever_its_size() {
    let Some(world) = World::new() else { return };
    let script = "mkdir out\ntruncate -s 500G out/sparse\nprintf here >> out/sparse";
    Job::new("holes", script)
        .with("outputs: [workdir/out/*]")
        .write(&world);
    world.livery(&["run", "job.yaml"]).expect(0);
    let sparse = world.work().join("results/holes/workdir/out/sparse");
    let file = File::open(&sparse).unwrap();
    let size = (500 << 30) + 4;
    let about = file.metadata().unwrap();
    assert_eq!(about.len(), size);
    assert!(about.blocks() * 512 < 64 << 20, "{about:?}");
    let mut end = [0; 4];
    file.read_exact_at(&mut end, size - 4).unwrap();
    assert_eq!(&end, b"here");
    world.finish();
}

#[test]
fn a_job_that_fills_its_disk_fails_and_its_results_come_home() {
    let Some(world) = World::new() else { return };
    let script = "set -e\nmkdir -p /workspace/out\nseq 1000 > /workspace/out/part\n\
                  dd if=/dev/zero of=/workspace/big bs=1M";
    Job::new("fills", script)
        .with("outputs: [out/*]")
        .write(&world);
    let ran = world.livery(&["run", "job.yaml"]).expect(1);
    assert!(ran.out.contains("No space left on device"), "{}", ran.out);
    let part = fs::read_to_string(world.work().join("results/fills/out/part"));
    assert_eq!(part.unwrap(), crate::support::numbers(1_000));
    world.finish();
}

#[test]
fn pods_and_runs_are_ended_when_no_byte_is_free() {
    ends_all_on_a_full_disk(Shape::OneProcess, Ballast::fill);
}

#[test]
fn pods_and_runs_are_ended_when_no_file_can_be_made() {
    ends_all_on_a_full_disk(Shape::TwoProcesses, Ballast::fill_with_names);
}

/// Ends a run and a pod while the disk under all data is full, and looks that they are gone before
/// there is room again.
fn ends_all_on_a_full_disk(shape: Shape, fill: fn(&World) -> Ballast) {
    let Some(world) = World::on_a_file_system_of(2_500, shape) else {
        return;
    };
    // First the pod: a run takes what is left.
    let small = [
        "--cpus", "0.2", "--memory", "128MB", "--disk", "64MB", "--volume", "64MB",
    ];
    let pod = world.ok(&[&["pod", "create"], &small[..]].concat());
    Job::new("endless", "echo began\nsleep 1000").write(&world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(&world, &id);
    run.until_logged("began");
    let ballast = fill(&world);
    world.ok(&["pod", "terminate", pod.trim()]);
    world.ok(&["cancel", &run.id]);
    assert_eq!(
        run.until_over().outcome,
        Outcome::Cancelled,
        "{}",
        run.story()
    );
    until("no pod is left", Duration::from_secs(60), || {
        (world.ok(&["pods", "--json"]).trim() == "[]").then_some(())
    });
    drop(ballast);
    world.finish();
}

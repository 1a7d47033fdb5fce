//! Network volumes by hand: they outlive pods, control planes and agents, and leave nothing behind.

use crate::support::{Job, RunView, Victim, World, until};
use livery_domain::run::Outcome;
use livery_units::{Money, Per, Rate, Span};
use serde_json::Value;
use std::fs;
use std::time::Duration;

/// Creates a small pod with a network volume; returns its id.
#[track_caller]
fn pod_with(world: &World, volume: &str) -> String {
    let small = ["pod", "create", "--memory", "256MB", "--cpus", "0.5"];
    let disks = ["--disk", "128MB", "--network-volume", volume];
    let made = world.ok(&[&small[..], &disks].concat());
    made.trim().to_owned()
}

fn show(world: &World, volume: &str) -> Value {
    let shown = world.ok(&["volume", "show", volume, "--json"]);
    serde_json::from_str(&shown).unwrap()
}

fn disks(world: &World) -> usize {
    let dir = world.runtime_dir().join("volumes");
    fs::read_dir(dir).map_or(0, |entries| entries.count())
}

#[test]
fn data_outlives_the_pod_that_wrote_it() {
    let Some(world) = World::new() else { return };
    let id = world.ok(&["volume", "create", "data", "--size", "128MB"]);
    let first = pod_with(&world, "data");
    let wrote = "mkdir /workspace/set; echo one > /workspace/set/file; \
                 dd if=/dev/zero of=/workspace/full bs=1M count=200 2>&1 | grep -o 'No space left'";
    let ran = world.sh(&first, wrote).expect(0);
    assert!(ran.out.contains("No space left"), "{}", ran.out);
    world.sh(&first, "rm /workspace/full").expect(0);
    // One pod at a time, and neither goes from under the other.
    let second = ["pod", "create", "--network-volume", "data"];
    let refused = world.livery(&second).expect(2);
    refused.says(&["VOL004", &first, "livery pod terminate"]);
    let refused = world.livery(&["volume", "delete", "data"]).expect(2);
    refused.says(&["VOL004", &first]);
    let listed: Value = serde_json::from_str(&world.ok(&["volumes", "--json"])).unwrap();
    assert_eq!(listed[0]["id"], id.trim());
    assert_eq!(listed[0]["pod"], first.as_str());
    // One price, wherever it is read.
    let price = |command: &str| {
        let table = world.ok(&[command]);
        let line = table.lines().find(|line| line.contains(id.trim()));
        let price = line.and_then(|line| line.split_whitespace().find(|word| word.ends_with("/h")));
        price.unwrap_or_else(|| panic!("{table}")).to_owned()
    };
    assert_eq!(price("spend"), price("volumes"));

    world.ok(&["pod", "terminate", &first]);
    let second = pod_with(&world, id.trim());
    let read = "cat /workspace/set/file; stat -c %U /workspace/set/file; ls -A /workspace; \
                echo two >> /workspace/set/file";
    let ran = world.sh(&second, read).expect(0);
    assert_eq!(ran.out, "one\nroot\nset\n");
    let resize = ["volume", "resize", "data", "192MB"];
    // Where the kernel does not let this agent grow what is mounted, that is said at once.
    match may_grow_mounted() {
        true => drop(world.ok(&resize)),
        false => {
            let refused = world.livery(&resize).expect(1);
            refused.says(&["stays at 128 MiB", "CAP_SYS_RESOURCE", "stop the pod"]);
        }
    }
    world.ok(&["pod", "stop", &second]);
    world.ok(&["volume", "resize", "data", "256MB"]);
    world.ok(&["pod", "start", &second]);
    let grown = "cat /workspace/set/file; df -m --output=size /workspace | tail -n 1";
    let ran = world.sh(&second, grown).expect(0);
    let lines: Vec<&str> = ran.out.lines().map(str::trim).collect();
    assert_eq!(lines[..2], ["one", "two"]);
    assert!(lines[2].parse::<u32>().unwrap() > 200, "{}", ran.out);
    let refused = world.livery(&["volume", "resize", "data", "100MB"]);
    refused.expect(2).says(&["VOL003", "can only grow"]);

    world.ok(&["pod", "terminate", &second]);
    assert!(disks(&world) > 0);
    world.ok(&["volume", "delete", "data"]);
    assert_eq!(disks(&world), 0);
    assert_eq!(world.ok(&["volumes", "--json"]).trim(), "[]");
    // Doing it again is no error.
    world.ok(&["volume", "delete", "data"]);
    world.finish();
}

#[test]
fn whoever_is_killed_a_volume_is_made_once_and_goes_for_good() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    // Killed as soon as the wish is written, before and after the agent has heard of it.
    for (number, victim) in [Victim::ControlPlane, Victim::Agent, Victim::ControlPlane]
        .into_iter()
        .enumerate()
    {
        let name = format!("data-{number}");
        let create = ["volume", "create", &name, "--size", "1GB", "--no-wait"];
        world.ok(&create);
        if number == 2 {
            until("the disk is being made", Duration::from_secs(30), || {
                (disks(&world) > 0).then_some(())
            });
        }
        world.kill(victim);
        world.bring_up();
        let ready = |phase: &str| {
            until(phase, Duration::from_secs(60), || {
                (show(&world, &name)["phase"] == phase).then_some(())
            });
        };
        ready("ready");
        assert_eq!(disks(&world), 2, "an image and its record");
        let pod = pod_with(&world, &name);
        world
            .sh(&pod, "echo kept > /workspace/file; sync")
            .expect(0);
        // Neither of them runs the pod or holds the disk.
        world.kill(Victim::Agent);
        world.kill(Victim::ControlPlane);
        world.bring_up();
        let ran = world.sh(&pod, "cat /workspace/file").expect(0);
        assert_eq!(ran.out, "kept\n");
        world.ok(&["pod", "terminate", &pod]);
        world.ok(&["volume", "delete", &name, "--no-wait"]);
        world.kill(victim);
        world.bring_up();
        until("it is gone", Duration::from_secs(60), || {
            (world.ok(&["volumes", "--json"]).trim() == "[]").then_some(())
        });
        assert_eq!(disks(&world), 0);
    }
    let all: Value = serde_json::from_str(&world.ok(&["volumes", "--all", "--json"])).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 3);
    world.finish();
}

#[test]
fn what_one_run_writes_the_next_reads() {
    let Some(world) = World::new() else { return };
    let job = |run: &str| Job::new("keeps", run).with("volumes: {/mnt/set: data}");
    job("true").write(&world);
    let refused = world.livery(&["run", "job.yaml"]).expect(2);
    refused.says(&["VOL001", "`data`", "livery volume list"]);
    world.ok(&["volume", "create", "data", "--size", "128MB"]);

    job("mountpoint -q /workspace && mountpoint -q /mnt/set && echo one > /mnt/set/file")
        .write(&world);
    let ran = world.livery(&["run", "job.yaml", "--yes"]).expect(0);
    ran.says(&["network volume data costs"]);
    assert_eq!(show(&world, "data")["pod"], Value::Null);
    // In place of the pod's own disk, as the command line says.
    job("cat /workspace/file; echo two >> /workspace/file").write(&world);
    let ran = world
        .livery(&["run", "job.yaml", "--volume", "data"])
        .expect(0);
    assert_eq!(ran.out, "one\n");
    let pod = ["pod", "create", "--memory", "256MB", "--cpus", "0.5"];
    let disks = ["--disk", "128MB", "--volume", "64MB"];
    let mount = ["--network-volume", "data:/mnt/set"];
    let pod = world.ok(&[&pod[..], &disks, &mount].concat());
    let ran = world.sh(pod.trim(), "cat /mnt/set/file; ls -A /workspace");
    assert_eq!(ran.expect(0).out, "one\ntwo\n");
    // It has and pays both disks.
    let shown = world.ok(&["pods", "show", pod.trim()]);
    let row = |begins: &str| shown.lines().find(|line| line.starts_with(begins));
    assert!(
        row("network volume").is_some_and(|row| row.ends_with("at /mnt/set")),
        "{shown}"
    );
    assert!(
        row("volume disk ").is_some_and(|row| row.contains(" 64 M")),
        "{shown}"
    );
    // One pod at a time, whatever it serves.
    let refused = world.livery(&["run", "job.yaml"]).expect(2);
    refused.says(&["VOL004", pod.trim()]);
    world.ok(&["pod", "terminate", pod.trim()]);
    world.ok(&["volume", "delete", "data"]);
    world.finish();
}

#[test]
fn a_run_whose_control_plane_and_agent_die_leaves_its_volume_free() {
    let Some(world) = World::in_two_processes() else {
        return;
    };
    world.ok(&["volume", "create", "data", "--size", "128MB"]);
    let job = Job::new(
        "keeps",
        "until [ -e /mnt/set/go ]; do sleep 0.1; done; rm /mnt/set/go",
    );
    job.with("volumes: {/mnt/set: data}").write(&world);
    for round in 0..2 {
        let run = world.ok(&["run", "job.yaml", "--detach"]);
        let pod = until("it has the volume", Duration::from_secs(60), || {
            show(&world, "data")["pod"].as_str().map(str::to_owned)
        });
        // At whatever step the run is.
        world.kill(Victim::ControlPlane);
        world.kill(Victim::Agent);
        world.bring_up();
        world.sh(&pod, "touch /mnt/set/go").expect(0);
        let run = RunView::of(&world, &run).until_over();
        assert_eq!(
            run.outcome,
            Outcome::Succeeded,
            "round {round}: {:?}",
            run.reason
        );
        assert_eq!(show(&world, "data")["pod"], Value::Null);
    }
    world.ok(&["volume", "delete", "data"]);
    assert_eq!(disks(&world), 0);
    world.finish();
}

#[test]
fn a_volume_is_paid_for_as_long_as_it_is_there() {
    // $3,600 a month and GB: a tenth of a cent and more each second.
    let Some(world) = World::with(&["--volume-price", "3600"]) else {
        return;
    };
    world.ok(&["volume", "create", "data", "--size", "1GB"]);
    let shown = show(&world, "data");
    assert_eq!(shown["price"]["amount"], "3600.00");
    assert_eq!(shown["price"]["per"], "month");
    assert_eq!(shown["price"]["hourly"], "5.00");
    std::thread::sleep(Duration::from_millis(2_100));
    world.ok(&["volume", "delete", "data"]);
    let gone: Value = serde_json::from_str(&world.ok(&["volumes", "--all", "--json"])).unwrap();
    let lived = gone[0]["ended"].as_i64().unwrap() - gone[0]["began"].as_i64().unwrap();
    assert!(lived >= 2_000, "{gone}");
    let bill: Value = serde_json::from_str(&world.ok(&["bill", "--by", "pod", "--json"])).unwrap();
    let line = &bill["lines"][0];
    assert_eq!(
        (&line["id"], &line["name"]),
        (&gone[0]["id"], &gone[0]["name"])
    );
    // Whole seconds of its life, at its price.
    let charged: Money = line["amount"].as_str().unwrap().parse().unwrap();
    let month = Rate {
        amount: "3600".parse().unwrap(),
        per: Per::Month,
    };
    let price = |secs: i64| month.accrued(Span::from_secs(secs.unsigned_abs())).unwrap();
    let seconds = (2..=lived / 1_000).find(|secs| price(*secs) == charged);
    assert!(seconds.is_some(), "{charged} in {lived} ms");
    world.finish();
}

/// Whether this process has CAP_SYS_RESOURCE, which the kernel asks for to grow what is mounted.
fn may_grow_mounted() -> bool {
    let held = rustix::thread::capabilities(None).unwrap();
    held.effective
        .contains(rustix::thread::CapabilitySet::SYS_RESOURCE)
}

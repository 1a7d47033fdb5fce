//! Bad input: told with the place and the way out, exit code 2, nothing launched, nothing left.

use crate::support::{Job, RunView, World};
use livery_domain::run::Outcome;
use std::fs;
use std::os::unix::fs::symlink;

/// Runs a job file that has mistakes.
#[track_caller]
fn refused(world: &World, yaml: &str, says: &[&str]) {
    fs::write(world.work().join("job.yaml"), yaml).unwrap();
    let ran = world.livery(&["run", "job.yaml"]).expect(2).says(says);
    assert_eq!(ran.out, "");
}

#[track_caller]
fn nothing_was_launched(world: World) {
    assert_eq!(world.ok(&["runs", "--json"]).trim(), "[]");
    assert_eq!(world.ok(&["pods", "--all", "--json"]).trim(), "[]");
    world.finish();
}

#[test]
fn mistakes_in_a_job_file_are_pointed_at() {
    let Some(world) = World::new() else { return };
    let broken = "name: [\nrun: echo";
    refused(&world, broken, &["job.yaml:", "^", "nothing was launched"]);
    refused(
        &world,
        "rnu: echo\n",
        &["job.yaml:1:1", "rnu", "`run`", "^"],
    );
    refused(
        &world,
        "run: echo\nresources:\n  acelerators: H100\n",
        &["job.yaml:3:3", "accelerators"],
    );
    refused(&world, "run: echo\nnum_nodes: 4\n", &["num_nodes"]);
    refused(&world, "name: x\n", &["run"]);
    refused(&world, "", &["run"]);
    refused(
        &world,
        "run: echo\nfile_mounts: {/data: s3://bucket/x}\n",
        &["s3"],
    );
    fs::write(world.work().join("job.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    world.livery(&["run", "job.yaml"]).expect(2);
    world
        .livery(&["run", "no-such-file.yaml"])
        .expect(2)
        .says(&["no-such-file.yaml"]);
    world.livery(&["run", "."]).expect(2);
    world.livery(&["run"]).expect(2);
    nothing_was_launched(world);
}

#[test]
fn absurd_sizes_are_refused() {
    let Some(world) = World::new() else { return };
    let bad = [
        "cpus: 0",
        "cpus: -1",
        "cpus: 1000000",
        "cpus: many",
        "memory: 0",
        "memory: 1KB",
        "memory: 99999999999999999999TB",
        "memory: -5",
        "disk_size: 0",
        "disk_size: 9000PB",
        "ports: [0]",
        "ports: [70000]",
        "accelerators: 'H100:99999999'",
        "accelerators: 'H100:0'",
    ];
    for resources in bad {
        let yaml = format!("run: echo\nresources: {{{resources}}}\n");
        refused(&world, &yaml, &["job.yaml:2:"]);
    }
    for budget in [
        "max_hours: 0",
        "max_hours: 999999d",
        "max_total: -1",
        "max_hourly: 1e400",
    ] {
        refused(
            &world,
            &format!("run: echo\nbudget: {{{budget}}}\n"),
            &["job.yaml:2:"],
        );
    }
    let huge = format!("run: echo\nname: {}\n", "x".repeat(3 << 20));
    refused(&world, &huge, &["job.yaml"]);
    for arguments in [
        ["--cpus", "0"],
        ["--memory", "x"],
        ["--disk", "-1"],
        ["--cpus", "1e9"],
    ] {
        world
            .livery(&[&["pod", "create"][..], &arguments].concat())
            .expect(2);
    }
    world
        .livery(&["pod", "create", "--memory", "900TB"])
        .expect(2)
        .says(&["no offer fits"]);
    world.livery(&["pod", "create", "--disk", "1b"]).expect(2);
    nothing_was_launched(world);
}

#[test]
fn paths_that_escape_are_refused() {
    let Some(world) = World::new() else { return };
    fs::create_dir(world.work().join("data")).unwrap();
    for dest in [
        "../out",
        "/workspace/../../etc",
        "/proc/x",
        "/dev/x",
        "/",
        "''",
    ] {
        let yaml = format!("run: echo\nfile_mounts: {{{dest}: ./data}}\n");
        refused(&world, &yaml, &["job.yaml:2:"]);
    }
    for output in ["../*", "/etc/passwd", "out/../../x", "/workspace/../x"] {
        let yaml = format!("run: echo\noutputs: ['{output}']\n");
        refused(&world, &yaml, &["job.yaml:2:"]);
    }
    refused(
        &world,
        "run: echo\nfile_mounts: {/data: ./not-here}\n",
        &["not-here"],
    );
    refused(&world, "run: echo\nworkdir: ./not-here\n", &["not-here"]);
    refused(
        &world,
        "run: echo\ncheckpoint: {dir: /root/x, interval: 1m}\n",
        &["/workspace"],
    );
    refused(
        &world,
        "run: echo\ncheckpoint: {dir: /workspace/../x}\n",
        &["job.yaml:2:"],
    );
    nothing_was_launched(world);
}

#[test]
fn links_out_of_a_tree_lead_nowhere() {
    const SECRET: &str = "the owner's own words";
    let Some(world) = World::new() else { return };
    let data = world.work().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(world.home().join("secret"), SECRET).unwrap();
    symlink(world.home().join("secret"), data.join("by-file")).unwrap();
    symlink(world.home(), data.join("by-dir")).unwrap();
    symlink("../../home/secret", data.join("by-dots")).unwrap();
    // Into the pod: links stay links, and there they point at what is not there. Out of the pod:
    // links that the job makes never bring a file of the machine home.
    let script = "cat data/by-file data/by-dir/secret data/by-dots; mkdir -p /workspace/out\n\
                  cd /workspace/out\nln -s /etc/hostname absolute; ln -s ../../etc/hostname dots\n\
                  ln -s / root; echo fine > file";
    Job::new("links", script)
        .with("file_mounts: {data: ./data}\noutputs: ['out/**', 'out/root/**']")
        .write(&world);
    let ran = world.livery(&["run", "job.yaml", "--results", "home"]);
    assert!(!ran.out.contains(SECRET), "{}", ran.out);
    let out = world.work().join("home/out");
    assert_eq!(fs::read_to_string(out.join("file")).unwrap(), "fine\n");
    for name in ["absolute", "dots", "root"] {
        let kind = fs::symlink_metadata(out.join(name));
        assert!(
            kind.map_or(true, |kind| kind.is_symlink()),
            "{name} is a link or left out"
        );
    }
    assert!(fs::symlink_metadata(out.join("root/etc")).is_err() || out.join("root").is_symlink());
    world.finish();
}

#[test]
fn a_pod_that_plants_links_cannot_write_outside_it() {
    let Some(world) = World::new() else { return };
    let target = world.path().join("target");
    fs::create_dir(&target).unwrap();
    fs::create_dir(world.work().join("data")).unwrap();
    fs::write(world.work().join("data/file"), "sent\n").unwrap();
    // By the time file_mounts are sent, setup has put a link where they go.
    let setup = format!(
        "ln -s {} /workspace/mnt; ln -s ../../../../../../../../tmp /workspace/up",
        target.display()
    );
    Job::new("plant", "find /workspace -name file; true")
        .script("setup", &setup)
        .with("file_mounts: {/workspace/mnt/in: ./data, /workspace/up/livery-e2e-escape: ./data}")
        .write(&world);
    let ran = world.livery(&["run", "job.yaml"]);
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.err);
    assert_eq!(
        fs::read_dir(&target).unwrap().count(),
        0,
        "nothing was written outside"
    );
    assert!(!std::path::Path::new("/tmp/livery-e2e-escape").exists());
    assert!(matches!(
        RunView::newest(&world).now().unwrap().outcome,
        Outcome::Succeeded | Outcome::Failed
    ));
    world.finish();
}

#[test]
fn values_that_are_missing_are_asked_for() {
    let Some(world) = World::new() else { return };
    Job::new("values", "echo $A")
        .with("envs: {A: null}")
        .write(&world);
    world
        .livery(&["run", "job.yaml"])
        .expect(2)
        .says(&["A", "--env"]);
    world
        .livery(&["run", "job.yaml", "--env", "NOT_SET_HERE"])
        .expect(2)
        .says(&["NOT_SET_HERE"]);
    world.livery(&["run", "job.yaml", "--env", "=x"]).expect(2);
    world
        .livery(&["run", "job.yaml", "--env", "0BAD=x"])
        .expect(2);
    world
        .livery(&["run", "job.yaml", "--secret", "NOT_SET_HERE"])
        .expect(2);
    world
        .livery(&["exec", "--env", "NOT_SET_HERE", "pod", "--", "true"])
        .expect(2);
    nothing_was_launched(world);
}

#[test]
fn unknown_pods_and_runs_are_the_users_mistake() {
    let Some(world) = World::new() else { return };
    for id in ["run_00000000000000000000000000", "no-such-run", "../x", ""] {
        for command in [&["run", "show"][..], &["logs"], &["results"], &["cancel"]] {
            world.livery(&[command, &[id]].concat()).expect(2);
        }
    }
    for id in ["pod_00000000000000000000000000", "no-such-pod", "a/b"] {
        for command in [
            &["pods", "show"][..],
            &["pod", "stop"],
            &["pod", "start"],
            &["pod", "terminate"],
        ] {
            let ran = world.livery(&[command, &[id]].concat()).expect(2);
            ran.says(&["no pod"]);
        }
        world.livery(&["exec", id, "--", "true"]).expect(2);
    }
    world.livery(&["no-such-command"]).expect(2);
    world.livery(&["pods", "--no-such-option"]).expect(2);
    world.livery(&["--server", "gopher://x", "pods"]).expect(2);
    nothing_was_launched(world);
}

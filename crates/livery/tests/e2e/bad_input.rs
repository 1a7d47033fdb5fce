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
fn links_and_devices_in_what_is_sent_are_refused_by_name() {
    let Some(world) = World::new() else { return };
    let data = world.work().join("data");
    fs::create_dir_all(data.join("deep")).unwrap();
    let secret = world.home().join("secret");
    fs::write(&secret, "the owner's own words").unwrap();
    Job::new("links", "true")
        .with("file_mounts: {data: ./data}")
        .write(&world);
    let sent = || world.livery(&["run", "job.yaml"]);
    let link = data.join("deep/out");
    let dots = std::path::PathBuf::from("../../../home/secret");
    for target in [&secret, &world.home(), &dots, &"/etc/passwd".into()] {
        symlink(target, &link).unwrap();
        sent()
            .expect(2)
            .says(&["deep/out", "points out of its directory"]);
        fs::remove_file(&link).unwrap();
    }
    let pipe = std::os::unix::net::UnixListener::bind(data.join("deep/socket")).unwrap();
    sent().expect(2).says(&["deep/socket", "socket"]);
    drop(pipe);
    nothing_was_launched(world);
}

#[test]
fn links_that_a_job_makes_bring_nothing_of_the_machine_home() {
    let Some(world) = World::new() else { return };
    let script = "mkdir -p /workspace/out\ncd /workspace/out\necho fine > file\nln -s file inside\n\
                  ln -s /etc/hostname absolute\nln -s ../../etc/hostname dots\nln -s / root\n\
                  mkfifo pipe";
    Job::new("links", script)
        .with("outputs: ['out/**', 'out/root/etc/*']")
        .write(&world);
    let ran = world
        .livery(&["run", "job.yaml", "--results", "home"])
        .expect(0);
    let out = world.work().join("home/out");
    assert_eq!(fs::read_to_string(out.join("inside")).unwrap(), "fine\n");
    let mut names: Vec<_> = crate::support::digest(&out).into_keys().collect();
    names.sort();
    assert_eq!(names, ["file", "inside"]);
    // What stays behind is said, not dropped in silence.
    for name in ["absolute", "dots", "root", "pipe"] {
        assert!(
            ran.err.contains(&format!("out/{name}")),
            "{name} in:\n{}",
            ran.err
        );
    }
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

//! Runs that go well: attached, detached, followed, and what comes home.

use crate::support::{Job, RunView, World, digest, numbers, tree_of};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_job_goes_through_its_eight_steps_and_brings_its_files_home() {
    let Some(world) = World::new() else { return };
    tree_of(&world.work().join("data"), 300);
    tree_of(&world.work().join("code"), 3);
    fs::write(world.work().join("one.txt"), "one file\n").unwrap();
    Job::new(
        "whole",
        "set -e\necho the job says $GREETING\ncat prepared ~/one.txt\n./tool\nmkdir -p /workspace/out\n\
         cp -a /workspace/data /workspace/out/\nseq 50000 > /workspace/out/numbers\n\
         echo not wanted > /workspace/other",
    )
    .script("setup", "echo setup in $(pwd)\necho prepared here > prepared")
    .with("workdir: ./code\nenvs: {GREETING: hello}")
    .with("file_mounts: {/workspace/data: ./data, ~/one.txt: ./one.txt}")
    .with("outputs: ['out/**', 'nothing-matches-*']")
    .write(&world);
    let ran = world
        .livery(&["run", "job.yaml", "--results", "home"])
        .expect(0);
    let steps = [
        "1/8 choose",
        "2/8 launch",
        "3/8 validate",
        "4/8 deploy",
        "5/8 transfer",
        "6/8 train",
        "7/8 pull",
        "8/8 teardown",
    ];
    let ran = ran.says(&steps).says(&["results: ", "total", "$0.18/h"]);
    let lines = [
        "setup in ",
        "the job says hello",
        "prepared here",
        "one file",
        "from a tool",
    ];
    for line in lines {
        assert!(ran.out.contains(line), "no `{line}` in:\n{}", ran.out);
    }
    let home = world.work().join("home/out");
    assert_eq!(
        digest(&home.join("data")),
        digest(&world.work().join("data"))
    );
    assert_eq!(
        fs::read_to_string(home.join("numbers")).unwrap(),
        numbers(50_000)
    );
    let entries = fs::read_dir(world.work().join("home")).unwrap();
    assert_eq!(
        entries.count(),
        1,
        "only what was asked for, and no scratch"
    );
    world.finish();
}

#[test]
fn what_was_sent_before_is_not_sent_again() {
    let Some(world) = World::new() else { return };
    tree_of(&world.work().join("data"), 200);
    Job::new("twice", "cat /workspace/data/deep/7")
        .with("file_mounts: {/workspace/data: ./data}")
        .write(&world);
    let first = world.livery(&["run", "job.yaml"]).expect(0);
    fs::write(world.work().join("data/deep/7"), "changed\n").unwrap();
    let second = world.livery(&["run", "job.yaml"]).expect(0);
    assert_eq!(
        (first.out.as_str(), second.out.as_str()),
        ("file 7\n", "changed\n")
    );
    let line = second
        .err
        .lines()
        .find(|line| line.contains("of them sent"))
        .unwrap();
    let sent = line.split(", ").last().unwrap();
    // The changed file and the manifest that names it.
    assert!(sent.contains("KiB") || sent.contains(" B"), "{line}");
    world.finish();
}

#[test]
fn a_detached_run_is_followed_shown_and_brought_home_later() {
    let Some(world) = World::new() else { return };
    let script = "for i in 1 2 3 4 5 6; do echo step $i; sleep 0.3; done; mkdir -p /workspace/out\n\
                  echo done > /workspace/out/result";
    Job::new("away", script)
        .with("outputs: [out/*]")
        .write(&world);
    let id = world.ok(&["run", "--detach", "job.yaml"]);
    let run = RunView::of(&world, &id);
    let mut follower = world.spawn(&["logs", "--follow", &run.id]);
    follower.until_out("step 2");
    let now = run.now().unwrap();
    assert_eq!(
        (now.ended, now.exit_code),
        (None, None),
        "it was followed while it ran"
    );
    let followed = follower.finish().expect(0).out;
    let whole: String = (1..=6).map(|number| format!("step {number}\n")).collect();
    assert_eq!(followed, whole);
    run.until_over();
    assert_eq!(world.ok(&["logs", "away"]), whole);

    let runs: serde_json::Value = serde_json::from_str(&world.ok(&["runs", "--json"])).unwrap();
    assert_eq!(runs[0]["id"], run.id);
    assert_eq!(runs[0]["outcome"], "succeeded");
    let shown = world.ok(&["run", "show", &run.id, "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["exit_code"], 0);
    assert_eq!(shown, runs[0]);
    let told = world.ok(&["run", "show", "away"]);
    for text in ["choose", "teardown", "succeeded", "total"] {
        assert!(told.contains(text), "no `{text}` in:\n{told}");
    }
    world.ok(&["results", &run.id, "later"]);
    let result = fs::read_to_string(world.work().join("later/out/result"));
    assert_eq!(result.unwrap(), "done\n");
    world.finish();
}

#[test]
fn a_job_finds_the_environment_that_skypilot_users_expect() {
    let Some(world) = World::new() else { return };
    let script = "env | sort\necho host $(hostname)\necho tty $(test -t 0 || echo none)";
    Job::new("env", script)
        .with("envs: {OWN: from the file, OVER: file, EMPTY: ''}")
        .with("checkpoint: {dir: /workspace/ckpt}")
        .write(&world);
    let mut command = world.command(&["run", "job.yaml", "--env", "OVER=line", "--env", "CALLER"]);
    command.env("CALLER", "from the caller");
    let ran = world
        .run_command(command, std::process::Stdio::null())
        .finish()
        .expect(0);
    let run = RunView::newest(&world);
    let pod = run.now().unwrap().pod.unwrap();
    let wanted = [
        "OWN=from the file",
        "OVER=line",
        "EMPTY=",
        "CALLER=from the caller",
        "SKYPILOT_NUM_NODES=1",
        "SKYPILOT_NODE_RANK=0",
        "SKYPILOT_NODE_IPS=127.0.0.1",
        "SKYPILOT_NUM_GPUS_PER_NODE=0",
        "LIVERY_CHECKPOINT_DIR=/workspace/ckpt",
        "HOME=/root",
        "tty none",
    ];
    let ids = [
        format!("SKYPILOT_TASK_ID={}", run.id),
        format!("LIVERY_RUN_ID={}", run.id),
        format!("LIVERY_POD_ID={pod}"),
    ];
    let lines: Vec<&str> = ran.out.lines().collect();
    for line in wanted.into_iter().chain(ids.iter().map(String::as_str)) {
        assert!(lines.contains(&line), "no `{line}` in:\n{}", ran.out);
    }
    assert!(
        !ran.out.contains("LIVERY_DATA_DIR"),
        "the owner's environment stays out"
    );
    world.finish();
}

#[test]
fn secrets_are_seen_by_the_job_and_by_nobody_else() {
    const SECRET: &str = "hush-41c7b2a9-hush";
    let Some(world) = World::new() else { return };
    let script = "test ${#TOKEN} = 18 && echo it has the token\nsleep 1";
    Job::new("quiet", script)
        .script("setup", "test ${#TOKEN} = 18")
        .with("secrets: {TOKEN: null}")
        .write(&world);
    let mut command = world.command(&["run", "job.yaml", "--secret", "TOKEN"]);
    command.env("TOKEN", SECRET).env("LIVERY_LOG", "debug");
    let ran = world
        .run_command(command, std::process::Stdio::null())
        .finish()
        .expect(0);
    assert!(ran.out.contains("it has the token"));
    let run = RunView::newest(&world);
    let told = [
        ran.err,
        world.ok(&["logs", &run.id]),
        world.ok(&["run", "show", &run.id]),
        world.ok(&["run", "show", &run.id, "--json"]),
        world.ok(&["pods", "--all", "--json"]),
        world.log(),
    ];
    for text in told {
        assert!(!text.contains(SECRET), "{text}");
    }
    // Nor is it kept after the run: not in the database, and not in what is left of the pod.
    let keeps = std::process::Command::new("grep")
        .args(["--recursive", "--text", "--files-with-matches", SECRET])
        .arg(world.data())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&keeps.stdout), "");
    world.finish();
}

#[test]
fn the_owners_own_ways_of_naming_files_work() {
    let Some(world) = World::new() else { return };
    let home = world.home();
    fs::create_dir(home.join("sets")).unwrap();
    fs::write(home.join("sets/a"), "a\n").unwrap();
    symlink(home.join("sets"), world.work().join("by-link")).unwrap();
    Job::new(
        "names",
        "cat /workspace/absolute/a /workspace/linked/a /workspace/tilde/a",
    )
    .with(&format!(
        "file_mounts:\n  /workspace/absolute: {}/sets",
        home.display()
    ))
    .with("  /workspace/linked: ./by-link\n  /workspace/tilde: ~/sets")
    .write(&world);
    let ran = world.livery(&["run", "job.yaml"]).expect(0);
    assert_eq!(ran.out, "a\na\na\n");
    world.finish();
}

//! System calls that would lead out of a pod, made inside one by a program of our own.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use livery_runtime::{CommandSpec, ExecSpec, Streams};
use livery_units::PodId;

use crate::bench::{Bench, idle_pod};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pods/calls.c");

#[test]
fn no_system_call_makes_a_namespace_or_reaches_past_the_pods_own() {
    let Some(bench) = Bench::new() else { return };
    if cfg!(not(target_arch = "x86_64")) {
        println!("skipped: the program that makes the calls is for x86-64");
        return;
    }
    let program = build(bench.path());
    let pod = bench.pod(&idle_pod(1));
    send(&bench, &pod, &program, "/root/calls");
    let answers = bench.says(&pod, "chmod +x /root/calls && /root/calls");
    let answers: BTreeMap<&str, &str> = answers
        .lines()
        .map(|line| line.split_once(": ").unwrap())
        .collect();

    let mut wrong = Vec::new();
    for (call, answer) in &answers {
        let expected: &[&str] = match *call {
            "fork" | "fork 32" | "getpid 32" | "socket inet" | "socket inet 32" => &["through"],
            // C libraries fall back to `clone` and to the direct calls.
            "clone3 user" | "clone3 user 32" => &["ENOSYS"],
            call if call.starts_with("socketcall ") => &["ENOSYS"],
            // A family that no program writes like this.
            "socket inet high" => &["EPERM"],
            // The kernel has these numbers or not; the filter lets neither through.
            "getpid x32" => &["killed by 31", "killed by 9", "ENOSYS"],
            _ => &["EPERM"],
        };
        if !expected.contains(answer) {
            wrong.push(format!("{call}: {answer}, not {expected:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    // Every call of the program was made and has answered.
    assert_eq!(answers.len(), 7 * 5 + 5 + 5 * 4 + 4, "{answers:?}");
}

/// Builds the program without libraries, so that it runs in any pod. The compiler is the one that
/// links this test.
fn build(directory: &Path) -> PathBuf {
    let program = directory.join("calls");
    let built = Command::new("cc")
        .args(["-static", "-no-pie", "-O1", "-Wall", "-o"])
        .arg(&program)
        .arg(SOURCE)
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    program
}

/// Puts a file into a pod.
fn send(bench: &Bench, pod: &PodId, file: &Path, to: &str) {
    let exec = ExecSpec {
        command: CommandSpec::new(["/bin/sh", "-c", &format!("cat > {to}")]),
        streams: Streams::Pipes,
    };
    let mut command = bench.runtime().exec_command(pod, &exec).unwrap();
    command.stdin(Stdio::from(File::open(file).unwrap()));
    assert!(command.status().unwrap().success());
}

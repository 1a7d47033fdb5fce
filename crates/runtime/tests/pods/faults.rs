//! Agents, shims and first processes die at bad moments; pods stay findable and removable.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use livery_runtime::net::Reach;
use livery_runtime::{CommandSpec, ExecSpec, Exit, NetworkMode, Status, Streams, TaskState};
use livery_units::{PodId, Span};
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, idle_pod, task, until};

/// Kills a process that a record of the pod names.
fn kill(bench: &Bench, pod: &PodId, record: &str, who: &str) {
    signal(bench, pod, record, who, Signal::KILL);
}

fn signal(bench: &Bench, pod: &PodId, record: &str, who: &str, signal: Signal) {
    let path = bench.root().join("pods").join(pod.as_str()).join(record);
    let record: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let pid = i32::try_from(record[who]["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

#[test]
fn pods_and_tasks_outlive_the_agent() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    let pod = bench.pod(&idle_pod(1));
    bench.says(&pod, "mkfifo /workspace/gate");
    let waiting = task(1, "echo before; read word < /workspace/gate; echo $word");
    bench.runtime().task_start(&pod, &waiting).unwrap();
    let before = bench.status(&pod);
    bench.reopen();
    assert_eq!(bench.runtime().list().unwrap().len(), 1);
    assert_eq!(bench.status(&pod), before);
    // The restarted agent asks again, and it is still the same run.
    bench.runtime().task_start(&pod, &waiting).unwrap();
    bench.says(&pod, "echo after > /workspace/gate");
    let TaskState::Ended { end, .. } = bench.finish(&pod, &waiting.id) else {
        panic!()
    };
    assert_eq!(end.exit, Exit::Code(0));
    assert_eq!(bench.log(&pod, &waiting.id), "before\nafter\n");
}

#[test]
fn a_killed_shim_takes_its_pod_along_and_leaves_it_lost() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    bench.says(&pod, "echo kept > /workspace/file");
    let Status::Up { pid } = bench.status(&pod) else {
        panic!()
    };
    kill(&bench, &pod, "run.json", "shim");
    until("the pod is lost", || {
        (bench.status(&pod) == Status::Lost).then_some(())
    });
    let process = PathBuf::from(format!("/proc/{pid}"));
    until("its first process is gone", || {
        (!process.exists()).then_some(())
    });
    // Lost is not the end: the volume is whole and the pod can be started.
    assert!(matches!(
        bench.runtime().start(&pod).unwrap().status,
        Status::Up { .. }
    ));
    assert_eq!(bench.says(&pod, "cat /workspace/file"), "kept");
    kill(&bench, &pod, "run.json", "shim");
    bench.runtime().remove(&pod).unwrap();
    assert_eq!(bench.runtime().list().unwrap(), []);
}

#[test]
fn a_killed_first_process_is_a_pod_that_is_down() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    let waiting = task(1, "sleep 1000");
    bench.runtime().task_start(&pod, &waiting).unwrap();
    kill(&bench, &pod, "run.json", "init");
    let end = until("the pod is down", || match bench.status(&pod) {
        Status::Down { end } => Some(end),
        Status::Starting | Status::Up { .. } | Status::Lost => None,
    });
    assert_eq!(end.exit, Exit::Signal(9));
    let TaskState::Ended { end, .. } = bench.finish(&pod, &waiting.id) else {
        panic!()
    };
    assert_eq!(end.exit, Exit::PodEnded);
    bench.runtime().stop(&pod, Span::ZERO).unwrap();
}

#[test]
fn a_first_process_that_hangs_is_not_waited_for_without_end() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    let [running, late] = [1, 2].map(|number| task(number, "sleep 1000"));
    bench.runtime().task_start(&pod, &running).unwrap();
    signal(&bench, &pod, "run.json", "init", Signal::STOP);
    let silent = "the pod's first process does not answer";
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut child = exec_true(&bench, &pod);
            assert_eq!(child.wait().unwrap().code(), Some(125));
            let said = fs::read_to_string(bench.path().join("said")).unwrap();
            assert!(said.contains(silent), "{said}");
        });
        // Nor is anybody kept who does not want to wait any longer.
        threads.spawn(|| {
            let mut child = exec_true(&bench, &pod);
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            // It takes signals once it has begun to wait; one that comes earlier ends it, too.
            kill_process(pid, Signal::TERM).unwrap();
            let status = child.wait().unwrap();
            let code = status.code().or(status.signal().map(|signal| 128 + signal));
            assert_eq!(code, Some(128 + 15));
        });
        threads.spawn(|| {
            let error = bench.runtime().task_signal(&pod, &running.id, 15);
            let said = error.unwrap_err().to_string();
            assert!(said.contains(silent), "{said}");
        });
        threads.spawn(|| {
            let TaskState::Ended { end, .. } = bench.runtime().task_start(&pod, &late).unwrap()
            else {
                panic!()
            };
            assert_eq!(end.exit, Exit::NotStarted(125));
            assert!(bench.log(&pod, &late.id).contains(silent));
        });
    });
    bench.runtime().remove(&pod).unwrap();
}

/// Runs `true` in a pod; what its shim says goes to a file, for a first process that hangs keeps the
/// ends of pipes that were handed to it.
fn exec_true(bench: &Bench, pod: &PodId) -> std::process::Child {
    let exec = ExecSpec {
        command: CommandSpec::new(["true"]),
        streams: Streams::Pipes,
    };
    let mut append = fs::File::options();
    append.create(true).append(true);
    let said = append.open(bench.path().join("said"));
    let mut command = bench.runtime().exec_command(pod, &exec).unwrap();
    command.stderr(said.unwrap()).spawn().unwrap()
}

#[test]
fn a_task_is_lost_with_its_shim_and_stopped_by_a_signal() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    let [first, second] = [1, 2].map(|number| task(number, "sleep 1000 & sleep 1000; wait"));
    let count = "grep -lx sleep /proc/[0-9]*/comm 2>/dev/null | wc -l";
    bench.runtime().task_start(&pod, &first).unwrap();
    until("it runs", || (bench.says(&pod, count) == "2").then_some(()));
    kill(
        &bench,
        &pod,
        &format!("tasks/{}/status.json", first.id),
        "shim",
    );
    assert_eq!(bench.finish(&pod, &first.id), TaskState::Lost);
    until("it is gone", || {
        (bench.says(&pod, count) == "0").then_some(())
    });

    bench.runtime().task_start(&pod, &second).unwrap();
    until("it runs", || (bench.says(&pod, count) == "2").then_some(()));
    bench.runtime().task_signal(&pod, &second.id, 15).unwrap();
    let TaskState::Ended { end, .. } = bench.finish(&pod, &second.id) else {
        panic!()
    };
    assert_eq!(end.exit, Exit::Signal(15));
    until("it is gone", || {
        (bench.says(&pod, count) == "0").then_some(())
    });
    bench.runtime().task_signal(&pod, &second.id, 15).unwrap();
}

#[test]
fn an_agent_killed_while_it_makes_a_pod_leaves_it_to_be_found() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    let shim = env!("CARGO_BIN_EXE_livery-shim");
    // The agent dies before its shim begins; then the shim gives up, or goes on all the same.
    for end in ["exit 1".to_owned(), format!("exec {shim} \"$@\"")] {
        let script = bench.path().join("shim.sh");
        fs::write(&script, format!("#!/bin/sh\nkill -9 $PPID\n{end}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        bench.crash_in_create(&script, &idle_pod(1));
        let found = bench.runtime().list().unwrap();
        let [state] = &found[..] else {
            panic!("{found:?}")
        };
        assert!(
            matches!(state.status, Status::Lost | Status::Up { .. }),
            "{state:?}"
        );
        bench.runtime().remove(&state.id).unwrap();
        assert_eq!(bench.runtime().list().unwrap(), []);
        assert_eq!(traces(&state.id, bench.root()), Vec::<String>::new());
    }
}

#[test]
fn a_pod_that_cannot_start_leaves_nothing() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    bench.set_shim(Path::new("/bin/false"));
    let spec = idle_pod(1);
    let error = bench.runtime().create(&spec).unwrap_err();
    assert!(
        error.to_string().contains("could not be started"),
        "{error}"
    );
    assert_eq!(bench.runtime().list().unwrap(), []);
    assert_eq!(traces(&spec.id, bench.root()), Vec::<String>::new());
}

#[test]
fn nothing_is_left_of_a_removed_pod() {
    let Some(bench) = Bench::new() else { return };
    let mut spec = idle_pod(1);
    spec.network = NetworkMode::Own(Reach::Everything);
    let pod = bench.pod(&spec);
    bench
        .runtime()
        .task_start(&pod, &task(1, "setsid sleep 1000 & sleep 1000"))
        .unwrap();
    assert_ne!(traces(&pod, bench.root()), Vec::<String>::new());
    bench.runtime().remove(&pod).unwrap();
    assert_eq!(traces(&pod, bench.root()), Vec::<String>::new());
}

/// Finds whatever names a pod, or the directory that all of the test's pods are in.
fn traces(pod: &PodId, root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let root_text = root.display().to_string();
    let names = |text: &str| text.contains(pod.as_str()) || text.contains(&root_text);
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let path = process.path();
        for file in ["cmdline", "mounts"] {
            // Our own command line and mounts name nothing of a pod.
            let text = fs::read(path.join(file)).unwrap_or_default();
            if names(&String::from_utf8_lossy(&text)) {
                found.push(format!("{}/{file}", path.display()));
            }
        }
    }
    for device in fs::read_dir("/sys/block").unwrap().flatten() {
        let held = device.path().join("loop/backing_file");
        found.extend(fs::read_to_string(held).ok().filter(|held| names(held)));
    }
    for tree in fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        let group = tree.path().join("livery").join(pod.as_str());
        found.extend(group.exists().then(|| group.display().to_string()));
    }
    let group = Path::new("/sys/fs/cgroup/livery").join(pod.as_str());
    found.extend(group.exists().then(|| group.display().to_string()));
    for link in fs::read_dir("/sys/class/net").unwrap().flatten() {
        let alias = fs::read_to_string(link.path().join("ifalias")).unwrap_or_default();
        found.extend(names(&alias).then_some(alias));
    }
    for place in ["pods", "slots", "../netns"] {
        for entry in fs::read_dir(root.join(place)).unwrap().flatten() {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

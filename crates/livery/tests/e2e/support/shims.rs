//! The processes that hold pods and watch over tasks, as the machine shows them.

use super::World;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;

/// What a shim is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShimKind {
    /// It holds a pod, which dies with it.
    Pod,
    /// It watches over a command such as `setup` or `run`.
    Task,
}

/// Kills the process that holds a pod.
pub fn kill_shim(world: &World, pod: &str) {
    let path = world.runtime_dir().join("pods").join(pod).join("run.json");
    let record: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let pid = i32::try_from(record["shim"]["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Returns all shims of a world and a kind.
pub fn shims(world: &World, kind: ShimKind) -> Vec<Pid> {
    let directory = world.runtime_dir().display().to_string();
    let mark = match kind {
        ShimKind::Pod => "\0shim\0init\0",
        ShimKind::Task => "\0shim\0task\0",
    };
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.contains(mark) && line.contains(&directory) {
            let name = entry.file_name();
            let pid = name
                .to_str()
                .and_then(|name| Pid::from_raw(name.parse().ok()?));
            found.extend(pid);
        }
    }
    found
}

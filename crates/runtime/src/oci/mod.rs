//! The container's configuration, in the open format that every runtime reads.

mod libcontainer;
mod seccomp;

use std::os::fd::AsRawFd;

use serde_json::{Value, json};

pub(crate) use self::libcontainer::for_libcontainer;
use crate::cgroup;
use crate::mounts::{Access, Bind, Stage};
use crate::spec::PodSpec;

/// Docker's list without what means nothing inside a user namespace: device nodes cannot be made
/// there, and raw sockets and audit belong to this machine's namespaces.
const CAPABILITIES: [&str; 11] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// What tells too much of this machine.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// What may be looked at but would change this machine.
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// One scheduling period, in microseconds.
const CPU_PERIOD: u64 = 100_000;

/// The shortest share of a period that the kernel accepts.
const SMALLEST_QUOTA: u64 = 1_000;

/// Writes the configuration of a pod whose root is staged.
pub(crate) fn config(spec: &PodSpec, stage: &Stage) -> Value {
    let caps = json!(CAPABILITIES);
    json!({
        "ociVersion": "1.1.0",
        "hostname": spec.hostname,
        "root": { "path": Stage::root(), "readonly": false },
        "process": {
            // Never executed: the first process is this program itself.
            "args": ["livery-init"],
            "cwd": "/",
            // The library would look it up by the C library's means, inside the pod's root: with the
            // image's own tables, which may be pipes, and its own code for reading them.
            "env": ["HOME=/"],
            // Whatever the agent was started with, files are as programs expect them.
            "user": { "uid": 0, "gid": 0, "umask": 0o022 },
            "noNewPrivileges": true,
            "capabilities": {
                "bounding": caps,
                "effective": caps,
                "permitted": caps,
                "inheritable": [],
                "ambient": []
            }
        },
        "mounts": mounts(spec, &stage.binds),
        "linux": {
            "namespaces": namespaces(stage),
            "cgroupsPath": cgroup::path_of(&spec.id),
            "resources": resources(spec),
            "devices": devices(spec),
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
            "seccomp": seccomp::profile()
        }
    })
}

/// The network namespace is not listed: the shim stands in it already and it is inherited.
fn namespaces(stage: &Stage) -> Value {
    let userns = format!("/proc/self/fd/{}", stage.userns.as_raw_fd());
    json!([
        { "type": "user", "path": userns },
        { "type": "pid" },
        { "type": "mount" },
        { "type": "ipc" },
        { "type": "uts" },
        { "type": "cgroup" }
    ])
}

fn resources(spec: &PodSpec) -> Value {
    let memory = spec.memory.get();
    // Swap would let a pod use more than it was given, at the expense of everybody's disk.
    let memory = if cgroup::limits_swap() {
        json!({ "limit": memory, "swap": memory })
    } else {
        json!({ "limit": memory })
    };
    let quota = u64::from(spec.milli_cpus) * CPU_PERIOD / 1_000;
    json!({
        "memory": memory,
        "cpu": { "quota": quota.max(SMALLEST_QUOTA), "period": CPU_PERIOD },
        "pids": { "limit": spec.pids }
    })
}

fn mounts(spec: &PodSpec, binds: &[Bind]) -> Vec<Value> {
    let shm = format!("size={}", spec.shm.get());
    let mut mounts = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount(
            "/dev",
            "tmpfs",
            &["nosuid", "noexec", "mode=755", "size=65536k"],
        ),
        mount(
            "/dev/pts",
            "devpts",
            &[
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                "gid=5",
            ],
        ),
        mount(
            "/dev/shm",
            "tmpfs",
            &["nosuid", "nodev", "noexec", "mode=1777", &shm],
        ),
        mount("/dev/mqueue", "mqueue", &["nosuid", "nodev", "noexec"]),
    ];
    for bind in binds {
        let access = match bind.access {
            Access::ReadWrite => "rw",
            Access::ReadOnly => "ro",
        };
        mounts.push(json!({
            "destination": bind.target,
            "type": "bind",
            "source": bind.source,
            "options": ["rbind", "nosuid", "nodev", access]
        }));
    }
    mounts
}

fn mount(target: &str, kind: &str, options: &[&str]) -> Value {
    let options: Vec<&str> = options
        .iter()
        .copied()
        .filter(|one| !one.is_empty())
        .collect();
    json!({ "destination": target, "type": kind, "source": kind, "options": options })
}

/// Device nodes are bound in from this machine, which a user namespace needs anyway.
fn devices(spec: &PodSpec) -> Vec<Value> {
    spec.devices
        .nodes
        .iter()
        .map(|path| json!({ "path": path, "type": "c", "major": 0, "minor": 0 }))
        .collect()
}

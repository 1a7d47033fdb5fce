//! Hogs stay inside, and what a pod uses can be read.

use std::fs;
use std::path::Path;

use livery_runtime::net::Reach;
use livery_runtime::{NetworkMode, PodSpec, Status};
use livery_units::{Bytes, PodId};

use crate::bench::{Bench, idle_pod, task};

#[test]
fn a_fork_bomb_hits_the_limit_of_its_pod() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    let bomb = task(
        1,
        "f() { f | f & f; }; for i in 1 2 3 4; do f; done; sleep 1000",
    );
    bench.runtime().task_start(&pod, &bomb).unwrap();
    crate::bench::until("the limit is reached", || {
        let stats = bench.runtime().stats(&pod).unwrap();
        assert!(stats.pids <= 64, "{stats:?}");
        (stats.pids >= 60).then_some(())
    });
    // This machine can still start processes, and the pod can be ended.
    assert!(
        std::process::Command::new("true")
            .status()
            .unwrap()
            .success()
    );
    bench.runtime().remove(&pod).unwrap();
}

#[test]
fn a_memory_hog_is_killed_inside_and_nobody_else_is() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&PodSpec {
        memory: Bytes::mib(64),
        ..idle_pod(1)
    });
    let output = bench.fails(&pod, "exec tail /dev/zero");
    assert_eq!(output.status.code(), Some(137));
    assert!(matches!(bench.status(&pod), Status::Up { .. }));
    let stats = bench.runtime().stats(&pod).unwrap();
    assert!(stats.memory_peak_bytes <= 64 << 20, "{stats:?}");
    assert!(stats.memory_peak_bytes >= 32 << 20, "{stats:?}");
    assert_eq!(bench.says(&pod, "echo alive"), "alive");
}

#[test]
fn a_full_container_disk_is_the_pods_own_trouble() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    let output = bench.fails(&pod, "head -c 128M /dev/zero > /root/fill");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("No space left"), "{said}");
    bench.says(&pod, "echo still room > /workspace/file");
    let output = bench.fails(&pod, "head -c 64M /dev/zero > /workspace/fill");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("No space left"), "{said}");
    let stats = bench.runtime().stats(&pod).unwrap();
    assert!(
        stats.disk_bytes > 48 << 20 && stats.disk_bytes <= 64 << 20,
        "{stats:?}"
    );
    assert!(
        stats.volume_bytes > 20 << 20 && stats.volume_bytes <= 32 << 20,
        "{stats:?}"
    );
    bench.fails(&pod, "head -c 32M /dev/zero > /dev/shm/fill");
    std::fs::write(bench.path().join("host"), "fine").unwrap();
}

#[test]
fn disks_that_the_machine_cannot_hold_are_refused() {
    let Some(bench) = Bench::new() else { return };
    let spec = PodSpec {
        container_disk: Bytes::new(1 << 55),
        ..idle_pod(1)
    };
    let error = bench.runtime().create(&spec).unwrap_err();
    assert!(
        error.to_string().contains("not promised to other pods"),
        "{error}"
    );
    assert_eq!(bench.runtime().list().unwrap(), []);
}

#[test]
fn a_pod_sees_its_limits_and_its_network() {
    let Some(bench) = Bench::new() else { return };
    let spec = PodSpec {
        network: NetworkMode::Own(Reach::Everything),
        milli_cpus: 1_500,
        ..idle_pod(1)
    };
    let pod = bench.pod(&spec);
    let limit =
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null";
    assert_eq!(
        bench.says(&pod, &format!("{limit} || true")),
        (256 << 20).to_string()
    );
    let quota = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d' ' -f1 /sys/fs/cgroup/cpu.max";
    assert_eq!(bench.says(&pod, quota), "150000");
    assert_eq!(
        bench.says(&pod, "ls /sys/class/net | sort | tr '\\n' ' '"),
        "eth0 lo"
    );
    assert_eq!(
        bench.says(&pod, "cat /etc/resolv.conf"),
        "nameserver 9.9.9.9"
    );
    assert_eq!(
        bench.says(
            &pod,
            "cat /etc/hostname; getent hosts pod-1 | cut -d' ' -f1"
        ),
        "pod-1\n127.0.1.1"
    );
    let files: u64 = bench.says(&pod, "ulimit -n").parse().unwrap();
    let ceiling = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    assert!(files >= ceiling.unwrap_or(u64::MAX).min(1 << 20), "{files}");
    bench.says(&pod, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
    assert!(bench.runtime().stats(&pod).unwrap().cpu_micros > 0);
}

#[test]
fn a_grown_fork_bomb_with_hardly_a_cpu_is_ended() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&PodSpec {
        milli_cpus: 2_000,
        pids: 2_000,
        memory: Bytes::mib(512),
        ..idle_pod(1)
    });
    // Processes that only ask for more of them, and that no polite signal ends.
    let line = "trap '' TERM HUP INT; f() { f & while :; do f & done; }; f";
    bench.runtime().task_start(&pod, &task(1, line)).unwrap();
    crate::bench::until("it has grown", || {
        (bench.runtime().stats(&pod).unwrap().pids >= 1_900).then_some(())
    });
    // From now on each of them gets so little time that their deaths would take half a minute.
    squeeze(&pod);
    bench.runtime().remove(&pod).unwrap();
    assert_eq!(bench.runtime().list().unwrap(), []);
}

/// Leaves a pod the smallest share of a CPU that the kernel knows.
fn squeeze(pod: &PodId) {
    let group = |tree: &str| format!("/sys/fs/cgroup/{tree}livery/{pod}");
    let second = format!("{}/cpu.max", group(""));
    if Path::new(&second).exists() {
        fs::write(second, "1000 100000").unwrap();
        return;
    }
    let first = ["cpu/", "cpu,cpuacct/"].map(|tree| format!("{}/cpu.cfs_quota_us", group(tree)));
    let file = first.iter().find(|file| Path::new(file).exists()).unwrap();
    fs::write(file, "1000").unwrap();
}

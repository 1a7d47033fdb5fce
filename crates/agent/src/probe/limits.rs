//! The memory and processors that the kernel lets a pod use, read from its control groups.

use crate::inventory::machine::meminfo_bytes;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = "/sys/fs/cgroup";

/// What a pod may use; none where the kernel does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Limits {
    pub memory: Option<u64>,
    pub vcpu_milli: Option<u32>,
}

/// Reads the limits of a process; a machine's own limits where its group has none.
pub(super) fn of(pid: i32) -> Limits {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let machine = Limits {
        memory: meminfo_bytes(&meminfo, "MemTotal"),
        vcpu_milli: rustix::thread::sched_getaffinity(None)
            .ok()
            .map(|cpus| cpus.count().saturating_mul(1_000)),
    };
    let group = Limits {
        memory: memory(&groups),
        vcpu_milli: vcpu_milli(&groups),
    };
    Limits {
        memory: least(group.memory, machine.memory),
        vcpu_milli: least(group.vcpu_milli, machine.vcpu_milli),
    }
}

fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn memory(groups: &str) -> Option<u64> {
    if let Some(dir) = dir(groups, "memory") {
        return number(&dir.join("memory.limit_in_bytes"));
    }
    number(&unified(groups)?.join("memory.max"))
}

fn vcpu_milli(groups: &str) -> Option<u32> {
    if let Some(dir) = dir(groups, "cpu") {
        let quota = number(&dir.join("cpu.cfs_quota_us"))?;
        return share(quota, number(&dir.join("cpu.cfs_period_us"))?);
    }
    let text = fs::read_to_string(unified(groups)?.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    share(quota.parse().ok()?, period.parse().ok()?)
}

/// Rounds to the nearest thousandth: quotas are whole microseconds.
fn share(quota: u64, period: u64) -> Option<u32> {
    let milli = (quota * 1_000 + period / 2).checked_div(period)?;
    u32::try_from(milli).ok()
}

/// Reads a number; "max" and negative numbers stand for no limit.
fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Returns the group under a controller of the first version, such as `4:cpu,cpuacct:/livery/pod`.
fn dir(groups: &str, controller: &str) -> Option<PathBuf> {
    let (controllers, path) = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let found = controllers.split(',').any(|name| name == controller);
        found.then_some((controllers, path))
    })?;
    // Controllers that are mounted together have links by their single names; not everywhere.
    [controller, controllers]
        .map(|name| {
            Path::new(ROOT)
                .join(name)
                .join(path.trim_start_matches('/'))
        })
        .into_iter()
        .find(|dir| dir.is_dir())
}

/// Returns the group of the second version, such as `0::/livery/pod`.
fn unified(groups: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(Path::new(ROOT).join(path.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_become_thousandths() {
        assert_eq!(share(150_000, 100_000), Some(1_500));
        assert_eq!(share(33_300, 100_000), Some(333));
        assert_eq!(share(1, 0), None);
    }

    #[test]
    fn our_own_limits_are_no_more_than_the_machine() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let found = of(pid);
        assert!(found.memory.unwrap() > 0);
        assert!(found.vcpu_milli.unwrap() > 0);
    }
}

//! Control groups: which version there is, and which controllers.

use super::caller::Caller;
use super::{Finding, Health, read};
use std::collections::BTreeSet;

/// What pods are limited by.
const NEEDED: [&str; 3] = ["cpu", "memory", "pids"];

pub(super) fn controllers(caller: Caller) -> Finding {
    let mounts = read("/proc/self/mounts").unwrap_or_default();
    let unified = read("/sys/fs/cgroup/cgroup.controllers");
    judge(&mounts, unified.as_deref(), caller)
}

/// Judges by the mounts, and the unified tree's list of controllers if it is at the usual place.
fn judge(mounts: &str, unified: Option<&str>, caller: Caller) -> Finding {
    const NAME: &str = "cgroups";
    let mut v1 = BTreeSet::new();
    let mut has_v2 = false;
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(2);
        match (fields.next(), fields.next()) {
            (Some("cgroup"), Some(options)) => v1.extend(options.split(',')),
            (Some("cgroup2"), _) => has_v2 = true,
            _ => {}
        }
    }
    let v2: BTreeSet<&str> = unified.unwrap_or_default().split_whitespace().collect();
    let has = |name: &&&str| v1.contains(**name) || v2.contains(**name);
    let missing: Vec<&str> = NEEDED.iter().filter(|name| !has(name)).copied().collect();
    let kind = match (has_v2, v1.is_empty()) {
        (true, true) => "version 2",
        (true, false) => "version 1 and 2 (hybrid)",
        (false, false) => "version 1",
        (false, true) => "none mounted",
    };
    if missing.is_empty() {
        let found = format!("{kind}, with {}", NEEDED.join(", "));
        return Finding::new(NAME, Health::Good, found, None);
    }
    let found = format!("{kind}, without {}", missing.join(", "));
    let mend = if missing.contains(&"memory") && (has_v2 || !v1.is_empty()) {
        caller.task("add `cgroup_enable=memory` to the kernel's command line and restart")
    } else {
        caller.command("mount -t cgroup2 none /sys/fs/cgroup")
    };
    Finding::bad(NAME, found, mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_and_the_mixture_are_known() {
        let v2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0";
        assert_eq!(
            judge(v2, Some("cpuset cpu io memory pids"), Caller::Root).health,
            Health::Good
        );
        let hybrid = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
                      cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n\
                      cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n\
                      cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0";
        let found = judge(hybrid, None, Caller::Root);
        assert_eq!(found.health, Health::Good);
        assert!(found.found.contains("hybrid"), "{found:?}");
    }

    #[test]
    fn what_is_missing_is_named_and_mended() {
        let v2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0";
        let found = judge(v2, Some("cpu pids"), Caller::Root);
        assert_eq!(found.health, Health::Bad);
        assert!(found.found.contains("without memory"), "{found:?}");
        assert!(found.mend.unwrap().contains("cgroup_enable=memory"));
        assert_eq!(judge("", None, Caller::Root).health, Health::Bad);
    }
}

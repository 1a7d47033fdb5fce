//! Control groups: where a pod's are, killing what is in them, reading what it used.
//!
//! Limits are set by libcontainer from the container's configuration; what is here is what
//! libcontainer does not do, or does only for a container it still knows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use livery_units::PodId;
use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Context, Error};
use crate::process::Gone;

/// The group that holds every pod's.
const PARENT: &str = "livery";

/// Where control groups are mounted on every distribution.
const MOUNT: &str = "/sys/fs/cgroup";

/// What a pod's limits need.
const REQUIRED: [&str; 3] = ["cpu", "memory", "pids"];

/// Which of the two kinds of control groups this machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// A tree per controller; also machines with an empty second-version tree beside them.
    V1,
    /// One tree.
    V2,
}

/// A pod's control groups.
#[derive(Debug)]
pub(crate) struct Cgroup {
    version: Version,
    /// Controller (all of them for version 2) and the pod's directory in its tree.
    directories: Vec<(String, PathBuf)>,
}

/// The path a pod's groups have in each tree.
pub(crate) fn path_of(pod: &PodId) -> String {
    format!("/{PARENT}/{pod}")
}

impl Cgroup {
    /// Finds where a pod's groups are, or would be.
    pub fn of(pod: &PodId) -> Result<Self, Error> {
        let (version, trees) = trees()?;
        let below = Path::new(PARENT).join(pod.as_str());
        let directories = trees
            .into_iter()
            .map(|(controller, tree)| (controller, tree.join(&below)))
            .collect();
        Ok(Self {
            version,
            directories,
        })
    }

    pub fn version(&self) -> Version {
        self.version
    }

    pub fn directories(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.directories
            .iter()
            .map(|(controller, path)| (controller.as_str(), path.as_path()))
    }

    /// Makes the groups, without limits.
    pub fn create(&self) -> Result<(), Error> {
        for (_, path) in &self.directories {
            fs::create_dir_all(path).on("create", path)?;
        }
        Ok(())
    }

    /// Lifts the limits that keep processes from dying, and lets no new ones begin.
    ///
    /// A process that is killed needs CPU time to end. Thousands that share a small part of a CPU, as a
    /// fork bomb leaves them, would need minutes.
    pub fn prepare_to_die(&self) {
        let (quota, unlimited) = match self.version {
            Version::V1 => ("cpu.cfs_quota_us", "-1"),
            Version::V2 => ("cpu.max", "max"),
        };
        self.set("pids", "pids.max", "0");
        self.set("cpu", quota, unlimited);
        // Somebody may have frozen the pod to look at it. The second version kills what is frozen.
        if self.version == Version::V1 {
            self.set("freezer", "freezer.state", "THAWED");
        }
    }

    /// Kills every process in the groups and waits until none is left.
    pub fn kill(&self, patience: Duration) -> Result<Gone, Error> {
        self.prepare_to_die();
        let deadline = Instant::now() + patience;
        loop {
            let pids = self.pids()?;
            if pids.is_empty() {
                return Ok(Gone::Yes);
            }
            if Instant::now() >= deadline {
                return Ok(Gone::No);
            }
            self.kill_once(&pids);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn kill_once(&self, pids: &[i32]) {
        if self.version == Version::V2
            && let Some((_, path)) = self.directories.first()
            && fs::write(path.join("cgroup.kill"), "1").is_ok()
        {
            return;
        }
        // None can fork away from the list: the group takes no new processes any more.
        for pid in pids.iter().copied().filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Writes a setting of the group; one that is gone, or never had it, needs it no more.
    fn set(&self, controller: &str, file: &str, value: &str) {
        if let Some(path) = self.directory(controller) {
            let _ = fs::write(path.join(file), value);
        }
    }

    /// Lists the processes in the groups; a group that does not exist has none.
    fn pids(&self) -> Result<Vec<i32>, Error> {
        let mut pids = Vec::new();
        for (_, path) in &self.directories {
            let path = path.join("cgroup.procs");
            match fs::read_to_string(&path) {
                Ok(text) => pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok())),
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error).on("read", path),
            }
        }
        pids.sort_unstable();
        pids.dedup();
        Ok(pids)
    }

    /// Removes the groups; those that are gone are as good.
    pub fn remove(&self) -> Result<(), Error> {
        for (_, path) in &self.directories {
            let deadline = Instant::now() + Duration::from_secs(5);
            loop {
                match fs::remove_dir(path) {
                    Ok(()) => break,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                    // The kernel lets go of a killed process a moment after it left the list.
                    Err(error)
                        if error.kind() == io::ErrorKind::ResourceBusy
                            && Instant::now() < deadline =>
                    {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    Err(error) => return Err(error).on("remove", path),
                }
            }
        }
        Ok(())
    }

    /// Returns the pod's directory in the tree of one controller.
    pub fn directory(&self, controller: &str) -> Option<&Path> {
        let mut all = self.directories.iter();
        let found = match self.version {
            Version::V1 => all.find(|(names, _)| names.split(',').any(|one| one == controller)),
            Version::V2 => all.next(),
        };
        found.map(|(_, path)| path.as_path())
    }

    /// Counts how many processes were killed because the pod's memory was full.
    pub fn oom_kills(&self) -> u64 {
        let file = match self.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        let path = self.directory("memory").map(|path| path.join(file));
        path.and_then(|path| fs::read_to_string(path).ok())
            .and_then(|text| keyed(&text, "oom_kill"))
            .unwrap_or(0)
    }
}

/// Says whether swap can be limited here; without it there is nothing to set.
pub(crate) fn limits_swap() -> bool {
    match trees() {
        // A kernel built without swap has neither this list nor `memory.swap.max`.
        Ok((Version::V2, _)) => Path::new("/proc/swaps").exists(),
        Err(_) => true,
        Ok((Version::V1, trees)) => trees.iter().any(|(controller, tree)| {
            controller == "memory" && tree.join("memory.memsw.limit_in_bytes").exists()
        }),
    }
}

/// Fails with the name of the first controller that is missing.
pub(crate) fn check() -> Result<(), Error> {
    trees().map(drop)
}

fn trees() -> Result<(Version, Vec<(String, PathBuf)>), Error> {
    let mounts = fs::read_to_string("/proc/self/mounts").on("read", "/proc/self/mounts")?;
    let found = find_trees(&mounts);
    let has = match &found {
        (Version::V1, trees) => trees.iter().map(|(names, _)| names.clone()).collect(),
        (Version::V2, _) => {
            let path = Path::new(MOUNT).join("cgroup.controllers");
            vec![fs::read_to_string(&path).on("read", &path)?]
        }
    };
    for controller in REQUIRED {
        let names = has.iter().flat_map(|one| one.split([',', ' ', '\n']));
        if !names.clone().any(|name| name == controller) {
            return Err(Error::Controller {
                controller,
                hint: "mount it under /sys/fs/cgroup, or boot with the kernel option \
                       systemd.unified_cgroup_hierarchy=1",
            });
        }
    }
    Ok(found)
}

/// Reads which trees there are out of the list of mounts.
fn find_trees(mounts: &str) -> (Version, Vec<(String, PathBuf)>) {
    let mut trees: Vec<(String, PathBuf)> = Vec::new();
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(place), Some(kind)) = (fields.next(), fields.next()) else {
            continue;
        };
        let place = Path::new(place);
        if kind == "cgroup2" && place == Path::new(MOUNT) {
            return (Version::V2, vec![(String::new(), place.to_owned())]);
        }
        let name = place.file_name().and_then(|name| name.to_str());
        if let Some(name) = name
            && kind == "cgroup"
            && place.parent() == Some(Path::new(MOUNT))
            && name != "systemd"
            && !trees.iter().any(|(known, _)| known == name)
        {
            trees.push((name.to_owned(), place.to_owned()));
        }
    }
    (Version::V1, trees)
}

/// Finds the number after a key in a list of `key number` lines.
pub(crate) fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == key).then(|| value.trim().parse().ok())?
    })
}

fn is_gone(error: &io::Error) -> bool {
    // Reading the list of a group that is being removed says "no such device".
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ENODEV)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_per_controller_is_found_beside_an_empty_second_version() {
        let mounts = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n\
                      cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n\
                      cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let (version, trees) = find_trees(mounts);
        assert_eq!(version, Version::V1);
        let names: Vec<_> = trees.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["cpu,cpuacct", "memory"]);
    }

    #[test]
    fn one_tree_is_found() {
        let (version, trees) = find_trees("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
        assert_eq!(version, Version::V2);
        assert_eq!(trees.len(), 1);
    }

    #[test]
    fn what_is_to_die_gets_time_and_no_company() {
        let group = |version, names: &[&str]| {
            let directory = tempfile::tempdir().unwrap();
            let tree = |name: &&str| ((*name).to_owned(), directory.path().join(name));
            let directories: Vec<_> = names.iter().map(tree).collect();
            for (_, path) in &directories {
                fs::create_dir_all(path).unwrap();
            }
            Cgroup {
                version,
                directories,
            }
            .prepare_to_die();
            move |file: &str| fs::read_to_string(directory.path().join(file)).unwrap()
        };
        let first = group(Version::V1, &["cpu,cpuacct", "pids", "freezer"]);
        assert_eq!(first("cpu,cpuacct/cpu.cfs_quota_us"), "-1");
        assert_eq!(first("pids/pids.max"), "0");
        assert_eq!(first("freezer/freezer.state"), "THAWED");
        let second = group(Version::V2, &[""]);
        assert_eq!(second("cpu.max"), "max");
        assert_eq!(second("pids.max"), "0");
    }

    #[test]
    fn keyed_numbers_are_read() {
        assert_eq!(keyed("oom 1\noom_kill 3\n", "oom_kill"), Some(3));
        assert_eq!(keyed("oom 1\n", "oom_kill"), None);
    }
}

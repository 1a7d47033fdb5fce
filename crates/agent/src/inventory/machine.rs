//! Processors, memory and disk of this machine, as far as pods may use them.

use crate::error::{OpenError, of_io};
use crate::options::Limits;
use livery_disk::Free;
use livery_host_api::Error;
use livery_host_api::dto::Resources;
use livery_units::Bytes;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Memory that is kept for the machine itself: a twentieth, at least this.
const MEMORY_RESERVE_MIN: u64 = 256 << 20;
/// The most that is kept of it.
const MEMORY_RESERVE_MAX: u64 = 4 << 30;
/// Disk that is kept for the machine itself: a twentieth, at least what the runtime promises to no
/// pod, and at most this.
const DISK_RESERVE_MAX: u64 = 20 << 30;

/// New pods are refused while fewer files than this can be made.
const FILES_MIN: u64 = 256;

/// What does not change while the machine runs.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub hostname: String,
    pub boot_id: String,
    vcpu_milli: u32,
    memory: u64,
    limits: Limits,
    data_dir: PathBuf,
    runtime: PathBuf,
}

impl Machine {
    /// Looks at the machine; `runtime` is where the runtime keeps pods' disks and network volumes.
    pub fn look(data_dir: &Path, runtime: &Path, limits: Limits) -> Result<Self, OpenError> {
        let memory = memory_total()?;
        let reserve = (memory / 20).clamp(MEMORY_RESERVE_MIN, MEMORY_RESERVE_MAX);
        Ok(Self {
            hostname: read("/proc/sys/kernel/hostname", "name")?,
            boot_id: read("/proc/sys/kernel/random/boot_id", "boot id")?,
            vcpu_milli: vcpu_milli()?,
            memory: memory.saturating_sub(reserve),
            limits,
            data_dir: data_dir.to_owned(),
            runtime: runtime.to_owned(),
        })
    }

    /// Returns what pods may use in all.
    pub fn total(&self) -> Result<Resources, OpenError> {
        let at_most = |found: u64, limit: Option<u64>| limit.map_or(found, |most| found.min(most));
        let vcpu_limit = self.limits.vcpu_milli.unwrap_or(u32::MAX);
        Ok(Resources {
            vcpu_milli: self.vcpu_milli.min(vcpu_limit),
            memory: at_most(self.memory, self.limits.memory.map(|limit| limit.get())),
            disk: at_most(self.disk()?, self.limits.disk.map(|limit| limit.get())),
        })
    }

    /// Returns how much of the disk is free, for everybody.
    pub fn disk_free(&self) -> Result<(u64, u64), OpenError> {
        let stat = rustix::fs::statvfs(&self.data_dir)
            .map_err(|error| OpenError::io("look at", &self.data_dir)(error.into()))?;
        Ok((stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize))
    }

    /// Refuses new pods while the disk has no room for many more files: it takes some to end the others.
    pub fn check_files(&self) -> Result<(), Error> {
        let free = Free::at(&self.data_dir);
        let free = free.map_err(|error| of_io("look at the disk", &error))?;
        match free.files >= FILES_MIN {
            true => Ok(()),
            false => Err(Error::DiskFull(format!(
                "the disk of {} has room for {} more files; remove some there",
                self.data_dir.display(),
                free.files
            ))),
        }
    }

    /// What is free and what the disks of pods and network volumes take already, less the reserve:
    /// they grow as they are filled, so what they take is theirs to begin with.
    fn disk(&self) -> Result<u64, OpenError> {
        let (free, size) = self.disk_free()?;
        let reserve = disk_reserve(Bytes::new(size)).get();
        Ok((free + allocated(&self.runtime)).saturating_sub(reserve))
    }
}

/// Returns how much of a disk of some size is kept for the machine itself, and offered to nobody.
pub fn disk_reserve(size: Bytes) -> Bytes {
    let twentieth = size.get() / 20;
    Bytes::new(twentieth.clamp(livery_runtime::DISK_SPARE.get(), DISK_RESERVE_MAX))
}

/// Returns the bytes that disks and logs of all pods and all network volumes take.
fn allocated(runtime: &Path) -> u64 {
    let entries = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten();
    // What goes away while we look takes nothing any more.
    entries(&runtime.join("pods"))
        .flat_map(|pod| {
            let tasks = entries(&pod.path().join("tasks")).map(|task| task.path());
            let logs = std::iter::once(pod.path()).chain(tasks);
            let logs = logs.flat_map(|place| entries(&place.join("log")).collect::<Vec<_>>());
            entries(&pod.path())
                .chain(logs.collect::<Vec<_>>())
                .collect::<Vec<_>>()
        })
        .chain(entries(&runtime.join("volumes")))
        .filter_map(|file| file.metadata().ok())
        .filter(|file| file.is_file())
        .map(|file| file.blocks() * 512)
        .sum()
}

fn vcpu_milli() -> Result<u32, OpenError> {
    let cpus = rustix::thread::sched_getaffinity(None).map_err(|error| OpenError::Inventory {
        what: "processors",
        why: error.to_string(),
    })?;
    Ok(cpus.count().saturating_mul(1_000))
}

fn memory_total() -> Result<u64, OpenError> {
    let text = read("/proc/meminfo", "memory")?;
    meminfo_bytes(&text, "MemTotal").ok_or_else(|| OpenError::Inventory {
        what: "memory",
        why: "/proc/meminfo has no MemTotal".to_owned(),
    })
}

/// Reads one line of `/proc/meminfo`.
pub(crate) fn meminfo_bytes(text: &str, name: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn read(path: &str, what: &'static str) -> Result<String, OpenError> {
    let text = fs::read_to_string(path).map_err(|error| OpenError::Inventory {
        what,
        why: format!("{path}: {error}"),
    })?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_units::Bytes;

    #[test]
    fn the_machine_is_seen_and_limits_hold() {
        let dir = tempfile::tempdir().unwrap();
        let look = |limits| {
            let machine = Machine::look(dir.path(), dir.path(), limits).unwrap();
            machine.total().unwrap()
        };
        let all = look(Limits::default());
        assert!(all.vcpu_milli >= 1_000 && all.memory > 0 && all.disk > 0);
        let some = look(Limits {
            vcpu_milli: Some(500),
            memory: Some(Bytes::mib(64)),
            disk: Some(Bytes::mib(1)),
        });
        assert_eq!(some.vcpu_milli, 500);
        assert_eq!((some.memory, some.disk), (64 << 20, 1 << 20));
    }

    #[test]
    fn meminfo_is_read_by_name() {
        let text = "MemTotal:       16316412 kB\nMemFree:         123 kB\n";
        assert_eq!(meminfo_bytes(text, "MemTotal"), Some(16_316_412 << 10));
        assert_eq!(meminfo_bytes(text, "Mem"), None);
    }
}

//! Looking at pods: from their records on disk and from the kernel.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use livery_units::PodId;
use rustix::process::Signal;

use super::Runtime;
use crate::cgroup::{Cgroup, Version, keyed};
use crate::error::{Context, Error};
use crate::layout::{EndRecord, PodRecord, RunRecord, read_json};
use crate::mounts;
use crate::state::{End, PodState, Ran, Stats, Status};

/// How much of a pod there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Absent,
    /// A crash interrupted its making.
    HalfMade,
    Made,
}

/// How this machine reaches the files of a running pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRoot {
    /// The pod's `/`. Links in there may lead anywhere: resolve paths beneath it, never through it.
    pub path: PathBuf,
    /// What to add to a user or group id inside to get the one on this machine.
    pub first_id: u32,
    /// How many ids there are.
    pub ids: u32,
}

impl Runtime {
    /// Lists every pod there is anything of, half-made ones included.
    pub fn list(&self) -> Result<Vec<PodState>, Error> {
        let mut pods: BTreeSet<PodId> = self.slots.all()?.into_iter().map(|(_, pod)| pod).collect();
        let dir = self.pods_dir();
        for entry in fs::read_dir(&dir).on("list", &dir)? {
            let name = entry.on("list", &dir)?.file_name();
            pods.extend(name.to_str().and_then(|name| name.parse().ok()));
        }
        let mut states = Vec::with_capacity(pods.len());
        for id in pods {
            // One that went away while we looked is not there.
            if let Some(state) = self.state(&id)? {
                states.push(state);
            }
        }
        Ok(states)
    }

    /// Looks at one pod; none if there is nothing of it.
    pub fn state(&self, pod: &PodId) -> Result<Option<PodState>, Error> {
        let status = match self.presence(pod)? {
            Presence::Absent => return Ok(None),
            Presence::HalfMade if self.busy.contains(pod) => Status::Starting,
            Presence::HalfMade => Status::Lost,
            Presence::Made => self.status_of(pod)?,
        };
        Ok(Some(PodState {
            id: pod.clone(),
            status,
        }))
    }

    /// Reads what a pod uses; a pod that is down uses its disks only.
    pub fn stats(&self, pod: &PodId) -> Result<Stats, Error> {
        let pid = self.pid_of(pod)?;
        let group = Cgroup::of(pod)?;
        let mut stats = read_group(&group);
        let root = PathBuf::from(format!("/proc/{pid}/root"));
        stats.disk_bytes = used(&root);
        let record: Option<PodRecord> = read_json(&self.dir(pod).record())?;
        if let Some(volume) = record.and_then(|record| record.spec.volume) {
            stats.volume_bytes = used_inside(&root, &volume.mount_path);
        }
        let text = fs::read_to_string(format!("/proc/{pid}/net/dev")).unwrap_or_default();
        (stats.rx_bytes, stats.tx_bytes) = traffic(&text);
        Ok(stats)
    }

    /// Tells how to reach a running pod's files from this machine.
    pub fn root(&self, pod: &PodId) -> Result<PodRoot, Error> {
        let pid = self.pid_of(pod)?;
        let path = self.dir(pod).record();
        let record: PodRecord = read_json(&path)?.ok_or_else(|| Error::NoSuchPod(pod.clone()))?;
        Ok(PodRoot {
            path: PathBuf::from(format!("/proc/{pid}/root")),
            first_id: record.first_id,
            ids: mounts::IDS,
        })
    }

    /// Tells how long ago a pod's first process began and ended; nothing of a pod that is not made.
    pub fn ran(&self, pod: &PodId) -> Result<Ran, Error> {
        let Some(run) = self.run_record(pod)? else {
            return Ok(Ran::default());
        };
        let end: Option<EndRecord> = read_json(&self.dir(pod).end())?;
        Ok(Ran {
            began_ago: run.began.ago(),
            ended_ago: end.and_then(|end| end.ended.ago()),
        })
    }

    /// Tells where the output of a pod's start command is kept.
    pub fn log_path(&self, pod: &PodId) -> PathBuf {
        self.dir(pod).log()
    }

    pub(super) fn presence(&self, pod: &PodId) -> Result<Presence, Error> {
        let dir = self.dir(pod);
        if dir.run().exists() {
            return Ok(Presence::Made);
        }
        if dir.path().exists() || !self.slots.of(pod)?.is_empty() {
            return Ok(Presence::HalfMade);
        }
        Ok(Presence::Absent)
    }

    pub(super) fn run_record(&self, pod: &PodId) -> Result<Option<RunRecord>, Error> {
        read_json(&self.dir(pod).run())
    }

    /// Tells what a pod that was made does now.
    pub(super) fn status_of(&self, pod: &PodId) -> Result<Status, Error> {
        let dir = self.dir(pod);
        if let Some(end) = read_json::<End>(&dir.end())? {
            return Ok(Status::Down { end });
        }
        let Some(run) = self.run_record(pod)? else {
            return Ok(Status::Lost);
        };
        match (run.shim.is_alive(), run.init.is_alive()) {
            (true, true) => Ok(Status::Up { pid: run.init.pid }),
            // The first process is gone and its shim about to say how.
            (true, false) => {
                run.shim.wait_gone(std::time::Duration::from_secs(2));
                let end = read_json::<End>(&dir.end())?;
                Ok(end.map_or(Status::Lost, |end| Status::Down { end }))
            }
            (false, alive) => {
                // The shim may have written how it ended between our two looks.
                if let Some(end) = read_json::<End>(&dir.end())? {
                    return Ok(Status::Down { end });
                }
                if alive {
                    // Nobody would notice its end any more.
                    run.init.signal(Signal::KILL);
                }
                Ok(Status::Lost)
            }
        }
    }

    /// Returns the first process of a pod that is up.
    pub(super) fn pid_of(&self, pod: &PodId) -> Result<i32, Error> {
        let Some(state) = self.state(pod)? else {
            return Err(Error::NoSuchPod(pod.clone()));
        };
        match state.status {
            Status::Up { pid } => Ok(pid),
            status @ (Status::Starting | Status::Down { .. } | Status::Lost) => Err(Error::NotUp {
                pod: pod.clone(),
                status: status.word(),
            }),
        }
    }
}

fn read_group(group: &Cgroup) -> Stats {
    let number = |controller: &str, file: &str| {
        read_in(group, controller, file)
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    };
    let mut stats = Stats {
        pids: number("pids", "pids.current"),
        ..Stats::default()
    };
    stats.cpu_micros = read_cpu(group);
    match group.version() {
        Version::V1 => {
            stats.memory_bytes = number("memory", "memory.usage_in_bytes");
            stats.memory_peak_bytes = number("memory", "memory.max_usage_in_bytes");
        }
        Version::V2 => {
            stats.memory_bytes = number("memory", "memory.current");
            stats.memory_peak_bytes = number("memory", "memory.peak");
        }
    }
    stats
}

/// Reads the CPU time of everything that ever ran in a group, in microseconds.
pub(super) fn read_cpu(group: &Cgroup) -> u64 {
    let micros = match group.version() {
        Version::V1 => read_in(group, "cpuacct", "cpuacct.usage")
            .and_then(|nanos| nanos.trim().parse::<u64>().ok())
            .map(|nanos| nanos / 1_000),
        Version::V2 => {
            read_in(group, "cpu", "cpu.stat").and_then(|text| keyed(&text, "usage_usec"))
        }
    };
    micros.unwrap_or(0)
}

fn read_in(group: &Cgroup, controller: &str, file: &str) -> Option<String> {
    fs::read_to_string(group.directory(controller)?.join(file)).ok()
}

/// Bytes in use on the file system at a path.
fn used(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |disk| bytes_in_use(&disk))
}

fn bytes_in_use(disk: &rustix::fs::StatVfs) -> u64 {
    disk.f_blocks
        .saturating_sub(disk.f_bfree)
        .saturating_mul(disk.f_frsize)
}

/// The same for a path inside the pod.
fn used_inside(root: &Path, inside: &Path) -> u64 {
    let disk = open_inside(root, inside).and_then(|inside| Ok(rustix::fs::fstatvfs(inside)?));
    disk.map_or(0, |disk| bytes_in_use(&disk))
}

/// Opens a directory inside a pod, where links must not lead out of it.
pub(super) fn open_inside(root: &Path, inside: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let root = openat(CWD, root, flags | OFlags::PATH, Mode::empty())?;
    let inside = inside.strip_prefix("/").unwrap_or(inside);
    Ok(openat2(&root, inside, flags, Mode::empty(), resolve)?)
}

/// Adds up what came in and went out over every interface but loopback.
pub(super) fn traffic(text: &str) -> (u64, u64) {
    let rows = text.lines().filter_map(|line| line.split_once(':'));
    rows.filter(|(name, _)| name.trim() != "lo")
        .fold((0, 0), |(rx, tx), (_, counts)| {
            let mut counts = counts
                .split_whitespace()
                .map(|one| one.parse().unwrap_or(0));
            let received: u64 = counts.next().unwrap_or(0);
            let sent: u64 = counts.nth(7).unwrap_or(0);
            (rx + received, tx + sent)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_counts_every_interface_but_loopback() {
        let text = "Inter-|   Receive                            |  Transmit\n \
             face |bytes    packets errs drop fifo frame compressed multicast|bytes\n\
             lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0\n\
             eth0: 250 3 0 0 0 0 0 0 70 2 0 0 0 0 0 0\n";
        assert_eq!(traffic(text), (250, 70));
    }
}

//! Ending everything that belongs to a pod, and seeing that it ended.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use livery_units::PodId;
use rustix::process::Signal;

use super::Runtime;
use crate::cgroup::Cgroup;
use crate::error::{Context, Error};
use crate::layout::{RunRecord, TaskDir, TaskRecord, read_json};
use crate::process::{Gone, ProcessRef};

/// How long shims may take to write down how things ended once the pod is dead.
const SHIM_PATIENCE: Duration = Duration::from_secs(2);

/// How long killed processes, and what the kernel held for them, may take to go away.
pub(super) const KILL_PATIENCE: Duration = Duration::from_secs(10);

impl Runtime {
    /// Kills every process of a pod and removes its control groups.
    pub(super) fn kill_everything(&self, pod: &PodId, patience: Duration) -> Result<(), Error> {
        let dir = self.dir(pod);
        let group = Cgroup::of(pod)?;
        group.prepare_to_die();
        // A damaged record must not keep a pod alive: the control groups know its processes too.
        let run: Option<RunRecord> = read_json(&dir.run()).unwrap_or(None);
        if let Some(run) = &run {
            run.init.signal(Signal::KILL);
        }
        // A shim that nobody wrote down would go on making what is taken away below.
        for stray in strays(dir.path())? {
            let known = run
                .as_ref()
                .is_some_and(|run| run.shim == stray || run.init == stray);
            if !known {
                stray.signal(Signal::KILL);
                stray.wait_gone(SHIM_PATIENCE);
            }
        }
        if group.kill(patience)? == Gone::No {
            return Err(Error::Stuck {
                pod: pod.clone(),
                what: "one of its processes".to_owned(),
            });
        }
        if let Some(run) = &run {
            end_shim(&run.shim);
        }
        for task in task_shims(&dir.tasks())? {
            end_shim(&task);
        }
        group.remove()
    }
}

/// Lets a shim finish by itself; one that does not is killed.
fn end_shim(shim: &ProcessRef) {
    if shim.wait_gone(SHIM_PATIENCE) == Gone::No {
        shim.signal(Signal::KILL);
        shim.wait_gone(SHIM_PATIENCE);
    }
}

/// Finds shims of a pod that never got as far as writing down who they are.
///
/// A shim names its pod's directory on its command line, which only this machine's root can run.
fn strays(dir: &Path) -> Result<Vec<ProcessRef>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").on("list", "/proc")? {
        let entry = entry.on("list", "/proc")?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(line) = fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        let mut words = line.split(|byte| *byte == 0).skip(1);
        let is_shim = words.next() == Some(b"shim")
            && words.next() == Some(b"init")
            && words.next() == Some(dir.as_os_str().as_encoded_bytes());
        let is_ours = entry.metadata().is_ok_and(|process| process.uid() == 0);
        if is_shim && is_ours {
            found.extend(ProcessRef::of(pid));
        }
    }
    Ok(found)
}

fn task_shims(tasks: &Path) -> Result<Vec<ProcessRef>, Error> {
    let mut shims = Vec::new();
    let Ok(entries) = fs::read_dir(tasks) else {
        return Ok(shims);
    };
    for entry in entries {
        let dir = TaskDir::from_path(entry.on("list", tasks)?.path());
        let record: Option<TaskRecord> = read_json(&dir.status()).unwrap_or(None);
        match record {
            Some(record) if record.end.is_none() => shims.push(record.shim),
            Some(_) => {}
            None => shims.extend(read_json(&dir.claim()).unwrap_or(None)),
        }
    }
    Ok(shims)
}

/// Waits until no loop device holds an image; the kernel frees them after the last mount is gone.
pub(super) fn wait_detached(image: &Path, patience: Duration) -> Result<Gone, Error> {
    let deadline = Instant::now() + patience;
    while loop_device_of(image)?.is_some() {
        if Instant::now() >= deadline {
            return Ok(Gone::No);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(Gone::Yes)
}

/// Finds the loop device that holds an image.
pub(super) fn loop_device_of(image: &Path) -> Result<Option<PathBuf>, Error> {
    let Ok(image) = fs::canonicalize(image) else {
        return Ok(None);
    };
    for entry in fs::read_dir("/sys/block").on("list", "/sys/block")? {
        let entry = entry.on("list", "/sys/block")?;
        let path = entry.path().join("loop/backing_file");
        if fs::read_to_string(path).is_ok_and(|held| Path::new(held.trim_end()) == image) {
            return Ok(Some(Path::new("/dev").join(entry.file_name())));
        }
    }
    Ok(None)
}

//! Where the runtime keeps what, and how it writes so that a crash leaves old or new, never half.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use livery_units::{PodId, TaskId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Context, Error};
use crate::spec::{PodSpec, millis};
use crate::state::End;
use crate::uptime::Uptime;

/// How long a record that found no room is left alone.
const END_REST: std::time::Duration = std::time::Duration::from_millis(200);

/// A pod's directory.
#[derive(Debug, Clone)]
pub(crate) struct PodDir(PathBuf);

impl PodDir {
    /// Names the directory of `pod` under the runtime's root.
    pub fn new(root: &Path, pod: &PodId) -> Self {
        Self(root.join("pods").join(pod.as_str()))
    }

    /// Takes a path that the agent handed to a shim.
    pub fn from_path(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What was asked for, written before anything is made.
    pub fn record(&self) -> PathBuf {
        self.0.join("pod.json")
    }

    /// Who runs it, written when the first process is there.
    pub fn run(&self) -> PathBuf {
        self.0.join("run.json")
    }

    /// How it ended.
    pub fn end(&self) -> PathBuf {
        self.0.join("end.json")
    }

    pub fn container_disk(&self) -> PathBuf {
        self.0.join("container.img")
    }

    pub fn volume_disk(&self) -> PathBuf {
        self.0.join("volume.img")
    }

    /// What the start command wrote: a directory, as `livery-disk` keeps logs.
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// What the shim itself had to say; empty when all is well.
    pub fn shim_log(&self) -> PathBuf {
        self.0.join("shim.log")
    }

    /// Where the pod's first process listens.
    pub fn socket(&self) -> PathBuf {
        self.0.join("init.sock")
    }

    pub fn tasks(&self) -> PathBuf {
        self.0.join("tasks")
    }

    pub fn task(&self, task: &TaskId) -> TaskDir {
        TaskDir(self.tasks().join(task.as_str()))
    }
}

/// A task's directory inside its pod's.
#[derive(Debug, Clone)]
pub(crate) struct TaskDir(PathBuf);

impl TaskDir {
    pub fn from_path(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn spec(&self) -> PathBuf {
        self.0.join("spec.json")
    }

    /// Created exclusively by the one process that may run the task.
    pub fn claim(&self) -> PathBuf {
        self.0.join("claim")
    }

    pub fn status(&self) -> PathBuf {
        self.0.join("status.json")
    }

    /// What it wrote, kept like the pod's.
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// The directory of the pod that the task runs in.
    pub fn pod(&self) -> Option<PodDir> {
        Some(PodDir(self.0.parent()?.parent()?.to_owned()))
    }
}

/// What was asked for and what was set aside for it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PodRecord {
    pub slot: u16,
    /// First user id of the pod's range on this machine.
    pub first_id: u32,
    /// Where the pod's network namespace is; none for loopback only.
    pub netns: Option<PathBuf>,
    /// The text of the pod's `/etc/resolv.conf`.
    pub resolv_conf: String,
    /// The image of its network volume.
    #[serde(default)]
    pub network_volume: Option<PathBuf>,
    /// Paths that a `host` image must not show.
    pub hide: Vec<PathBuf>,
    pub spec: PodSpec,
}

/// Who runs the pod.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub shim: crate::process::ProcessRef,
    pub init: crate::process::ProcessRef,
    /// When the pod came up.
    pub began: Uptime,
}

/// How a pod ended, and when by the machine's uptime.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EndRecord {
    #[serde(flatten)]
    pub end: End,
    pub ended: Uptime,
}

/// What became of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskRecord {
    pub shim: crate::process::ProcessRef,
    #[serde(with = "millis")]
    pub since: Timestamp,
    pub end: Option<End>,
    /// Bytes of output that were dropped because the disk was full.
    pub dropped_bytes: u64,
    /// Why it could not be started, in words.
    pub reason: Option<String>,
}

/// Returns the time.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Writes a record so that a reader sees the old one or the new one.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_vec(value).map_err(|source| Error::Damaged {
        path: path.to_owned(),
        source,
    })?;
    let temporary = path.with_extension("new");
    let put = write_whole(&temporary, &text)
        .on("write", &temporary)
        .and_then(|()| fs::rename(&temporary, path).on("replace", path));
    if put.is_err() {
        // A full disk keeps no half of it; where it could not even be made, there is nothing to remove.
        let _ = fs::remove_file(&temporary);
    }
    put
}

fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text)?;
    file.sync_data()
}

/// Writes down how something ended. On a full disk it waits for room, and with it the one who asks for the
/// end: a pod or task that seems lost would be taken for a fault.
pub(crate) fn write_end(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    loop {
        match write_json(path, value) {
            Err(Error::Io { source, .. }) if livery_disk::is_full(&source) => {
                std::thread::sleep(END_REST);
            }
            other => return other,
        }
    }
}

/// Reads a record; none if it was never written.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).on("read", path),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|source| Error::Damaged {
            path: path.to_owned(),
            source,
        })
}

/// Removes a file; one that is gone already is as good.
pub(crate) fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).on("remove", path),
        Ok(()) | Err(_) => Ok(()),
    }
}

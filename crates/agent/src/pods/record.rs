//! The intent of each pod on disk: written before anything is done, gone when everything is.

use crate::capacity::{Share, needs};
use crate::error::OpenError;
use livery_disk::Reserve;
use livery_host_api::dto::{Failure, Gpu, PodSpec, Resources};
use livery_units::PodId;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What was asked for and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub spec: PodSpec,
    /// The GPUs that it was given.
    pub gpus: Vec<Gpu>,
    pub stage: Stage,
    /// The layers of the image store that it uses; they must not be thrown out.
    pub layers: Vec<PathBuf>,
    /// Who commands run as by the image's wish; empty for root.
    pub user: String,
    /// The CUDA that its image needs, as `major.minor`.
    pub cuda_required: Option<String>,
}

/// How far a pod is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// To be made; an agent that finds this goes on with it.
    Preparing,
    /// Made; the runtime tells the rest.
    Made,
    /// Stopped on request.
    Stopped,
    /// It could not be made.
    Failed(Failure),
    /// To be removed; an agent that finds this goes on with it.
    Removing,
}

impl Record {
    /// Begins a pod.
    pub fn new(spec: PodSpec, gpus: Vec<Gpu>) -> Self {
        Self {
            spec,
            gpus,
            stage: Stage::Preparing,
            layers: Vec::new(),
            user: String::new(),
            cuda_required: None,
        }
    }

    /// Returns what it holds of the machine.
    ///
    /// A stopped pod keeps its disks and its GPUs, so that it can be started again, and gives
    /// processors and memory back. One that failed keeps its disks alone.
    pub fn share(&self) -> Share {
        let all = needs(&self.spec);
        let disk = Resources {
            disk: all.disk,
            ..Resources::default()
        };
        let gpus = self.gpus.iter().map(|gpu| gpu.index).collect();
        match &self.stage {
            Stage::Preparing | Stage::Made | Stage::Removing => Share {
                resources: all,
                gpus,
            },
            Stage::Stopped => Share {
                resources: disk,
                gpus,
            },
            Stage::Failed(_) => Share {
                resources: disk,
                gpus: Vec::new(),
            },
        }
    }
}

/// The ending of an intent that is not whole yet.
const FRESH: &str = "new";

/// The directory of intents.
#[derive(Debug)]
pub(crate) struct Records {
    dir: PathBuf,
    reserve: Reserve,
}

impl Records {
    /// Opens the directory, making it readable for root alone: environments hold secrets. What an agent that
    /// was killed had half written is removed. On a full disk intents are written into the reserve.
    pub fn open(dir: PathBuf, reserve: Reserve) -> Result<Self, OpenError> {
        fs::create_dir_all(&dir).map_err(OpenError::io("create", &dir))?;
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(&dir, private).map_err(OpenError::io("change the mode of", &dir))?;
        for entry in fs::read_dir(&dir).map_err(OpenError::io("list", &dir))? {
            let path = entry.map_err(OpenError::io("list", &dir))?.path();
            if path.extension().is_some_and(|ending| ending == FRESH) {
                fs::remove_file(&path).map_err(OpenError::io("remove", &path))?;
            }
        }
        Ok(Self { dir, reserve })
    }

    /// Reads all intents. One that cannot be read is left alone, and so is its pod: it may be of
    /// another version.
    pub fn load(&self) -> Result<Vec<(PodId, Record)>, OpenError> {
        let mut found = Vec::new();
        let entries = fs::read_dir(&self.dir).map_err(OpenError::io("list", &self.dir))?;
        for entry in entries {
            let path = entry.map_err(OpenError::io("list", &self.dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let stem = name.and_then(|name| name.strip_suffix(".json"));
            let Some(id) = stem.and_then(|stem| stem.parse::<PodId>().ok()) else {
                continue;
            };
            let text = fs::read(&path).map_err(OpenError::io("read", &path))?;
            match serde_json::from_slice(&text) {
                Ok(record) => found.push((id, record)),
                Err(error) => {
                    tracing::error!(pod.id = %id, %error, "the pod's record cannot be read");
                }
            }
        }
        Ok(found)
    }

    /// Writes an intent so that a crash leaves the old one or the new one, and a full disk the old one
    /// alone.
    pub fn write(&self, id: &PodId, record: &Record) -> io::Result<()> {
        let bytes = serde_json::to_vec(record)?;
        self.reserve.with(|| replace(&self.path(id), &bytes))
    }

    /// Takes the reserve again when there is room, gives it back when there is hardly any.
    pub fn look_at_reserve(&self) -> io::Result<()> {
        self.reserve.look()
    }

    /// Forgets an intent; one that is gone already is as good.
    pub fn forget(&self, id: &PodId) -> io::Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Says whether there is an intent, readable or not.
    pub fn has(&self, id: &PodId) -> bool {
        self.path(id).exists()
    }

    fn path(&self, id: &PodId) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }
}

/// Puts a file in the place of another, for root alone.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(FRESH);
    let mut options = File::options();
    options.create(true).truncate(true).write(true).mode(0o600);
    let put = options.open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&temporary, path)
    });
    if put.is_err() {
        // Where it could not even be made, there is nothing to remove.
        let _ = fs::remove_file(&temporary);
    }
    put
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_units::Bytes;

    fn names(dir: &Path) -> Vec<std::ffi::OsString> {
        let entries = fs::read_dir(dir).unwrap().flatten();
        entries.map(|entry| entry.file_name()).collect()
    }

    #[test]
    fn what_was_half_written_by_one_that_was_killed_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("pod_x.new"), "{").unwrap();
        let reserve = tempfile::tempdir().unwrap();
        let reserve = Reserve::take(reserve.path(), Bytes::mib(1)).unwrap();
        Records::open(dir.path().to_owned(), reserve).unwrap();
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_record_that_cannot_be_written_leaves_nothing_half_written() {
        let dir = tempfile::tempdir().unwrap();
        // Nothing takes the place of a directory.
        let place = dir.path().join("pod_x.json");
        fs::create_dir(&place).unwrap();
        replace(&place, b"{}").unwrap_err();
        assert_eq!(names(dir.path()), ["pod_x.json"]);
    }
}

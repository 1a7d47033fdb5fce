//! How images lie on disk.
//!
//! ```text
//! <root>/lock            held while the store is open
//! <root>/layers/<hex>/   one unpacked layer, named by its diff id; whole or not there
//! <root>/facts/<hex>     what is remembered of a layer, by the same name
//! <root>/images/<hex>    one record per tenant and image name; its mtime says when it was last used
//! <root>/scratch/        half-made things; emptied when the store is opened
//! ```

use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use livery_units::Timestamp;
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::Error;
use crate::layer::Digest;
use crate::remove;

/// The directory with everything.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    /// Scratch names within this process.
    counter: AtomicU64,
    /// Keeps other processes out until it is closed.
    _lock: File,
}

/// What is remembered of an image as one tenant had it: another one has to show to its registry
/// that they may have it too.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Record {
    /// Who had it.
    pub tenant: String,
    /// The image's name in full.
    pub name: String,
    /// The digest of its manifest, or of its configuration where there is no manifest.
    pub digest: String,
    /// Its configuration as it came.
    pub config: String,
    /// The diff ids of its layers, lowest first.
    pub layers: Vec<String>,
}

impl Disk {
    /// Opens or makes the directory and throws away what a crash left half-made.
    pub fn open(root: PathBuf) -> Result<Self, Error> {
        for dir in ["", "layers", "facts", "images"].map(|name| root.join(name)) {
            fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        }
        // Layers contain set-user-id programs of strangers: nobody else may get at them.
        fs::set_permissions(&root, Permissions::from_mode(0o700))
            .map_err(Error::io("close to others", &root))?;
        let lock_path = root.join("lock");
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(Error::io("open", &lock_path))?;
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Error::InUse { root });
        }
        let disk = Self {
            root,
            counter: AtomicU64::new(0),
            _lock: lock,
        };
        let scratch = disk.root.join("scratch");
        remove_tree(&scratch)?;
        fs::create_dir(&scratch).map_err(Error::io("create", &scratch))?;
        Ok(disk)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a path that nothing is at, for something half-made.
    pub fn scratch(&self) -> PathBuf {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        self.root.join("scratch").join(number.to_string())
    }

    /// Returns where a layer lies or will lie.
    pub fn layer(&self, diff_id: &Digest) -> PathBuf {
        self.root.join("layers").join(diff_id.hex())
    }

    /// Returns where a layer's facts lie or will lie.
    pub fn facts_path(&self, diff_id: &Digest) -> PathBuf {
        self.root.join("facts").join(diff_id.hex())
    }

    /// Returns how many bytes there is room for.
    pub fn room(&self) -> Result<u64, Error> {
        let stat = rustix::fs::statvfs(&self.root).map_err(Error::io("measure", &self.root))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Refuses what surely does not fit: a full disk hurts the whole machine.
    pub fn check_room(&self, bytes: u64) -> Result<(), Error> {
        match self.room()? >= bytes {
            true => Ok(()),
            false => Err(Error::DiskFull {
                path: self.root.clone(),
            }),
        }
    }

    /// Returns the places of a record's layers if it has some and all are there.
    ///
    /// Builders repeat layers, above all empty ones, and overlayfs refuses a directory that it has
    /// already. The topmost of them has all that those below it have, so they are left out.
    pub fn layers_of(&self, record: &Record) -> Option<Vec<PathBuf>> {
        let mut places = Vec::with_capacity(record.layers.len());
        let mut seen = HashSet::new();
        for text in record.layers.iter().rev().filter(|text| seen.insert(*text)) {
            let place = self.layer(&Digest::parse(text)?);
            places.push(place.is_dir().then_some(place)?);
        }
        places.reverse();
        Some(places).filter(|places| !places.is_empty())
    }

    /// Finds an image's record and notes that it is used now.
    pub fn use_record(&self, tenant: &str, name: &str) -> Result<Option<Record>, Error> {
        let path = self.record_path(tenant, name);
        let Some(record) = read_record(&path)? else {
            return Ok(None);
        };
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()))
            .map_err(Error::io("touch", &path))?;
        Ok(Some(record))
    }

    /// Remembers an image, in place of an older one of its name.
    pub fn save_record(&self, record: &Record) -> Result<(), Error> {
        self.save(&self.record_path(&record.tenant, &record.name), record)
    }

    /// Writes a file so that a crash leaves the old one or the new one.
    pub fn save(&self, path: &Path, content: &impl serde::Serialize) -> Result<(), Error> {
        let scratch = self.scratch();
        let save = || {
            let file = File::create_new(&scratch)?;
            serde_json::to_writer(&file, content)?;
            file.sync_all()?;
            fs::rename(&scratch, path)
        };
        save().map_err(Error::io("write", path))
    }

    /// Forgets an image.
    pub fn forget(&self, record: &Record) -> Result<(), Error> {
        remove_file(&self.record_path(&record.tenant, &record.name))
    }

    /// Lists what is remembered, with when it was last used.
    pub fn records(&self) -> Result<Vec<(Record, Timestamp)>, Error> {
        let mut found = Vec::new();
        for path in children(&self.root.join("images"))? {
            let metadata = fs::metadata(&path).map_err(Error::io("look at", &path))?;
            let used = metadata.modified().map_err(Error::io("look at", &path))?;
            if let Some(record) = read_record(&path)? {
                found.push((record, timestamp(used)));
            }
        }
        found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Takes the layers out of the store that no record names and nobody uses; returns where they
    /// are now, to be deleted at leisure.
    pub fn take_unused_layers(&self, in_use: &HashSet<PathBuf>) -> Result<Vec<PathBuf>, Error> {
        let records = self.records()?;
        let named: HashSet<PathBuf> = records
            .iter()
            .flat_map(|(record, _)| &record.layers)
            .filter_map(|text| Some(self.layer(&Digest::parse(text)?)))
            .collect();
        let mut taken = Vec::new();
        for place in children(&self.root.join("layers"))? {
            if named.contains(&place) || in_use.contains(&place) {
                continue;
            }
            let away = self.scratch();
            fs::rename(&place, &away).map_err(Error::io("move away", &place))?;
            taken.push(away);
        }
        for facts in children(&self.root.join("facts"))? {
            let layer = facts
                .file_name()
                .map(|name| self.root.join("layers").join(name));
            if !layer.is_some_and(|layer| layer.exists()) {
                remove_file(&facts)?;
            }
        }
        Ok(taken)
    }

    fn record_path(&self, tenant: &str, name: &str) -> PathBuf {
        let digest = Digest::of(format!("{tenant}\n{name}").as_bytes());
        self.root.join("images").join(digest.hex())
    }
}

/// Deletes a directory with all that is in it; deleting what is gone succeeds.
pub(crate) fn remove_tree(path: &Path) -> Result<(), Error> {
    match remove::remove_path(path) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(Error::io("remove", path)(errno)),
    }
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A record that cannot be read is as good as none: the image is pulled again.
fn read_record(path: &Path) -> Result<Option<Record>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("read", path)(e)),
    }
}

fn children(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(dir).map_err(Error::io("list", dir))?;
    entries
        .map(|entry| Ok(entry.map_err(Error::io("list", dir))?.path()))
        .collect()
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since: Duration = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

//! What a crash left behind.
//!
//! A killed process loses nothing that it handed to the kernel. A machine that stops may lose what
//! was not flushed, even under names that are there. Blobs are not flushed one by one (20,000 small
//! files would take minutes); instead the store notes which boot wrote to it and when all was last
//! flushed, and an opening in another boot hashes everything younger.

use std::fs::{self, File};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ContentError;

/// What opening a store found half-written and dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes cut off the ends of packs.
    pub cut_bytes: u64,
    /// Large blobs that had not reached the disk whole.
    pub dropped_blobs: u64,
    flushed: Option<SystemTime>,
    boot: Boot,
}

/// Which boot of the machine wrote to the store last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Boot {
    #[default]
    This,
    Another,
}

const VERSION: &str = "livery content store 1";
/// File times are a little older than the clock says; files of this much before a flush are hashed.
const SLACK: Duration = Duration::from_secs(60);

impl Recovery {
    /// Reads who wrote here last.
    pub(super) fn begin(dir: &Path) -> Result<Self, ContentError> {
        let path = dir.join("state");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                write_state(dir, UNIX_EPOCH)?;
                return Ok(Self::default());
            }
            Err(error) => return Err(ContentError::io("read", &path, error)),
        };
        let mut lines = text.lines();
        let version = lines.next();
        // An empty file is what a stopped machine may leave of a state that was just written.
        if version.is_some_and(|version| version != VERSION) {
            return Err(ContentError::NotAStore {
                dir: dir.to_owned(),
            });
        }
        let boot = match lines.next() == Some(boot_id().as_str()) {
            true => Boot::This,
            false => Boot::Another,
        };
        let secs = lines.next().and_then(|line| line.parse().ok()).unwrap_or(0);
        Ok(Self {
            flushed: UNIX_EPOCH.checked_add(Duration::from_secs(secs)),
            boot,
            ..Self::default()
        })
    }

    /// Returns since when blobs may be incomplete; `None` if the machine has not stopped since.
    pub(super) fn unflushed_since(&self) -> Option<SystemTime> {
        let flushed = self.flushed.unwrap_or(UNIX_EPOCH);
        match self.boot {
            Boot::This => None,
            Boot::Another => Some(flushed.checked_sub(SLACK).unwrap_or(UNIX_EPOCH)),
        }
    }

    /// Notes that what is here has been looked through.
    pub(super) fn finish(&self, dir: &Path) -> Result<(), ContentError> {
        match self.boot {
            Boot::This => Ok(()),
            Boot::Another => write_state(dir, self.flushed.unwrap_or(UNIX_EPOCH)),
        }
    }
}

/// Flushes the file system that the store is on, and notes when.
pub(super) fn flush(dir: &Path) -> Result<(), ContentError> {
    let begun = SystemTime::now();
    let file = File::open(dir).map_err(ContentError::on("open", dir))?;
    rustix::fs::syncfs(&file).map_err(ContentError::on("flush", dir))?;
    write_state(dir, begun)
}

fn write_state(dir: &Path, flushed: SystemTime) -> Result<(), ContentError> {
    let secs = flushed.duration_since(UNIX_EPOCH);
    let secs = secs.map_or(0, |since| since.as_secs());
    let text = format!("{VERSION}\n{}\n{secs}\n", boot_id());
    let (path, tmp) = (dir.join("state"), dir.join("state.tmp"));
    // Uploads that end together flush together: one of them writes at a time.
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    fs::write(&tmp, text).map_err(ContentError::on("write", &tmp))?;
    fs::rename(&tmp, &path).map_err(ContentError::on("create", &path))
}

/// Returns what tells this boot from others; without it every opening counts as another boot.
fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map_or_else(|_| "unknown boot".to_owned(), |id| id.trim().to_owned())
}

//! What one account owns: in memory, and in a list on disk.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use livery_units::{Bytes, ContentHash};

use super::record::{self, Came, Held, MAGIC, RECORD_LEN};
use super::{Ages, BLOBS_MAX, Holding, Quota};
use crate::ContentError;

#[derive(Debug)]
pub(super) struct Holdings {
    path: PathBuf,
    blobs: HashMap<ContentHash, Held>,
    bytes: u64,
    /// What is being stored and will be added.
    promised: Promise,
    /// Where the list on disk ends.
    list_len: u64,
    list: List,
}

/// Whether the list on disk says what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Current,
    Outdated,
}

/// Room that is kept for blobs that are being stored.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Promise {
    bytes: u64,
    blobs: u64,
}

impl Holdings {
    /// Owns nothing yet; the list is made with the first blob.
    pub(super) fn none(path: PathBuf) -> Self {
        Self {
            path,
            blobs: HashMap::new(),
            bytes: 0,
            promised: Promise::default(),
            list_len: 0,
            list: List::Current,
        }
    }

    /// Reads a list; what is torn at its end is written over by the next record.
    pub(super) fn read(path: &Path, now_secs: u64) -> Result<Self, ContentError> {
        let bytes = fs::read(path).map_err(ContentError::on("read", path))?;
        let mut holdings = Self::none(path.to_owned());
        if bytes.starts_with(MAGIC) {
            holdings.list_len = MAGIC.len() as u64;
        }
        for (hash, mut held) in record::read(&bytes) {
            // A clock that was ahead must not keep anything for ever.
            held.used_secs = held.used_secs.min(now_secs);
            holdings.list_len += RECORD_LEN as u64;
            holdings.insert(hash, held);
        }
        Ok(holdings)
    }

    pub(super) fn holding(&self) -> Holding {
        Holding {
            bytes: Bytes::new(self.bytes),
            blobs: self.blobs.len() as u64,
        }
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = ContentHash> {
        self.blobs.keys().copied()
    }

    /// Marks a blob as used now, which the next sweep writes down; `false` when it is not owned.
    pub(super) fn touch(&mut self, hash: &ContentHash, now_secs: u64) -> bool {
        let Some(held) = self.blobs.get_mut(hash) else {
            return false;
        };
        if held.used_secs != now_secs {
            held.used_secs = now_secs;
            self.list = List::Outdated;
        }
        true
    }

    /// Keeps room for blobs that are about to be stored, as far as they are new.
    pub(super) fn promise(
        &mut self,
        sized: &[(ContentHash, u32)],
        quota: Quota,
    ) -> Result<Promise, ContentError> {
        let mut seen = HashSet::new();
        let mut more = Promise::default();
        for (hash, len) in sized {
            if !self.blobs.contains_key(hash) && seen.insert(hash) {
                more.bytes += u64::from(*len);
                more.blobs += 1;
            }
        }
        let bytes = self.bytes + self.promised.bytes + more.bytes;
        let blobs = self.blobs.len() as u64 + self.promised.blobs + more.blobs;
        match quota {
            // Nothing new is never too much, also when the quota was lowered.
            _ if more.blobs == 0 => {}
            Quota::Unlimited => {}
            Quota::Limited(most) if bytes > most.get() => {
                return Err(ContentError::OverQuota {
                    would_be: Bytes::new(bytes),
                    quota: most,
                });
            }
            Quota::Limited(_) if blobs > BLOBS_MAX => return Err(ContentError::TooManyBlobs),
            Quota::Limited(_) => {}
        }
        self.promised.bytes += more.bytes;
        self.promised.blobs += more.blobs;
        Ok(more)
    }

    pub(super) fn unpromise(&mut self, promised: Promise) {
        self.promised.bytes -= promised.bytes;
        self.promised.blobs -= promised.blobs;
    }

    /// Adds blobs, on disk first. What is owned already counts as used now, and as sent once it was.
    pub(super) fn add(
        &mut self,
        sized: &[(ContentHash, u32)],
        came: Came,
        now_secs: u64,
    ) -> Result<(), ContentError> {
        let mut fresh = Vec::new();
        let mut records = Vec::new();
        for (hash, len) in sized {
            let is_as_good = |held: &Held| held.came == Came::Sent || came == Came::Home;
            if self.blobs.get(hash).is_some_and(is_as_good) {
                self.touch(hash, now_secs);
                continue;
            }
            let held = Held {
                len: *len,
                used_secs: now_secs,
                came,
            };
            record::write(&mut records, hash, &held);
            fresh.push((*hash, held));
        }
        self.append(&records)?;
        for (hash, held) in fresh {
            self.insert(hash, held);
        }
        Ok(())
    }

    /// Owns what its trees need, and gives up the rest when it is old enough.
    pub(super) fn sweep(
        &mut self,
        needed: &HashMap<ContentHash, u32>,
        ages: &Ages,
        now_secs: u64,
    ) -> Result<(), ContentError> {
        for (hash, len) in needed {
            if !self.blobs.contains_key(hash) {
                let held = Held {
                    len: *len,
                    used_secs: now_secs,
                    came: Came::Home,
                };
                self.insert(*hash, held);
                self.list = List::Outdated;
            }
        }
        let before = self.blobs.len();
        self.blobs.retain(|hash, held| {
            let age = match held.came {
                Came::Sent => ages.sent,
                Came::Home => ages.home,
            };
            needed.contains_key(hash) || now_secs.saturating_sub(held.used_secs) < age.secs()
        });
        if self.blobs.len() != before {
            self.bytes = self.blobs.values().map(|held| u64::from(held.len)).sum();
            self.list = List::Outdated;
        }
        match self.list {
            List::Current => Ok(()),
            List::Outdated => self.rewrite(),
        }
    }

    fn insert(&mut self, hash: ContentHash, held: Held) {
        let before = self.blobs.insert(hash, held);
        self.bytes += u64::from(held.len);
        self.bytes -= before.map_or(0, |before| u64::from(before.len));
    }

    /// Writes records where the list ends: what an attempt that failed left there is written over.
    fn append(&mut self, records: &[u8]) -> Result<(), ContentError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        if self.list_len == 0 {
            bytes.extend_from_slice(MAGIC);
        }
        bytes.extend_from_slice(records);
        let file = open(&self.path)?;
        file.write_all_at(&bytes, self.list_len)
            .map_err(ContentError::on("write", &self.path))?;
        self.list_len += bytes.len() as u64;
        Ok(())
    }

    /// Writes the list anew, with one record for each blob.
    fn rewrite(&mut self) -> Result<(), ContentError> {
        if self.blobs.is_empty() {
            match fs::remove_file(&self.path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(ContentError::io("remove", &self.path, error)),
            }
            self.list_len = 0;
            self.list = List::Current;
            return Ok(());
        }
        let mut list = MAGIC.to_vec();
        list.reserve(self.blobs.len() * RECORD_LEN);
        for (hash, held) in &self.blobs {
            record::write(&mut list, hash, held);
        }
        let fresh = self.path.with_extension("new");
        let file = open(&fresh)?;
        file.set_len(0)
            .and_then(|()| file.write_all_at(&list, 0))
            .and_then(|()| file.sync_data())
            .map_err(ContentError::on("write", &fresh))?;
        fs::rename(&fresh, &self.path).map_err(ContentError::on("create", &self.path))?;
        self.list_len = list.len() as u64;
        self.list = List::Current;
        Ok(())
    }
}

fn open(path: &Path) -> Result<File, ContentError> {
    let mut options = File::options();
    let options = options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(ContentError::on("open", path))
}

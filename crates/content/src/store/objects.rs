//! Large blobs: one file each.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use livery_units::{Bytes as Size, ContentHash};

use super::{Presence, Recovery};
use crate::encoding::decode;
use crate::{ContentError, Encoding, MAX_FRAME_LEN, direct};

#[derive(Debug)]
pub(super) struct Objects {
    dir: PathBuf,
    tmp: PathBuf,
    serial: AtomicU64,
}

const SUFFIX_ZSTD: &str = ".zst";

impl Objects {
    /// Clears what was being written and, after a crash of the machine, drops what is not whole.
    pub(super) fn open(store: &Path, recovery: &mut Recovery) -> Result<Self, ContentError> {
        let objects = Self {
            dir: store.join("objects"),
            tmp: store.join("tmp"),
            serial: AtomicU64::new(0),
        };
        for entry in list(&objects.tmp)? {
            fs::remove_file(&entry).map_err(ContentError::on("remove", &entry))?;
        }
        if let Some(since) = recovery.unflushed_since() {
            objects.each(|path, hash, encoding, meta| {
                if meta.modified().is_ok_and(|time| time < since) {
                    return Ok(());
                }
                let body = fs::read(path).map_err(ContentError::on("read", path))?;
                if decode(&hash, encoding, body.into()).is_err() {
                    fs::remove_file(path).map_err(ContentError::on("remove", path))?;
                    recovery.dropped_blobs += 1;
                }
                Ok(())
            })?;
        }
        Ok(objects)
    }

    pub(super) fn find(&self, hash: &ContentHash) -> Option<(PathBuf, Encoding)> {
        [Encoding::Raw, Encoding::Zstd]
            .into_iter()
            .find_map(|encoding| {
                let path = self.path(hash, encoding);
                path.is_file().then_some((path, encoding))
            })
    }

    /// Marks a blob as used now.
    pub(super) fn touch(&self, hash: &ContentHash) -> Presence {
        let Some((path, _)) = self.find(hash) else {
            return Presence::Absent;
        };
        // If the time cannot be set the blob is still here, and a sweep may take it a little early.
        let _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
        Presence::Here
    }

    pub(super) fn read(
        &self,
        hash: &ContentHash,
    ) -> Result<Option<(Encoding, Bytes)>, ContentError> {
        for encoding in [Encoding::Raw, Encoding::Zstd] {
            let path = self.path(hash, encoding);
            let Some(file) = open(&path)? else { continue };
            let len = file
                .metadata()
                .map_err(ContentError::on("read", &path))?
                .len();
            if len > MAX_FRAME_LEN as u64 {
                return Err(ContentError::TooLarge(Size::new(len)));
            }
            let len = usize::try_from(len).unwrap_or(MAX_FRAME_LEN);
            let body = direct::read(file, &path, len).map_err(ContentError::on("read", &path))?;
            return Ok(Some((encoding, body)));
        }
        Ok(None)
    }

    pub(super) fn write(
        &self,
        hash: &ContentHash,
        encoding: Encoding,
        body: &[u8],
    ) -> Result<(), ContentError> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let tmp = self.tmp.join(serial.to_string());
        let result = self.write_through(&tmp, &self.path(hash, encoding), body);
        if result.is_err() {
            // What is left here is cleared at the next opening at the latest.
            let _ = fs::remove_file(&tmp);
        }
        result
    }

    pub(super) fn remove(&self, hash: &ContentHash) -> Result<(), ContentError> {
        for encoding in [Encoding::Raw, Encoding::Zstd] {
            let path = self.path(hash, encoding);
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(ContentError::io("remove", &path, error)),
            }
        }
        Ok(())
    }

    /// Calls `visit` for every object.
    pub(super) fn each(
        &self,
        mut visit: impl FnMut(&Path, ContentHash, Encoding, &Metadata) -> Result<(), ContentError>,
    ) -> Result<(), ContentError> {
        for shard in list(&self.dir)? {
            for path in list(&shard)? {
                let Some((hash, encoding)) = parse_name(&path) else {
                    continue;
                };
                let meta = match fs::metadata(&path) {
                    Ok(meta) => meta,
                    // Found to be damaged and removed since it was listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(ContentError::io("read", &path, error)),
                };
                visit(&path, hash, encoding, &meta)?;
            }
        }
        Ok(())
    }

    fn write_through(&self, tmp: &Path, path: &Path, body: &[u8]) -> Result<(), ContentError> {
        direct::write_new(tmp, body).map_err(ContentError::on("write", tmp))?;
        match fs::rename(tmp, path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let shard = path.parent().unwrap_or(&self.dir);
                fs::create_dir_all(shard).map_err(ContentError::on("create", shard))?;
                fs::rename(tmp, path).map_err(ContentError::on("create", path))
            }
            result => result.map_err(ContentError::on("create", path)),
        }
    }

    fn path(&self, hash: &ContentHash, encoding: Encoding) -> PathBuf {
        let mut name = hash.to_string();
        let shard = self.dir.join(&name[..2]);
        match encoding {
            Encoding::Raw => {}
            Encoding::Zstd => name.push_str(SUFFIX_ZSTD),
        }
        shard.join(name)
    }
}

fn open(path: &Path) -> Result<Option<File>, ContentError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ContentError::io("open", path, error)),
    }
}

fn parse_name(path: &Path) -> Option<(ContentHash, Encoding)> {
    let name = path.file_name()?.to_str()?;
    let (hash, encoding) = match name.strip_suffix(SUFFIX_ZSTD) {
        Some(hash) => (hash, Encoding::Zstd),
        None => (name, Encoding::Raw),
    };
    Some((hash.parse().ok()?, encoding))
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, ContentError> {
    let entries = fs::read_dir(dir).map_err(ContentError::on("list", dir))?;
    entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(ContentError::on("list", dir))
}

//! The files of a tree.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use livery_units::ContentHash;
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::{Site, dirs, io as on, temporary_name, times};
use crate::chunk::{CHUNK_LEN, chunk_len, zero_chunk};
use crate::confined::{self, FileKind, FileStat};
use crate::{ContentError, Entry, Kind, direct, hash_bytes, parallel};

/// Where a file is written.
enum Slot {
    /// It is there already.
    Kept,
    /// Under its own name: there was nothing.
    New(File),
    /// Beside what is there, which it then replaces.
    Beside(File, String),
}

/// A file that is being written, and the same once more for writing past the page cache.
#[derive(Clone, Copy)]
struct Files<'a> {
    file: &'a File,
    direct: Option<&'a File>,
}

/// Writes a file of at most one chunk.
pub(super) fn write_small(
    site: &Site<'_>,
    dir: &OwnedFd,
    entry: &Entry,
    (size, chunks): (u64, &[ContentHash]),
) -> Result<(), ContentError> {
    let slot = prepare(site, dir, entry, size)?;
    settle(site, dir, entry, slot, |file, _| match chunks {
        [] => Ok(()),
        [first, ..] => write_chunk(site, Files { file, direct: None }, entry, (0, first)),
    })
}

/// Writes a file of several chunks, with all threads.
pub(super) fn write_large(site: &Site<'_>, entry: &Entry) -> Result<(), ContentError> {
    let (size, chunks) = match &entry.kind {
        Kind::File { size, chunks, .. } => (*size, chunks),
        Kind::Dir | Kind::Symlink { .. } => return Ok(()),
    };
    let dir = dirs::open_parent(site, entry)?;
    let slot = prepare(site, &dir, entry, size)?;
    settle(site, &dir, entry, slot, |file, name| {
        file.set_len(size)
            .map_err(ContentError::on("write", entry.path.as_path()))?;
        let direct = confined::open_direct(&dir, name, file).map(File::from);
        let files = Files {
            file,
            direct: direct.as_ref(),
        };
        let indexed: Vec<_> = (0_u64..).zip(chunks).collect();
        parallel::map(
            &indexed,
            || (),
            |(), (index, hash)| write_chunk(site, files, entry, (*index, hash)),
        )?;
        Ok(())
    })
}

/// Removes an empty directory where a file or a link is to be; a full one is an error, and so is one
/// that a disk is mounted on, which would be gone from the pod.
pub(super) fn remove_empty_dir(dir: &OwnedFd, entry: &Entry) -> Result<(), ContentError> {
    let in_the_way = |reason| ContentError::InTheWay {
        path: entry.path.to_string(),
        reason,
    };
    let mounted = || in_the_way("a disk is mounted there, and a file or a link is to be there");
    match confined::is_mount_point(dir, entry.path.name()) {
        Ok(false) => {}
        Ok(true) => return Err(mounted()),
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(on("read", entry)(error)),
    }
    match rustix::fs::unlinkat(dir, entry.path.name(), AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOTDIR | Errno::NOENT) => Ok(()),
        Err(Errno::BUSY) => Err(mounted()),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Err(in_the_way(
            "it is a directory with something in it, and a file is to be there",
        )),
        Err(error) => Err(on("replace", entry)(error)),
    }
}

/// Finds out whether the file is there, and opens where to write it if it is not.
fn prepare(site: &Site<'_>, dir: &OwnedFd, entry: &Entry, size: u64) -> Result<Slot, ContentError> {
    let name = entry.path.name();
    match confined::create_file(dir, name) {
        Ok(file) => return Ok(Slot::New(file.into())),
        Err(Errno::EXIST) => {}
        Err(error) => return Err(on("create", entry)(error)),
    }
    match confined::stat(dir, name) {
        Ok(stat) => {
            let same = stat.size == size && stat.mtime_ns == entry.mtime_ns;
            match stat.kind {
                FileKind::File if same && keep(site, dir, entry, &stat)? => return Ok(Slot::Kept),
                FileKind::Dir => remove_empty_dir(dir, entry)?,
                FileKind::File | FileKind::Symlink | FileKind::Special(_) => {}
            }
        }
        // Removed since; writing beside and renaming works all the same.
        Err(Errno::NOENT) => {}
        Err(error) => return Err(on("read", entry)(error)),
    }
    let tmp = temporary_name(entry);
    let file = match confined::create_file(dir, OsStr::new(&tmp)) {
        Err(Errno::EXIST) => {
            rustix::fs::unlinkat(dir, &tmp, AtFlags::empty()).map_err(on("replace", entry))?;
            confined::create_file(dir, OsStr::new(&tmp))
        }
        result => result,
    };
    let file = file.map_err(on("create", entry))?;
    Ok(Slot::Beside(file.into(), tmp))
}

/// Sees to mode and owner of a file whose content is right; false if it is better replaced.
fn keep(
    site: &Site<'_>,
    dir: &OwnedFd,
    entry: &Entry,
    stat: &FileStat,
) -> Result<bool, ContentError> {
    let owned = (stat.uid, stat.gid) == (site.owner.uid, site.owner.gid);
    if owned && stat.mode == entry.mode {
        return Ok(true);
    }
    // Somebody else's file must not change hands: on a `host` image it may be this machine's own,
    // which the pod could read from then on. Nor must a second name of some other file.
    if stat.uid != site.owner.uid || stat.links > 1 {
        return Ok(false);
    }
    let Ok(file) = confined::open_file(dir, entry.path.name().as_ref()) else {
        return Ok(false);
    };
    let opened = confined::fstat(&file).map_err(on("read", entry))?;
    if opened != *stat {
        return Ok(false);
    }
    set_attributes(site, &file.into(), entry)?;
    Ok(true)
}

/// Writes the content, then attributes, then puts the file where it belongs; cleans up on failure.
fn settle(
    site: &Site<'_>,
    dir: &OwnedFd,
    entry: &Entry,
    slot: Slot,
    write: impl FnOnce(&File, &OsStr) -> Result<(), ContentError>,
) -> Result<(), ContentError> {
    let name = entry.path.name();
    let (file, tmp) = match &slot {
        Slot::Kept => {
            site.count_kept();
            return Ok(());
        }
        Slot::New(file) => (file, None),
        Slot::Beside(file, tmp) => (file, Some(OsStr::new(tmp))),
    };
    let result = write(file, tmp.unwrap_or(name))
        .and_then(|()| set_attributes(site, file, entry))
        .and_then(|()| match tmp {
            None => Ok(()),
            Some(tmp) => rustix::fs::renameat(dir, tmp, dir, name).map_err(on("replace", entry)),
        });
    match &result {
        Ok(()) => site.count_written(match &entry.kind {
            Kind::File { size, .. } => *size,
            Kind::Dir | Kind::Symlink { .. } => 0,
        }),
        Err(_) => {
            // The error that is on its way says more than one about the leftover would.
            let _ = rustix::fs::unlinkat(dir, tmp.unwrap_or(name), AtFlags::empty());
        }
    }
    result
}

fn set_attributes(site: &Site<'_>, file: &File, entry: &Entry) -> Result<(), ContentError> {
    let (uid, gid) = site.owner.ids();
    // The owner goes first: changing it clears bits of the mode.
    rustix::fs::fchown(file, uid, gid).map_err(on("give away", entry))?;
    rustix::fs::fchmod(file, Mode::from_raw_mode(entry.mode))
        .map_err(on("set the mode of", entry))?;
    rustix::fs::futimens(file, &times(entry.mtime_ns)).map_err(on("set the time of", entry))
}

/// Writes one chunk into a file that is empty there.
fn write_chunk(
    site: &Site<'_>,
    files: Files<'_>,
    entry: &Entry,
    (index, hash): (u64, &ContentHash),
) -> Result<(), ContentError> {
    let size = match &entry.kind {
        Kind::File { size, .. } => *size,
        Kind::Dir | Kind::Symlink { .. } => 0,
    };
    site.halt.check()?;
    let (offset, len) = (index * CHUNK_LEN, chunk_len(size, index));
    if size > CHUNK_LEN && len == CHUNK_LEN && hash == zero_chunk() {
        // The file was given its length before: here it is a hole.
        return Ok(());
    }
    let bytes = site.store.get(hash)?;
    if bytes.len() as u64 != len {
        return Err(wrong_length(hash, &bytes));
    }
    let whole = match files.direct {
        Some(direct) if len == CHUNK_LEN => direct::write_blocks_at(direct, &bytes, offset),
        Some(_) | None => Err(io::ErrorKind::InvalidInput.into()),
    };
    let written = match whole {
        // Not possible there, or not a whole chunk: the ordinary way.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            files.file.write_all_at(&bytes, offset)
        }
        result => result,
    };
    written.map_err(ContentError::on("write", entry.path.as_path()))
}

fn wrong_length(hash: &ContentHash, bytes: &[u8]) -> ContentError {
    // The store has checked the bytes, so it is the manifest that is wrong.
    ContentError::InvalidManifest {
        reason: format!(
            "it gives {hash} another length than the {} bytes of {}",
            bytes.len(),
            hash_bytes(bytes)
        ),
    }
}

//! The files of a tree.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;

use livery_units::ContentHash;
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::{Site, dirs, io as on, temporary_name, times};
use crate::chunk::{CHUNK_LEN, chunk_len, zero_chunk};
use crate::confined::{self, FileKind, FileStat};
use crate::store::ContentStore;
use crate::{ContentError, Entry, Kind, hash_bytes, parallel};

/// Where a file is written.
enum Slot {
    /// It is there already.
    Kept,
    /// Under its own name: there was nothing.
    New(File),
    /// Beside what is there, which it then replaces.
    Beside(File, String),
}

/// How much is copied at a time where the kernel does not copy by itself; fits the processor's cache.
const PIECE_LEN: usize = 256 << 10;

/// Writes a file of at most one chunk.
pub(super) fn write_small(
    site: &Site<'_>,
    dir: &OwnedFd,
    entry: &Entry,
    (size, chunks): (u64, &[ContentHash]),
    buffer: &mut Vec<u8>,
) -> Result<(), ContentError> {
    let slot = prepare(site, dir, entry, size)?;
    settle(site, dir, entry, slot, |file| match chunks {
        [] => Ok(()),
        [first, ..] => write_chunk(site, file, entry, (0, first), buffer),
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
    settle(site, &dir, entry, slot, |file| {
        file.set_len(size)
            .map_err(ContentError::on("write", entry.path.as_path()))?;
        let indexed: Vec<_> = (0_u64..).zip(chunks).collect();
        parallel::map(&indexed, Vec::new, |buffer, (index, hash)| {
            write_chunk(site, file, entry, (*index, hash), buffer)
        })?;
        Ok(())
    })
}

/// Removes an empty directory where a file or a link is to be; a full one is an error.
pub(super) fn remove_empty_dir(dir: &OwnedFd, entry: &Entry) -> Result<(), ContentError> {
    match rustix::fs::unlinkat(dir, entry.path.name(), AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOTDIR | Errno::NOENT) => Ok(()),
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY) => Err(ContentError::InTheWay {
            path: entry.path.to_string(),
            reason: "it is a directory with something in it, and a file is to be there",
        }),
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
    // A second name of some other file of the pod must not change hands.
    if stat.links > 1 {
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
    write: impl FnOnce(&File) -> Result<(), ContentError>,
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
    let result = write(file)
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
    file: &File,
    entry: &Entry,
    (index, hash): (u64, &ContentHash),
    buffer: &mut Vec<u8>,
) -> Result<(), ContentError> {
    let size = match &entry.kind {
        Kind::File { size, .. } => *size,
        Kind::Dir | Kind::Symlink { .. } => 0,
    };
    let (offset, len) = (index * CHUNK_LEN, chunk_len(size, index));
    if size > CHUNK_LEN && len == CHUNK_LEN && hash == zero_chunk() {
        // The file was given its length before: here it is a hole.
        return Ok(());
    }
    if let Some(source) = raw_object(site.store, hash, len)? {
        return copy(site, &source, file, (offset, len), buffer)
            .map_err(ContentError::on("write", entry.path.as_path()));
    }
    let bytes = site.store.get(hash)?;
    if bytes.len() as u64 != len {
        return Err(wrong_length(hash, &bytes));
    }
    file.write_all_at(&bytes, offset)
        .map_err(ContentError::on("write", entry.path.as_path()))
}

/// Opens a large chunk that needs no decoding, if it has the length that it should.
fn raw_object(
    store: &ContentStore,
    hash: &ContentHash,
    len: u64,
) -> Result<Option<File>, ContentError> {
    let Some(file) = store.open_raw(hash)? else {
        return Ok(None);
    };
    // One of another length is read and hashed like a packed one, which names what is wrong.
    let found = file.metadata().is_ok_and(|meta| meta.len() == len);
    Ok(found.then_some(file))
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

/// Copies a whole file into another at an offset, inside the kernel where it can.
fn copy(
    site: &Site<'_>,
    from: &File,
    to: &File,
    (offset, len): (u64, u64),
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    let mut done = 0;
    while done < len && site.kernel_copies.load(Ordering::Relaxed) {
        let (mut at_from, mut at_to) = (done, offset + done);
        let more = usize::try_from(len - done).unwrap_or(usize::MAX);
        match rustix::fs::copy_file_range(from, Some(&mut at_from), to, Some(&mut at_to), more) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => done += count as u64,
            Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM) => {
                // Two file systems, mostly; it will be the same for every other file.
                site.kernel_copies.store(false, Ordering::Relaxed);
            }
            Err(error) => return Err(error.into()),
        }
    }
    buffer.resize(PIECE_LEN, 0);
    while done < len {
        let more = usize::try_from(len - done)
            .unwrap_or(usize::MAX)
            .min(PIECE_LEN);
        from.read_exact_at(&mut buffer[..more], done)?;
        to.write_all_at(&buffer[..more], offset + done)?;
        done += more as u64;
    }
    Ok(())
}

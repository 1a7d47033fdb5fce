//! Reading and hashing files below a directory, all processors at once.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use livery_units::ContentHash;
use rustix::io::Errno;

use crate::chunk::{CHUNK_LEN, HashedPart, PartHasher, chunk_count, chunk_len, merge_parts};
use crate::confined::{self, FileKind, FileStat};
use crate::{ContentError, ContentStore, Entry, Kind, RelPath, hash_bytes, parallel};

/// A file may grow this much, or to twice its size, between being found and being read. Without a
/// bound a pod could swap a small file for one that is never read to its end.
const GROWTH: u64 = 64 << 20;

/// How much is read at a time where it is hashed at once; fits the processor's cache.
const PIECE_LEN: usize = 256 << 10;

/// What to do with the bytes besides hashing them.
#[derive(Clone, Copy)]
pub(crate) enum Keep<'a> {
    /// Nothing; they are read again when somebody asks for them.
    Nothing,
    /// Put them into a store at once, since the file may change or go.
    InStore(&'a ContentStore),
}

/// A file to read, with the size that it had when it was found.
pub(crate) struct Candidate {
    pub(crate) path: RelPath,
    pub(crate) size: u64,
}

/// What reading one file came to.
pub(crate) enum Outcome {
    /// It was read whole.
    Read(Hashed),
    /// It changed while being read, twice.
    Changed,
    /// It is gone, or something else took its place.
    Gone,
}

/// A file that was read whole.
#[derive(Debug, Clone)]
pub(crate) struct Hashed {
    pub(crate) stat: FileStat,
    pub(crate) chunks: Vec<ContentHash>,
    pub(crate) whole: ContentHash,
}

impl Hashed {
    /// Makes the entry of the file.
    pub(crate) fn into_entry(self, path: RelPath) -> Entry {
        Entry {
            path,
            mode: self.stat.mode,
            mtime_ns: self.stat.mtime_ns,
            kind: Kind::File {
                size: self.stat.size,
                chunks: self.chunks,
                whole: self.whole,
            },
        }
    }
}

/// Reads files: small ones side by side, the chunks of each large one side by side.
pub(crate) fn read_files(
    base: BorrowedFd<'_>,
    candidates: &[Candidate],
    keep: Keep<'_>,
) -> Result<Vec<Outcome>, ContentError> {
    let indexes = 0..candidates.len();
    let (small, large): (Vec<_>, Vec<_>) =
        indexes.partition(|index| candidates[*index].size <= CHUNK_LEN);
    let mut outcomes: Vec<Option<Outcome>> = Vec::new();
    outcomes.resize_with(candidates.len(), || None);
    let read = parallel::map(&small, Vec::new, |buffer, index| {
        read_file(base, &candidates[*index], keep, Width::One(buffer))
    })?;
    for (index, outcome) in small.into_iter().zip(read) {
        outcomes[index] = Some(outcome);
    }
    for index in large {
        let outcome = read_file(base, &candidates[index], keep, Width::All)?;
        outcomes[index] = Some(outcome);
    }
    // Every index was in one of the two lists.
    Ok(outcomes.into_iter().flatten().collect())
}

/// Reads one chunk of a file that was hashed before; `None` if it has another content now.
pub(crate) fn read_chunk_again(
    base: BorrowedFd<'_>,
    path: &RelPath,
    before: &FileStat,
    (index, hash): (u64, &ContentHash),
) -> Result<Option<Vec<u8>>, ContentError> {
    let Some((file, stat)) = open(base, path)? else {
        return Ok(None);
    };
    let mut buffer = Vec::new();
    if stat.size != before.size || !fill(&file, path, stat.size, index, &mut buffer)? {
        return Ok(None);
    }
    // Nobody can set a ctime, so a file that still has its own needs no second hashing. One with
    // another may just have been renamed.
    let after = confined::fstat(&file).map_err(ContentError::on("read", path.as_path()))?;
    let untouched = after == *before;
    Ok((untouched || hash_bytes(&buffer) == *hash).then_some(buffer))
}

/// Who reads a file.
enum Width<'a> {
    /// This thread alone, with its buffer.
    One(&'a mut Vec<u8>),
    /// All threads, each a chunk at a time.
    All,
}

fn read_file(
    base: BorrowedFd<'_>,
    candidate: &Candidate,
    keep: Keep<'_>,
    mut width: Width<'_>,
) -> Result<Outcome, ContentError> {
    let path = &candidate.path;
    let size_limit = candidate.size.max(GROWTH).saturating_mul(2);
    for _attempt in 0..2 {
        let Some((file, stat)) = open(base, path)? else {
            return Ok(Outcome::Gone);
        };
        if stat.size > size_limit {
            return Ok(Outcome::Changed);
        }
        let hashed = match (&mut width, chunk_count(stat.size)) {
            (Width::One(buffer), 0 | 1) => read_small(&file, path, stat, keep, buffer)?,
            (Width::One(_) | Width::All, _) => read_large(&file, path, stat, keep)?,
        };
        let after = confined::fstat(&file).map_err(ContentError::on("read", path.as_path()))?;
        match hashed {
            // A file that was renamed or linked meanwhile has another ctime but the same content.
            Some(hashed) if after.size == stat.size && after.mtime_ns == stat.mtime_ns => {
                return Ok(Outcome::Read(hashed));
            }
            Some(_) | None => {}
        }
    }
    Ok(Outcome::Changed)
}

fn read_small(
    file: &File,
    path: &RelPath,
    stat: FileStat,
    keep: Keep<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Option<Hashed>, ContentError> {
    if !fill(file, path, stat.size, 0, buffer)? {
        return Ok(None);
    }
    let whole = hash_bytes(buffer);
    let chunks = match buffer.is_empty() {
        true => Vec::new(),
        false => {
            keep_chunk(keep, &whole, buffer)?;
            vec![whole]
        }
    };
    Ok(Some(Hashed {
        stat,
        chunks,
        whole,
    }))
}

fn read_large(
    file: &File,
    path: &RelPath,
    stat: FileStat,
    keep: Keep<'_>,
) -> Result<Option<Hashed>, ContentError> {
    let indexes: Vec<u64> = (0..chunk_count(stat.size)).collect();
    let parts = parallel::map(&indexes, Vec::new, |buffer, index| {
        read_part(file, path, stat.size, *index, keep, buffer)
    })?;
    let Some(parts) = parts.into_iter().collect::<Option<Vec<HashedPart>>>() else {
        return Ok(None);
    };
    let chunks: Vec<_> = parts.iter().map(|part| part.hash).collect();
    let whole = merge_parts(&parts).or_else(|| chunks.first().copied());
    Ok(Some(Hashed {
        stat,
        chunks,
        whole: whole.unwrap_or_else(|| hash_bytes(b"")),
    }))
}

/// Hashes one chunk while it is read; `None` if the file ended before it should.
fn read_part(
    file: &File,
    path: &RelPath,
    file_len: u64,
    index: u64,
    keep: Keep<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Option<HashedPart>, ContentError> {
    let len = usize::try_from(chunk_len(file_len, index)).unwrap_or(usize::MAX);
    buffer.resize(
        match keep {
            Keep::Nothing => len.min(PIECE_LEN),
            Keep::InStore(_) => len,
        },
        0,
    );
    let mut hasher = PartHasher::new(index);
    let mut done = 0;
    while done < len {
        let more = (len - done).min(PIECE_LEN);
        let piece = match keep {
            Keep::Nothing => &mut buffer[..more],
            Keep::InStore(_) => &mut buffer[done..done + more],
        };
        if !read_at(file, path, piece, index * CHUNK_LEN + done as u64)? {
            return Ok(None);
        }
        hasher.update(piece);
        done += more;
    }
    let part = hasher.finish();
    keep_chunk(keep, &part.hash, buffer)?;
    Ok(Some(part))
}

fn keep_chunk(keep: Keep<'_>, hash: &ContentHash, bytes: &[u8]) -> Result<(), ContentError> {
    match keep {
        Keep::Nothing => Ok(()),
        Keep::InStore(store) => store.put_hashed(hash, bytes),
    }
}

/// Opens a regular file; `None` if there is none (any more).
fn open(base: BorrowedFd<'_>, path: &RelPath) -> Result<Option<(File, FileStat)>, ContentError> {
    let file: OwnedFd = match confined::open_file(base, path.as_path()) {
        Ok(file) => file,
        // A link where a file or a directory was, a device without a driver, a socket.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::NXIO) => {
            return Ok(None);
        }
        Err(error) => return Err(ContentError::io("read", path.as_path(), error.into())),
    };
    let stat = confined::fstat(&file).map_err(ContentError::on("read", path.as_path()))?;
    match stat.kind {
        FileKind::File => Ok(Some((file.into(), stat))),
        FileKind::Dir | FileKind::Symlink | FileKind::Special(_) => Ok(None),
    }
}

/// Reads one chunk whole; false if the file ended before it should.
fn fill(
    file: &File,
    path: &RelPath,
    file_len: u64,
    index: u64,
    buffer: &mut Vec<u8>,
) -> Result<bool, ContentError> {
    let len = usize::try_from(chunk_len(file_len, index)).unwrap_or(usize::MAX);
    buffer.resize(len, 0);
    read_at(file, path, buffer, index * CHUNK_LEN)
}

fn read_at(
    file: &File,
    path: &RelPath,
    buffer: &mut [u8],
    offset: u64,
) -> Result<bool, ContentError> {
    match file.read_exact_at(buffer, offset) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(ContentError::io("read", path.as_path(), error)),
    }
}

//! Reading and hashing files below a directory, all processors at once.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use blake3::Hasher;
use livery_units::ContentHash;
use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::chunk::{CHUNK_LEN, chunk_count, chunk_len, zero_chunk};
use crate::confined::{self, FileKind, FileStat};
use crate::{ContentError, ContentStore, Entry, Halt, Kind, RelPath, hash_bytes, parallel};

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
    /// There is no room to keep it.
    NoRoom,
}

/// A file that was read whole.
#[derive(Debug, Clone)]
pub(crate) struct Hashed {
    pub(crate) stat: FileStat,
    pub(crate) chunks: Vec<ContentHash>,
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
            },
        }
    }
}

/// Reads files below a directory.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) base: BorrowedFd<'a>,
    pub(crate) keep: Keep<'a>,
    pub(crate) halt: &'a Halt,
}

impl Reading<'_> {
    /// Reads files: small ones side by side, the chunks of each large one side by side.
    pub(crate) fn files(self, candidates: &[Candidate]) -> Result<Vec<Outcome>, ContentError> {
        let indexes = 0..candidates.len();
        let (small, large): (Vec<_>, Vec<_>) =
            indexes.partition(|index| candidates[*index].size <= CHUNK_LEN);
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        outcomes.resize_with(candidates.len(), || None);
        let read = parallel::map(&small, Vec::new, |buffer, index| {
            self.file(&candidates[*index], Width::One(buffer))
        })?;
        for (index, outcome) in small.into_iter().zip(read) {
            outcomes[index] = Some(outcome);
        }
        for index in large {
            outcomes[index] = Some(self.file(&candidates[index], Width::All)?);
        }
        // Every index was in one of the two lists.
        Ok(outcomes.into_iter().flatten().collect())
    }

    fn file(self, candidate: &Candidate, width: Width<'_>) -> Result<Outcome, ContentError> {
        match self.try_file(candidate, width) {
            // Another may still fit: what is known of this one's size is no reason to give all up.
            Err(ContentError::DiskFull { .. }) => Ok(Outcome::NoRoom),
            other => other,
        }
    }

    fn try_file(
        self,
        candidate: &Candidate,
        mut width: Width<'_>,
    ) -> Result<Outcome, ContentError> {
        let path = &candidate.path;
        let size_limit = candidate.size.max(GROWTH).saturating_mul(2);
        for _attempt in 0..2 {
            self.halt.check()?;
            let Some((file, stat)) = open(self.base, path)? else {
                return Ok(Outcome::Gone);
            };
            if stat.size > size_limit {
                return Ok(Outcome::Changed);
            }
            let chunks = match (&mut width, chunk_count(stat.size)) {
                (Width::One(buffer), 0 | 1) => self.small(&file, path, stat.size, buffer)?,
                (Width::One(_) | Width::All, _) => self.large(&file, path, stat.size)?,
            };
            let after = confined::fstat(&file).map_err(ContentError::on("read", path.as_path()))?;
            match chunks {
                // A file that was renamed or linked meanwhile has another ctime but the same content.
                Some(chunks) if after.size == stat.size && after.mtime_ns == stat.mtime_ns => {
                    return Ok(Outcome::Read(Hashed { stat, chunks }));
                }
                Some(_) | None => {}
            }
        }
        Ok(Outcome::Changed)
    }

    fn small(
        self,
        file: &File,
        path: &RelPath,
        len: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Vec<ContentHash>>, ContentError> {
        if !fill(file, path, len, 0, buffer)? {
            return Ok(None);
        }
        if buffer.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let hash = hash_bytes(buffer);
        self.keep.chunk(&hash, buffer)?;
        Ok(Some(vec![hash]))
    }

    fn large(
        self,
        file: &File,
        path: &RelPath,
        len: u64,
    ) -> Result<Option<Vec<ContentHash>>, ContentError> {
        let indexes: Vec<u64> = (0..chunk_count(len)).collect();
        let chunks = parallel::map(&indexes, Vec::new, |buffer, index| {
            self.part(file, path, len, *index, buffer)
        })?;
        Ok(chunks.into_iter().collect())
    }

    /// Hashes one chunk while it is read; `None` if the file ended before it should.
    fn part(
        self,
        file: &File,
        path: &RelPath,
        file_len: u64,
        index: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<ContentHash>, ContentError> {
        self.halt.check()?;
        let offset = index * CHUNK_LEN;
        if chunk_len(file_len, index) == CHUNK_LEN && is_hole(file, offset) {
            self.keep.zeros()?;
            return Ok(Some(*zero_chunk()));
        }
        let len = usize::try_from(chunk_len(file_len, index)).unwrap_or(usize::MAX);
        buffer.resize(
            match self.keep {
                Keep::Nothing => len.min(PIECE_LEN),
                Keep::InStore(_) => len,
            },
            0,
        );
        let mut hasher = Hasher::new();
        let mut done = 0;
        while done < len {
            let more = (len - done).min(PIECE_LEN);
            let piece = match self.keep {
                Keep::Nothing => &mut buffer[..more],
                Keep::InStore(_) => &mut buffer[done..done + more],
            };
            if !read_at(file, path, piece, offset + done as u64)? {
                return Ok(None);
            }
            hasher.update(piece);
            done += more;
        }
        let hash = ContentHash::from_bytes(*hasher.finalize().as_bytes());
        self.keep.chunk(&hash, buffer)?;
        Ok(Some(hash))
    }
}

impl Keep<'_> {
    fn chunk(self, hash: &ContentHash, bytes: &[u8]) -> Result<(), ContentError> {
        match self {
            Self::Nothing => Ok(()),
            Self::InStore(store) => store.put_hashed(hash, bytes),
        }
    }

    /// Keeps a whole chunk of zeros.
    fn zeros(self) -> Result<(), ContentError> {
        match self {
            Self::Nothing => Ok(()),
            // Asked like this, it counts as used now.
            Self::InStore(store) if store.missing(&[*zero_chunk()]).is_empty() => Ok(()),
            Self::InStore(store) => {
                let zeros = vec![0; usize::try_from(CHUNK_LEN).unwrap_or_default()];
                store.put_hashed(zero_chunk(), &zeros)
            }
        }
    }
}

/// Says whether a whole chunk of a file is a hole, which takes no room on the disk and no time to read.
/// A file system that does not know its holes has none.
fn is_hole(file: &File, offset: u64) -> bool {
    match rustix::fs::seek(file, SeekFrom::Data(offset)) {
        Ok(data) => data >= offset + CHUNK_LEN,
        // Nothing but a hole follows. A file that was cut since has another size, which is noticed.
        Err(error) => error == Errno::NXIO,
    }
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

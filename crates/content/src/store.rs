//! The content store: blobs by hash in one directory, owned by one process.
//!
//! ```text
//! store/
//!   lock               held by the process that has the store open
//!   state              which boot of the machine wrote here, and when all of it was last flushed
//!   objects/ab/abcd…   large blobs, one file each; `.zst` behind the name of a compressed one
//!   packs/00000001.pack, .idx   small blobs, one after the other
//!   tmp/               large blobs being written
//! ```
//!
//! A blob is there or it is not: objects are renamed into place, and a record of a pack counts only
//! when it is whole. What a killed process or a stopped machine left half-written is found when the
//! store is opened ([`Recovery`]) and dropped; the sender simply sends it again.

mod gc;
mod objects;
mod pack_file;
mod packs;
mod recovery;
mod room;
mod trees;

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use livery_units::{Bytes as Size, ContentHash};

pub use gc::GcReport;
pub use recovery::Recovery;

use crate::encoding::{compress, decode};
use crate::{Compression, ContentError, Encoding, Frame, MAX_FRAME_LEN, hash_bytes, parallel};
use objects::Objects;
use packs::Packs;

/// Blobs of at least this many bytes (as written) are files of their own.
const OBJECT_MIN_LEN: usize = 64 << 10;

/// Blobs by hash, in a directory that this process owns.
///
/// All methods may be called from several threads at once.
#[derive(Debug)]
pub struct ContentStore {
    dir: PathBuf,
    objects: Objects,
    packs: Packs,
    compression: Compression,
    recovery: Recovery,
    /// Held for reading while a blob is found or written, for writing while one is swept away.
    sweeping: RwLock<()>,
    /// Dropped last: the lock goes when everything else is done.
    _lock: File,
}

impl ContentStore {
    /// Opens the store in a directory, making it if it is not there.
    ///
    /// `compression` applies to [`ContentStore::put`]; frames are kept as they come.
    pub fn open(dir: &Path, compression: Compression) -> Result<Self, ContentError> {
        for part in ["", "objects", "packs", "tmp"] {
            let path = dir.join(part);
            fs::create_dir_all(&path).map_err(ContentError::on("create", &path))?;
        }
        let lock = lock(dir)?;
        let mut recovery = Recovery::begin(dir)?;
        let objects = Objects::open(dir, &mut recovery)?;
        let packs = Packs::open(&dir.join("packs"), &mut recovery)?;
        recovery.finish(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            objects,
            packs,
            compression,
            recovery,
            sweeping: RwLock::new(()),
            _lock: lock,
        })
    }

    /// Returns what opening found half-written and dropped.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Keeps plain bytes and returns their name.
    pub fn put(&self, bytes: &[u8]) -> Result<ContentHash, ContentError> {
        let hash = hash_bytes(bytes);
        self.put_hashed(&hash, bytes)?;
        Ok(hash)
    }

    /// Keeps a frame that came from elsewhere after checking its body against its name.
    pub fn put_frame(&self, frame: &Frame) -> Result<(), ContentError> {
        let plain_len = frame.unpack()?.len();
        self.put_unpacked(frame, plain_len)
    }

    /// Keeps a frame whose body was checked, and which has so many bytes unpacked.
    pub(crate) fn put_unpacked(&self, frame: &Frame, plain_len: usize) -> Result<(), ContentError> {
        let _here = self.not_sweeping();
        match self.touch_sized(frame.hash(), plain_len) {
            Presence::Here => Ok(()),
            Presence::Absent => {
                self.ensure_room()?;
                self.write(frame.hash(), frame.encoding(), frame.body())
            }
        }
    }

    /// Keeps bytes whose name was just computed from them, if there is room.
    pub(crate) fn put_hashed(&self, hash: &ContentHash, bytes: &[u8]) -> Result<(), ContentError> {
        self.put_named(hash, bytes, Share::Room)
    }

    fn put_named(
        &self,
        hash: &ContentHash,
        bytes: &[u8],
        share: Share,
    ) -> Result<(), ContentError> {
        if bytes.len() > MAX_FRAME_LEN {
            return Err(ContentError::TooLarge(Size::new(bytes.len() as u64)));
        }
        let _here = self.not_sweeping();
        match self.touch_sized(hash, bytes.len()) {
            Presence::Here => return Ok(()),
            Presence::Absent => {}
        }
        match share {
            Share::Room => self.ensure_room()?,
            Share::Reserve => {}
        }
        match compress(bytes, self.compression) {
            Some(packed) => self.write(hash, Encoding::Zstd, &packed),
            None => self.write(hash, Encoding::Raw, bytes),
        }
    }

    /// Returns which of these blobs are not here, each once.
    ///
    /// Those that are here count as used now, so that a sweep with a minimum age spares them.
    pub fn missing(&self, hashes: &[ContentHash]) -> Vec<ContentHash> {
        let _here = self.not_sweeping();
        let mut seen = std::collections::HashSet::with_capacity(hashes.len());
        let first = hashes.iter().filter(|hash| seen.insert(**hash));
        let absent = first.filter(|hash| match self.touch(hash) {
            Presence::Here => false,
            Presence::Absent => true,
        });
        absent.copied().collect()
    }

    /// Says whether a blob is here.
    pub fn contains(&self, hash: &ContentHash) -> bool {
        self.packs.contains(hash) || self.objects.find(hash).is_some()
    }

    /// Returns the plain bytes of a blob after checking them against its name.
    pub fn get(&self, hash: &ContentHash) -> Result<Bytes, ContentError> {
        let (encoding, body) = self.read(hash)?;
        decode(hash, encoding, body)
    }

    /// Returns a blob as it is kept, for sending on; who receives it checks it.
    pub fn get_frame(&self, hash: &ContentHash) -> Result<Frame, ContentError> {
        let (encoding, body) = self.read(hash)?;
        Ok(Frame::from_parts(*hash, encoding, body))
    }

    /// Checks blobs, drops those that are damaged and returns their names; absent ones count too.
    ///
    /// This is how a store gets well after a disk went bad: what was dropped can be sent again.
    pub fn verify(&self, hashes: &[ContentHash]) -> Result<Vec<ContentHash>, ContentError> {
        let check = |(): &mut (), hash: &ContentHash| match self.get(hash) {
            Ok(_) => Ok(None),
            Err(ContentError::Missing { .. }) => Ok(Some(*hash)),
            Err(ContentError::HashMismatch { .. } | ContentError::Undecodable { .. }) => {
                self.objects.remove(hash)?;
                self.packs.forget(hash);
                Ok(Some(*hash))
            }
            Err(error) => Err(error),
        };
        let bad = parallel::map(hashes, || (), check)?;
        Ok(bad.into_iter().flatten().collect())
    }

    /// Waits until everything written so far would outlast a power cut.
    ///
    /// Without this a power cut costs at most what was written since; see [`Recovery`].
    pub fn flush(&self) -> Result<(), ContentError> {
        recovery::flush(&self.dir)
    }

    fn read(&self, hash: &ContentHash) -> Result<(Encoding, Bytes), ContentError> {
        match self.packs.read(hash)? {
            Some(found) => Ok(found),
            None => self
                .objects
                .read(hash)?
                .ok_or(ContentError::Missing { hash: *hash }),
        }
    }

    fn write(
        &self,
        hash: &ContentHash,
        encoding: Encoding,
        body: &[u8],
    ) -> Result<(), ContentError> {
        match body.len() >= OBJECT_MIN_LEN {
            true => self.objects.write(hash, encoding, body),
            false => self.packs.append(hash, encoding, body),
        }
    }

    fn touch(&self, hash: &ContentHash) -> Presence {
        match self.packs.touch(hash) {
            Presence::Here => Presence::Here,
            Presence::Absent => self.objects.touch(hash),
        }
    }

    /// Like `touch`, without asking the file system about blobs too small to be files of their own.
    fn touch_sized(&self, hash: &ContentHash, plain_len: usize) -> Presence {
        match plain_len < OBJECT_MIN_LEN {
            true => self.packs.touch(hash),
            false => self.touch(hash),
        }
    }

    fn not_sweeping(&self) -> RwLockReadGuard<'_, ()> {
        self.sweeping.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much of the disk a blob may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    /// What is left to the store.
    Room,
    /// The reserve too: it is the list of what is kept already, and small.
    Reserve,
}

/// Whether a blob is in a part of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Here,
    Absent,
}

/// Takes the store for this process; the kernel gives it back however the process ends.
fn lock(dir: &Path) -> Result<File, ContentError> {
    let path = dir.join("lock");
    let open = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let mut file = open.map_err(ContentError::on("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // The number is for the message alone; without it the message says "unknown".
            let _ = file.read_to_string(&mut owner);
            return Err(ContentError::StoreBusy {
                dir: dir.to_owned(),
                owner: match owner.trim() {
                    "" => "unknown".to_owned(),
                    owner => owner.to_owned(),
                },
            });
        }
        Err(TryLockError::Error(error)) => return Err(ContentError::io("lock", &path, error)),
    }
    // Opening a store must work on a full disk, so a number that does not fit is no error.
    let _ = file
        .set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

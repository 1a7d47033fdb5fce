//! Writing a tree into a pod.

mod dirs;
mod files;
mod identity;
mod links;

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Gid, Timespec, Timestamps, UTIME_OMIT, Uid};

use crate::chunk::CHUNK_LEN;
use crate::{ContentError, ContentStore, Entry, Halt, Kind, Manifest, parallel};

/// Who owns what is written: numbers as they are outside the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Owner {
    /// Returns who this process acts as.
    pub fn current() -> Self {
        Self {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }

    fn ids(self) -> (Option<Uid>, Option<Gid>) {
        (Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
    }
}

/// Where a tree goes.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The root directory of the pod, which nothing leaves whatever its user has planted there.
    pub root: BorrowedFd<'a>,
    /// The directory inside it; made if it is not there, with its parents.
    pub path: &'a Path,
    /// Who owns what is written.
    pub owner: Owner,
}

/// What writing a tree did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Files written.
    pub files_written: u64,
    /// Files that were there with the same size and time.
    pub files_kept: u64,
    /// Bytes of the files that were written.
    pub bytes_written: u64,
}

/// Writes a tree; all its content must be in the store.
///
/// Files that are there with the same size and time are kept, as `rsync` does; others are replaced
/// in one step. What is there and not in the tree stays. Symbolic links of the pod are followed on
/// the way to `target.path`, inside the pod's root; within the tree they are replaced.
pub fn materialise(
    store: &ContentStore,
    manifest: &Manifest,
    target: &Target<'_>,
    halt: &Halt,
) -> Result<Written, ContentError> {
    identity::run_as(target.owner, || write_tree(store, manifest, target, halt))
}

fn write_tree(
    store: &ContentStore,
    manifest: &Manifest,
    target: &Target<'_>,
    halt: &Halt,
) -> Result<Written, ContentError> {
    let base = dirs::make_base(target)?;
    let site = Site {
        store,
        base: base.as_fd(),
        owner: target.owner,
        halt,
        files_written: AtomicU64::new(0),
        files_kept: AtomicU64::new(0),
        bytes_written: AtomicU64::new(0),
    };
    dirs::make(&site, manifest)?;
    let (small, large) = batches(manifest);
    parallel::map(&small, || (), |(), batch| write_batch(&site, batch))?;
    for entry in large {
        files::write_large(&site, entry)?;
    }
    dirs::finish(&site, manifest)?;
    Ok(Written {
        files_written: site.files_written.into_inner(),
        files_kept: site.files_kept.into_inner(),
        bytes_written: site.bytes_written.into_inner(),
    })
}

/// What all threads that write a tree share.
struct Site<'a> {
    store: &'a ContentStore,
    base: BorrowedFd<'a>,
    owner: Owner,
    halt: &'a Halt,
    files_written: AtomicU64,
    files_kept: AtomicU64,
    bytes_written: AtomicU64,
}

impl Site<'_> {
    fn count_written(&self, bytes: u64) {
        self.files_written.fetch_add(1, Ordering::Relaxed);
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    fn count_kept(&self) {
        self.files_kept.fetch_add(1, Ordering::Relaxed);
    }
}

/// Files and links of one directory, few enough that all threads get some.
type Batch<'a> = Vec<&'a Entry>;

const BATCH_LEN: usize = 64;

/// Cuts a tree into batches of small files, and lists the large ones.
fn batches(manifest: &Manifest) -> (Vec<Batch<'_>>, Vec<&Entry>) {
    let mut small: Vec<Batch<'_>> = Vec::new();
    let mut large = Vec::new();
    for entry in manifest.entries() {
        match &entry.kind {
            Kind::Dir => continue,
            Kind::File { size, .. } if *size > CHUNK_LEN => {
                large.push(entry);
                continue;
            }
            Kind::File { .. } | Kind::Symlink { .. } => {}
        }
        let parent = entry.path.parent_bytes();
        match small.last_mut() {
            Some(batch) if batch.len() < BATCH_LEN && batch[0].path.parent_bytes() == parent => {
                batch.push(entry);
            }
            Some(_) | None => small.push(vec![entry]),
        }
    }
    (small, large)
}

fn write_batch(site: &Site<'_>, batch: &Batch<'_>) -> Result<(), ContentError> {
    let Some(first) = batch.first() else {
        return Ok(());
    };
    let dir = dirs::open_parent(site, first)?;
    for entry in batch {
        site.halt.check()?;
        match &entry.kind {
            Kind::File { size, chunks, .. } => {
                files::write_small(site, &dir, entry, (*size, chunks))?;
            }
            Kind::Symlink { target } => links::write(site, &dir, entry, target)?,
            Kind::Dir => {}
        }
    }
    Ok(())
}

/// Makes an error of the operating system name the entry.
fn io(act: &'static str, entry: &Entry) -> impl FnOnce(rustix::io::Errno) -> ContentError {
    ContentError::on(act, entry.path.as_path())
}

fn times(mtime_ns: i64) -> Timestamps {
    const NANOS: i64 = 1_000_000_000;
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: mtime_ns.div_euclid(NANOS),
            tv_nsec: mtime_ns.rem_euclid(NANOS),
        },
    }
}

/// The name of a file while it is written; the same each time, so that what a crash left is found.
fn temporary_name(entry: &Entry) -> String {
    let hash = blake3::hash(entry.path.name().as_encoded_bytes()).to_hex();
    format!(".livery-{}.part", &hash[..16])
}

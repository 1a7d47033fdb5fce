//! Unpacks one layer's tar stream into a directory, as a lower directory for overlayfs.
//!
//! A layer comes from a stranger, and we are root. Every path is resolved by the kernel with
//! `openat2(RESOLVE_IN_ROOT)`, so that neither `..` nor a symbolic link of the layer itself leads
//! outside; files are always created anew; devices, and attributes by which overlayfs itself is
//! steered, are left out. Whiteouts (`.wh.name`, `.wh..wh..opq`) become what overlayfs wants: a
//! character device 0:0, and the attribute `trusted.overlay.opaque`.

mod fence;
mod meta;
mod tree;

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use tar::{Archive, Entry, EntryType};

use crate::error::shown;

pub(crate) use self::fence::{Fence, Gate};
use self::meta::Meta;
use self::tree::Tree;

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Marks of the older aufs, which mean nothing to us.
const AUFS: &[u8] = b".wh..wh.";

const COPY_BUFFER: usize = 128 << 10;

/// Room on the machine's disk that no image may take: on a full disk the disks of all pods break.
const SPARE: u64 = 512 << 20;
/// The same for the number of files, where the file system has such a limit.
const SPARE_FILES: u64 = 10_000;
/// How much is written between two looks at the room that is left.
const LOOK_EVERY: u64 = 16 << 20;
/// What an entry takes besides its content.
const ENTRY_WEIGHT: u64 = 4 << 10;

/// Why a layer was not unpacked.
#[derive(Debug)]
pub(crate) enum UnpackError {
    /// The stream broke or is no tar.
    Stream(io::Error),
    /// An entry would leave the layer.
    Unsafe { entry: String, reason: String },
    /// The disk or the file system refused.
    Write { entry: String, source: io::Error },
}

/// Unpacks a whole stream into the empty directory `root`; returns the bytes of file content.
pub(crate) fn unpack(stream: impl Read, root: &Path) -> Result<u64, UnpackError> {
    let (stream, gate) = Fence::new(stream);
    let mut unpacker = Unpacker {
        gate,
        tree: Tree::open(root).map_err(|e| refused(root, e))?,
        buffer: vec![0; COPY_BUFFER],
        directories: Vec::new(),
        content: 0,
        written: 0,
    };
    let mut archive = Archive::new(stream);
    for entry in archive.entries().map_err(UnpackError::Stream)? {
        unpacker.entry(&mut entry.map_err(UnpackError::Stream)?)?;
        unpacker.gate.headers();
        unpacker
            .count(ENTRY_WEIGHT)
            .map_err(|source| UnpackError::Write {
                entry: "an entry".to_owned(),
                source,
            })?;
    }
    unpacker.finish()
}

struct Unpacker {
    gate: Gate,
    tree: Tree,
    buffer: Vec<u8>,
    /// Directories get their times at the end, since every new entry changes them.
    directories: Vec<(PathBuf, Meta)>,
    /// Bytes of file content.
    content: u64,
    /// Those and what the entries themselves take.
    written: u64,
}

impl Unpacker {
    fn entry<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<(), UnpackError> {
        let raw = entry.path_bytes().into_owned();
        let path = inside(&raw)?;
        let meta = Meta::read(entry).map_err(UnpackError::Stream)?;
        let kind = entry.header().entry_type();
        let Some(name) = path.file_name().map(OsStr::to_owned) else {
            return self.root_itself(kind, meta);
        };
        let fail = |source: Errno| refused(&path, source);
        let parent_path = path.parent().unwrap_or(Path::new(""));
        let parent = self.tree.parent(parent_path).map_err(fail)?;
        if name.as_bytes().starts_with(WHITEOUT) {
            return self.whiteout(&parent, &path, &name);
        }
        if kind.is_dir() {
            self.directory(&parent, &path, &name, meta)
        } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            self.file(&parent, &path, &name, &meta, entry)
        } else if kind.is_symlink() {
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            self.tree
                .replacing(&parent, &name, || {
                    rustix::fs::symlinkat(OsStr::from_bytes(&target), &*parent, &name)
                })
                .and_then(|()| meta.apply_to_link(&parent, &name))
                .map_err(fail)
        } else if kind.is_hard_link() {
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            self.hard_link(&parent, &path, &name, &target)
        } else if kind.is_fifo() {
            self.tree
                .replacing(&parent, &name, || {
                    rustix::fs::mkfifoat(&*parent, &name, Mode::RUSR)
                })
                .and_then(|()| {
                    let fifo = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW;
                    meta.apply(&rustix::fs::openat(&*parent, &name, fifo, Mode::empty())?)
                })
                .map_err(fail)
        } else {
            // Devices are the runtime's to give; the rest are headers without a file.
            tracing::debug!(entry = %path.display(), ?kind, "left out");
            Ok(())
        }
    }

    fn root_itself(&mut self, kind: EntryType, meta: Meta) -> Result<(), UnpackError> {
        if kind.is_dir() {
            meta.apply(self.tree.root())
                .map_err(|e| refused(Path::new("/"), e))?;
            self.directories.push((PathBuf::new(), meta));
        }
        Ok(())
    }

    fn directory(
        &mut self,
        parent: &OwnedFd,
        path: &Path,
        name: &OsStr,
        meta: Meta,
    ) -> Result<(), UnpackError> {
        self.tree
            .make_directory(parent, name)
            .and_then(|made| meta.apply(&made))
            .map_err(|e| refused(path, e))?;
        self.directories.push((path.to_owned(), meta));
        Ok(())
    }

    fn file<R: Read>(
        &mut self,
        parent: &OwnedFd,
        path: &Path,
        name: &OsStr,
        meta: &Meta,
        content: &mut Entry<'_, R>,
    ) -> Result<(), UnpackError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = self
            .tree
            .replacing(parent, name, || {
                rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR)
            })
            .map_err(|e| refused(path, e))?;
        let mut file = std::fs::File::from(made);
        self.gate.content();
        loop {
            let length = match content.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(UnpackError::Stream(e)),
            };
            self.content += length as u64;
            file.write_all(&self.buffer[..length])
                .and_then(|()| self.count(length as u64))
                .map_err(|source| UnpackError::Write {
                    entry: shown(&path.display().to_string()),
                    source,
                })?;
        }
        meta.apply(&file).map_err(|e| refused(path, e))
    }

    /// Counts what was written, and stops in time before the machine's disk is full.
    fn count(&mut self, length: u64) -> io::Result<()> {
        let before = self.written / LOOK_EVERY;
        self.written += length;
        if self.written / LOOK_EVERY == before {
            return Ok(());
        }
        let disk = rustix::fs::fstatvfs(self.tree.root())?;
        let full = disk.f_bavail.saturating_mul(disk.f_frsize) < SPARE;
        // Some file systems make room for files as they need it, and count none.
        let crowded = disk.f_files > 0 && disk.f_favail < SPARE_FILES;
        match full || crowded {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    fn hard_link(
        &mut self,
        parent: &OwnedFd,
        path: &Path,
        name: &OsStr,
        target: &[u8],
    ) -> Result<(), UnpackError> {
        let target = inside(target)?;
        let found = self.tree.find(&target).map_err(|e| refused(path, e))?;
        self.tree
            .replacing(parent, name, || {
                rustix::fs::linkat(&found, "", parent, name, AtFlags::EMPTY_PATH)
            })
            .map_err(|e| refused(path, e))
    }

    fn whiteout(&mut self, parent: &OwnedFd, path: &Path, name: &OsStr) -> Result<(), UnpackError> {
        let bytes = name.as_bytes();
        if bytes == OPAQUE {
            return tree::mark_opaque(parent).map_err(|e| refused(path, e));
        }
        if bytes.starts_with(AUFS) {
            return Ok(());
        }
        let hidden = &bytes[WHITEOUT.len()..];
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(UnpackError::Unsafe {
                entry: shown(&path.display().to_string()),
                reason: "it hides a directory that is not its own".to_owned(),
            });
        }
        self.tree
            .hide(parent, OsStr::from_bytes(hidden))
            .map_err(|e| refused(path, e))
    }

    fn finish(self) -> Result<u64, UnpackError> {
        for (path, meta) in self.directories.iter().rev() {
            match self.tree.existing_directory(path) {
                Ok(found) => meta.apply_times(&found).map_err(|e| refused(path, e))?,
                // A later entry put something else in its place.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(e) => return Err(refused(path, e)),
            }
        }
        Ok(self.content)
    }
}

/// Turns an entry's path into one relative to the layer's root.
fn inside(raw: &[u8]) -> Result<PathBuf, UnpackError> {
    let mut clean = PathBuf::new();
    for part in Path::new(OsStr::from_bytes(raw)).components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            Component::ParentDir => {
                return Err(UnpackError::Unsafe {
                    entry: shown(&String::from_utf8_lossy(raw)),
                    reason: "it climbs with `..`".to_owned(),
                });
            }
        }
    }
    Ok(clean)
}

fn refused(path: &Path, source: Errno) -> UnpackError {
    UnpackError::Write {
        entry: shown(&path.display().to_string()),
        source: source.into(),
    }
}

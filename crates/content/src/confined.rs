//! Opening files below a directory that is not to be trusted.
//!
//! A pod's user may have planted symbolic links anywhere, and may swap a directory for a link at
//! any moment. So nothing here looks at a path and then uses it: every open is one `openat2` call
//! in which the kernel itself refuses to leave the directory.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, StatxAttributes, StatxFlags,
};
use rustix::io::Errno;

use crate::ContentError;
use crate::path::escape;

/// Symbolic links are followed, but as if the root were `/`: for paths that a pod's user names.
const IN_ROOT: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);
/// No symbolic link is followed: for what is inside a tree.
const IN_TREE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);
/// Never waits: what looked like a file may have become a named pipe.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// What the file system says about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStat {
    pub(crate) kind: FileKind,
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
    pub(crate) ctime_ns: i64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) links: u64,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    File,
    Dir,
    Symlink,
    /// Something that has no content to send, with its name.
    Special(&'static str),
}

impl From<Stat> for FileStat {
    fn from(stat: Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Dir,
            FileType::Symlink => FileKind::Symlink,
            FileType::Fifo => FileKind::Special("named pipe"),
            FileType::Socket => FileKind::Special("socket"),
            FileType::CharacterDevice | FileType::BlockDevice => FileKind::Special("device"),
            FileType::Unknown => FileKind::Special("file of an unknown kind"),
        };
        let nanos = |secs: i64, nanos: u64| {
            let nanos = i64::try_from(nanos).unwrap_or(0);
            secs.saturating_mul(1_000_000_000).saturating_add(nanos)
        };
        Self {
            kind,
            dev: stat.st_dev,
            ino: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime_ns: nanos(stat.st_mtime, stat.st_mtime_nsec),
            ctime_ns: nanos(stat.st_ctime, stat.st_ctime_nsec),
            mode: stat.st_mode & crate::manifest::MODE_BITS,
            uid: stat.st_uid,
            gid: stat.st_gid,
            links: stat.st_nlink,
        }
    }
}

/// Opens a directory by a path that its user named; absolute paths and links begin at `root`.
pub(crate) fn open_dir_in_root(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    open(root, path, DIRECTORY, Mode::empty(), IN_ROOT)
}

/// Opens a directory of a tree; the base itself for an empty path.
pub(crate) fn open_dir(base: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let path: &[u8] = match path {
        b"" => b".",
        path => path,
    };
    let path = Path::new(OsStr::from_bytes(path));
    let flags = DIRECTORY.union(OFlags::NOFOLLOW);
    open(base.as_fd(), path, flags, Mode::empty(), IN_TREE)
}

/// Opens a file of a tree for reading.
pub(crate) fn open_file(base: impl AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    open(base.as_fd(), path, FILE, Mode::empty(), IN_TREE)
}

/// Creates a file that must not be there yet.
pub(crate) fn create_file(dir: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR
        .union(OFlags::CREATE)
        .union(OFlags::EXCL)
        .union(OFlags::NOFOLLOW)
        .union(OFlags::CLOEXEC);
    let mode = Mode::RUSR.union(Mode::WUSR);
    open(dir.as_fd(), Path::new(name), flags, mode, IN_TREE)
}

/// Opens a file that was just created once more, for writing past the page cache; `None` if it
/// cannot be done there or the name stands for another file by now.
pub(crate) fn open_direct(dir: impl AsFd, name: &OsStr, created: impl AsFd) -> Option<OwnedFd> {
    let flags = OFlags::WRONLY
        .union(OFlags::DIRECT)
        .union(OFlags::NOFOLLOW)
        .union(OFlags::NONBLOCK)
        .union(OFlags::CLOEXEC);
    let file = open(dir.as_fd(), Path::new(name), flags, Mode::empty(), IN_TREE).ok()?;
    let (one, other) = (fstat(&file).ok()?, fstat(created).ok()?);
    ((one.dev, one.ino) == (other.dev, other.ino)).then_some(file)
}

/// Looks at a name in an open directory without following it.
pub(crate) fn stat(dir: impl AsFd, name: &OsStr) -> Result<FileStat, Errno> {
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(FileStat::from)
}

/// Returns whether a name in an open directory is a directory on which a disk is mounted.
///
/// Asked before a directory is removed: the kernel refuses to remove a mount point of the caller's
/// own mount namespace, and detaches that of any other, such as a pod's, without a word.
pub(crate) fn is_mount_point(dir: impl AsFd, name: &OsStr) -> Result<bool, Errno> {
    let look = |name: &OsStr, flags| rustix::fs::statx(&dir, name, flags, StatxFlags::BASIC_STATS);
    let found = look(name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)?;
    if FileType::from_raw_mode(found.stx_mode.into()) != FileType::Directory {
        return Ok(false);
    }
    let root = StatxAttributes::MOUNT_ROOT;
    if found.stx_attributes_mask.contains(root) {
        return Ok(found.stx_attributes.contains(root));
    }
    // A kernel that does not say so; a disk has a number of its own all the same.
    let around = look(OsStr::new(""), AtFlags::EMPTY_PATH)?;
    let device = |stat: &rustix::fs::Statx| (stat.stx_dev_major, stat.stx_dev_minor);
    Ok(device(&found) != device(&around))
}

/// Looks at an open file.
pub(crate) fn fstat(file: impl AsFd) -> Result<FileStat, Errno> {
    rustix::fs::fstat(file).map(FileStat::from)
}

/// Returns the names of a path inside a root; a leading `/` is the root, `..` is refused.
pub(crate) fn names_in_root(path: &Path) -> Result<Vec<&OsStr>, ContentError> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.push(name),
            Component::ParentDir | Component::Prefix(_) => {
                return Err(ContentError::InvalidPath {
                    path: escape(path.as_os_str().as_bytes()),
                    reason: "`..` is not allowed in it",
                });
            }
        }
    }
    Ok(names)
}

fn open(
    dir: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    mode: Mode,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    /// The kernel asks to try again when something was renamed while it checked for an escape.
    const TRIES: u32 = 64;
    for _ in 1..TRIES {
        match rustix::fs::openat2(dir, path, flags, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
    rustix::fs::openat2(dir, path, flags, mode, resolve)
}

//! The directories of a tree.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{Site, Target, io, times};
use crate::confined::{self, FileKind};
use crate::{ContentError, Entry, Kind, Manifest};

/// Opens the directory that the tree goes to, making what is not there.
pub(super) fn make_base(target: &Target<'_>) -> Result<OwnedFd, ContentError> {
    let names = confined::names_in_root(target.path)?;
    let open = |path: &PathBuf| confined::open_dir_in_root(target.root, path);
    let mut path = PathBuf::new();
    let mut dir = open(&path).map_err(ContentError::on("open", target.path))?;
    for name in names {
        path.push(name);
        dir = match open(&path) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => {
                match rustix::fs::mkdirat(&dir, name, Mode::RWXU) {
                    Ok(()) => open_to_all(&dir, name, target)
                        .map_err(ContentError::on("give away", &path))?,
                    // Somebody else was faster, or it is a link to nowhere, which opening shows.
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(ContentError::io("create", &path, error.into())),
                }
                open(&path).map_err(ContentError::on("open", &path))?
            }
            Err(error) => return Err(ContentError::io("open", &path, error.into())),
        };
    }
    Ok(dir)
}

/// Gives a directory that was just made to its owner, and lets everybody in, whatever our umask.
fn open_to_all(dir: &OwnedFd, name: &OsStr, target: &Target<'_>) -> Result<(), Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    // Before it is given away: who owns it may make it something else.
    rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755))?;
    let (uid, gid) = target.owner.ids();
    rustix::fs::fchown(&made, uid, gid)
}

/// Makes all directories; what is in the way and is no directory is replaced.
pub(super) fn make(site: &Site<'_>, manifest: &Manifest) -> Result<(), ContentError> {
    let mut open: Option<(&[u8], OwnedFd)> = None;
    for entry in manifest.entries() {
        match &entry.kind {
            Kind::Dir => {}
            Kind::File { .. } | Kind::Symlink { .. } => continue,
        }
        site.halt.check()?;
        let parent = entry.path.parent_bytes();
        let dir = match open {
            Some((path, dir)) if path == parent => dir,
            Some(_) | None => open_parent(site, entry)?,
        };
        make_one(site, &dir, entry)?;
        open = Some((parent, dir));
    }
    Ok(())
}

/// Gives directories their modes and times, which writing into them has changed.
pub(super) fn finish(site: &Site<'_>, manifest: &Manifest) -> Result<(), ContentError> {
    // From the inside out: a directory that may not be entered comes after what is in it.
    for entry in manifest.entries().iter().rev() {
        match &entry.kind {
            Kind::Dir => {}
            Kind::File { .. } | Kind::Symlink { .. } => continue,
        }
        let path = entry.path.as_bytes();
        let dir = confined::open_dir(site.base, path).map_err(io("open", entry))?;
        let stat = confined::fstat(&dir).map_err(io("read", entry))?;
        // What was made here is the owner's by now. A directory that was there and is somebody
        // else's stays as it is: on a `host` image it may be this machine's own.
        if stat.uid != site.owner.uid {
            continue;
        }
        if stat.gid != site.owner.gid {
            let (uid, gid) = site.owner.ids();
            rustix::fs::fchown(&dir, uid, gid).map_err(io("give away", entry))?;
        }
        if stat.mode != entry.mode {
            let mode = Mode::from_raw_mode(entry.mode);
            rustix::fs::fchmod(&dir, mode).map_err(io("set the mode of", entry))?;
        }
        if stat.mtime_ns != entry.mtime_ns {
            rustix::fs::futimens(&dir, &times(entry.mtime_ns))
                .map_err(io("set the time of", entry))?;
        }
    }
    Ok(())
}

/// Opens the directory that an entry is in.
pub(super) fn open_parent(site: &Site<'_>, entry: &Entry) -> Result<OwnedFd, ContentError> {
    confined::open_dir(site.base, entry.path.parent_bytes())
        .map_err(io("open the directory of", entry))
}

fn make_one(site: &Site<'_>, dir: &OwnedFd, entry: &Entry) -> Result<(), ContentError> {
    let name = entry.path.name();
    // Open to nobody else until its own mode is set at the end.
    let mkdir = || rustix::fs::mkdirat(dir, name, Mode::RWXU);
    match mkdir() {
        Ok(()) => {}
        Err(Errno::EXIST) => {
            let stat = confined::stat(dir, name).map_err(io("read", entry))?;
            if stat.kind == FileKind::Dir {
                return Ok(());
            }
            rustix::fs::unlinkat(dir, name, AtFlags::empty()).map_err(io("replace", entry))?;
            mkdir().map_err(io("create", entry))?;
        }
        Err(error) => return Err(io("create", entry)(error)),
    }
    let (uid, gid) = site.owner.ids();
    rustix::fs::chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(io("give away", entry))
}

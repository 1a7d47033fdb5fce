//! The symbolic links of a tree.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, symlinkat};
use rustix::io::Errno;

use super::{Site, files, io, temporary_name, times};
use crate::{ContentError, Entry};

/// Makes a link, or replaces in one step what is there.
pub(super) fn write(
    site: &Site<'_>,
    dir: &OwnedFd,
    entry: &Entry,
    target: &[u8],
) -> Result<(), ContentError> {
    let name = entry.path.name();
    match symlinkat(target, dir, name) {
        Ok(()) => return set_attributes(site, dir, entry, name),
        Err(Errno::EXIST) => {}
        Err(error) => return Err(io("create", entry)(error)),
    }
    let there = rustix::fs::readlinkat(dir, name, Vec::new());
    if there.is_ok_and(|there| there.as_bytes() == target) {
        return set_attributes(site, dir, entry, name);
    }
    files::remove_empty_dir(dir, entry)?;
    let tmp = temporary_name(entry);
    let tmp = OsStr::new(&tmp);
    match symlinkat(target, dir, tmp) {
        Ok(()) => {}
        Err(Errno::EXIST) => {
            rustix::fs::unlinkat(dir, tmp, AtFlags::empty()).map_err(io("replace", entry))?;
            symlinkat(target, dir, tmp).map_err(io("create", entry))?;
        }
        Err(error) => return Err(io("create", entry)(error)),
    }
    let renamed = set_attributes(site, dir, entry, tmp)
        .and_then(|()| rustix::fs::renameat(dir, tmp, dir, name).map_err(io("replace", entry)));
    if renamed.is_err() {
        // The error that is on its way says more than one about the leftover would.
        let _ = rustix::fs::unlinkat(dir, tmp, AtFlags::empty());
    }
    renamed
}

fn set_attributes(
    site: &Site<'_>,
    dir: &OwnedFd,
    entry: &Entry,
    name: &OsStr,
) -> Result<(), ContentError> {
    let (uid, gid) = site.owner.ids();
    rustix::fs::chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(io("give away", entry))?;
    rustix::fs::utimensat(dir, name, &times(entry.mtime_ns), AtFlags::SYMLINK_NOFOLLOW)
        .map_err(io("set the time of", entry))
}

//! Deletes directories that strangers filled.
//!
//! The standard library's `remove_dir_all` calls itself for every level and holds a descriptor for each.
//! Links that lead ever deeper let a layer of some kilobytes make tens of thousands of levels: enough to
//! overflow the stack of a thread, which ends the whole process, and does so again at the next start.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Deletes a directory with all that is in it, however deep. No link is followed.
///
/// Nobody else may write to it meanwhile.
pub(crate) fn remove_tree<P: rustix::path::Arg + Copy>(
    parent: impl AsFd,
    name: P,
) -> Result<(), Errno> {
    let top = rustix::fs::openat(&parent, name, DIRECTORY, Mode::empty())?;
    let mut flattening = Flattening { top, moved: 0 };
    // What is moved up while the directory is read may or may not be seen by that reading.
    while flattening.pass()? == Found::Something {}
    rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR)
}

/// The same for a path.
pub(crate) fn remove_path(path: &Path) -> Result<(), Errno> {
    remove_tree(CWD, path)
}

/// Empties a directory by moving what lies deeper to its top, so that it never has three levels to look
/// after.
struct Flattening {
    top: OwnedFd,
    moved: u64,
}

#[derive(PartialEq, Eq)]
enum Found {
    Something,
    Nothing,
}

impl Flattening {
    /// Deletes what is at the top now.
    fn pass(&mut self) -> Result<Found, Errno> {
        let mut found = Found::Nothing;
        for entry in Dir::read_from(&self.top)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_dots(name) {
                continue;
            }
            found = Found::Something;
            if is_directory(&self.top, name, entry.file_type())? {
                let inner = rustix::fs::openat(&self.top, name, DIRECTORY, Mode::empty())?;
                self.empty(&inner)?;
                rustix::fs::unlinkat(&self.top, name, AtFlags::REMOVEDIR)?;
            } else {
                rustix::fs::unlinkat(&self.top, name, AtFlags::empty())?;
            }
        }
        Ok(found)
    }

    /// Deletes the files of a directory and moves its directories to the top.
    fn empty(&mut self, inner: &OwnedFd) -> Result<(), Errno> {
        for entry in Dir::read_from(inner)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_dots(name) {
                continue;
            }
            if is_directory(inner, name, entry.file_type())? {
                self.move_up(inner, name)?;
            } else {
                rustix::fs::unlinkat(inner, name, AtFlags::empty())?;
            }
        }
        Ok(())
    }

    fn move_up(&mut self, from: &OwnedFd, name: &CStr) -> Result<(), Errno> {
        loop {
            self.moved += 1;
            match rustix::fs::renameat(from, name, &self.top, self.moved.to_string()) {
                // The name is taken there. An empty directory of that name is replaced: it was to go.
                Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                other => return other,
            }
        }
    }
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

/// Some file systems do not say in a listing what is what.
fn is_directory(dir: &OwnedFd, name: &CStr, listed: FileType) -> Result<bool, Errno> {
    match listed {
        FileType::Unknown => {
            let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
        }
        known => Ok(known == FileType::Directory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    const LEVELS: usize = 100;

    #[test]
    fn all_below_is_removed_whatever_its_names_and_links_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let kept = place.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "x").unwrap();
        let top = place.path().join("top");
        fs::create_dir(&top).unwrap();
        // Names that the removal might want itself.
        for name in ["1", "2", "3"] {
            fs::create_dir(top.join(name)).unwrap();
            fs::write(top.join(name).join("file"), "x").unwrap();
        }
        fs::write(top.join("4"), "x").unwrap();
        symlink(&kept, top.join("5")).unwrap();
        let mut dir = rustix::fs::openat(CWD, &top, DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..LEVELS {
            rustix::fs::mkdirat(&dir, "d", Mode::RWXU).unwrap();
            rustix::fs::symlinkat(&kept, &dir, "link").unwrap();
            dir = rustix::fs::openat(&dir, "d", DIRECTORY, Mode::empty()).unwrap();
        }
        drop(dir);
        remove_path(&top).unwrap();
        assert!(!top.exists());
        assert!(kept.join("file").exists());
        assert_eq!(remove_path(&top), Err(Errno::NOENT));
        assert_eq!(remove_path(&kept.join("file")), Err(Errno::NOTDIR));
    }
}

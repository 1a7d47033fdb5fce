//! The directory that a layer grows into; nothing here can reach outside it.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, XattrFlags};
use rustix::io::Errno;

use crate::remove::remove_tree;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// A layer's root, with the last parent directory at hand: most entries follow a sibling.
pub(super) struct Tree {
    root: OwnedFd,
    last_parent: Option<(PathBuf, Rc<OwnedFd>)>,
}

impl Tree {
    pub fn open(root: &Path) -> Result<Self, Errno> {
        Ok(Self {
            root: rustix::fs::openat(CWD, root, DIRECTORY, Mode::empty())?,
            last_parent: None,
        })
    }

    pub fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Opens a directory that entries go into, making it where the layer left it out.
    pub fn parent(&mut self, path: &Path) -> Result<Rc<OwnedFd>, Errno> {
        if let Some((known, fd)) = &self.last_parent
            && known == path
        {
            return Ok(Rc::clone(fd));
        }
        let fd = match self.existing_directory(path) {
            Err(Errno::NOENT) => self.make_parents(path)?,
            other => other?,
        };
        let fd = Rc::new(fd);
        self.last_parent = Some((path.to_owned(), Rc::clone(&fd)));
        Ok(fd)
    }

    /// Opens a directory, following links within the layer only.
    pub fn existing_directory(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.resolve(path, DIRECTORY)
    }

    /// Opens what a path names without touching it, and not what it points to.
    pub fn find(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.resolve(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)
    }

    /// Makes something under a name that may be taken: the later entry of a layer wins.
    pub fn replacing<T>(
        &mut self,
        parent: &OwnedFd,
        name: &OsStr,
        make: impl Fn() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        match make() {
            Err(Errno::EXIST) => {
                self.remove(parent, name)?;
                make()
            }
            other => other,
        }
    }

    /// Makes a directory, or opens the one that is there.
    pub fn make_directory(&mut self, parent: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
        let open = || rustix::fs::openat(parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty());
        match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
            Ok(()) => return open(),
            Err(Errno::EXIST) => {}
            Err(e) => return Err(e),
        }
        let there = kind_of(parent, name)?;
        if there == FileType::Directory {
            return open();
        }
        self.remove(parent, name)?;
        rustix::fs::mkdirat(parent, name, Mode::RWXU)?;
        let made = open()?;
        if there == FileType::CharacterDevice {
            // It stood for "what is below is gone", and that stays true of the content.
            mark_opaque(&made)?;
        }
        Ok(made)
    }

    /// Hides what lower layers have under a name. What this layer itself put there stays.
    pub fn hide(&mut self, parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
        let made = rustix::fs::mknodat(
            parent,
            name,
            FileType::CharacterDevice,
            Mode::empty(),
            rustix::fs::makedev(0, 0),
        );
        match made {
            Err(Errno::EXIST) if kind_of(parent, name)? == FileType::Directory => {
                let flags = DIRECTORY | OFlags::NOFOLLOW;
                mark_opaque(&rustix::fs::openat(parent, name, flags, Mode::empty())?)
            }
            Err(Errno::EXIST) => Ok(()),
            other => other,
        }
    }

    /// Looks for the deepest part that is there by halves: links may make one look as long as walking
    /// through tens of thousands of directories.
    fn make_parents(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let parts: Vec<&OsStr> = path.iter().collect();
        let (mut there, mut lacking) = (0, parts.len());
        let mut fd = self.existing_directory(Path::new(""))?;
        while there + 1 < lacking {
            let middle = there.midpoint(lacking);
            match self.existing_directory(&parts[..middle].iter().collect::<PathBuf>()) {
                Err(Errno::NOENT) => lacking = middle,
                found => (fd, there) = (found?, middle),
            }
        }
        for part in &parts[there..] {
            rustix::fs::mkdirat(&fd, *part, Mode::RWXU)?;
            fd = rustix::fs::openat(&fd, *part, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
            // Said again, since the process's umask takes bits away from `mkdirat`.
            rustix::fs::fchmod(&fd, Mode::from_raw_mode(0o755))?;
        }
        Ok(fd)
    }

    fn resolve(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        };
        let how = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        loop {
            // EAGAIN says that the kernel could not rule out a race with a rename.
            match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), how) {
                Err(Errno::AGAIN) => {}
                other => return other,
            }
        }
    }

    fn remove(&mut self, parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
        self.last_parent = None;
        if kind_of(parent, name)? != FileType::Directory {
            return rustix::fs::unlinkat(parent, name, AtFlags::empty());
        }
        remove_tree(parent, name)
    }
}

/// Makes overlayfs show nothing of the lower layers in a directory.
pub(super) fn mark_opaque(directory: &OwnedFd) -> Result<(), Errno> {
    let name = "trusted.overlay.opaque";
    rustix::fs::fsetxattr(directory, name, b"y", XattrFlags::empty())
}

fn kind_of(parent: &OwnedFd, name: &OsStr) -> Result<FileType, Errno> {
    let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

//! Network namespaces that outlive their maker: each is kept by a bind mount on a file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;

use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use rustix::thread::UnshareFlags;

use super::netlink::Netlink;
use super::{Error, sysctl};

/// What `statfs` calls the file system of namespace files.
const NSFS_MAGIC: i64 = 0x6e73_6673;

/// Makes a namespace, keeps it at `path` and returns it with a netlink socket that speaks to it.
///
/// Only a thread can enter a new namespace without taking its whole process along, so a thread is
/// spent on it; the socket belongs to the namespace it was opened in and survives the thread.
pub(super) fn create(path: &Path) -> Result<(OwnedFd, Netlink), Error> {
    let target = path.to_owned();
    let maker = thread::Builder::new().name("netns".to_owned());
    let handle = maker
        .spawn(move || enter_and_keep(&target))
        .map_err(Error::io("start a thread"))?;
    match handle.join() {
        Ok(made) => made,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Returns whether a namespace is kept at `path`.
pub(super) fn exists(path: &Path) -> Result<bool, Error> {
    match rustix::fs::statfs(path) {
        Ok(found) => Ok(found.f_type == NSFS_MAGIC),
        Err(Errno::NOENT) => Ok(false),
        Err(source) => Err(Error::io(format!("look at {}", path.display()))(source)),
    }
}

/// Lets go of the namespace at `path`; the kernel frees it with its last process.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    while exists(path)? {
        rustix::mount::unmount(path, UnmountFlags::DETACH)
            .map_err(Error::io(format!("unmount {}", path.display())))?;
    }
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::io(format!("remove {}", path.display()))(source))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn enter_and_keep(path: &Path) -> Result<(OwnedFd, Netlink), Error> {
    // SAFETY: a new network namespace touches neither memory, nor open files, nor other threads.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }
        .map_err(Error::io("make a network namespace"))?;
    let netns = File::open("/proc/thread-self/ns/net")
        .map_err(Error::io("open the new network namespace"))?;
    sysctl::guard_namespace()?;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::io(format!("create {}", path.display())))?;
    rustix::mount::mount_bind("/proc/thread-self/ns/net", path)
        .map_err(Error::io(format!("keep a namespace at {}", path.display())))?;
    Ok((netns.into(), Netlink::open()?))
}

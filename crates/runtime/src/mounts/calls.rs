//! System calls about mounts and interfaces that no crate of ours wraps.

use std::ffi::CString;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use crate::error::{Context, Error};

/// How much of a mount is taken along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The one mount.
    Mount,
    /// With everything mounted below it.
    Tree,
}

/// Makes a detached copy of what is mounted at `path`.
pub(crate) fn clone_tree(path: &Path, depth: Depth) -> Result<OwnedFd, Error> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if depth == Depth::Tree {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    open_tree(CWD, path, flags).on("take a view of", path)
}

/// Puts a detached mount in its place.
pub(crate) fn place(tree: &OwnedFd, target: &Path) -> Result<(), Error> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(tree.as_fd(), "", CWD, target, flags).on("mount on", target)
}

/// Shows a detached mount's owners as the user namespace sees them: root on disk is root inside.
pub(crate) fn map_owners(tree: &OwnedFd, userns: BorrowedFd<'_>) -> io::Result<()> {
    set_attributes(tree, libc::MOUNT_ATTR_IDMAP, Some(userns))
}

/// Makes a detached mount read-only.
pub(crate) fn protect(tree: &OwnedFd) -> io::Result<()> {
    set_attributes(tree, libc::MOUNT_ATTR_RDONLY, None)
}

fn set_attributes(tree: &OwnedFd, set: u64, userns: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let userns = userns.map_or(Ok(0), |one| u64::try_from(one.as_raw_fd()));
    let attributes = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: userns.map_err(|_| io::ErrorKind::InvalidInput)?,
    };
    // SAFETY: both pointers are to live values, and the size is that of the second.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Makes overlayfs take `path` for removed.
pub(crate) fn whiteout(path: &Path) -> io::Result<()> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the name is a live, terminated string.
    match unsafe { libc::mknod(name.as_ptr(), libc::S_IFCHR, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Raises `lo` in the network namespace of the calling thread.
pub(crate) fn raise_loopback() -> io::Result<()> {
    let socket = std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0))?;
    // SAFETY: an all-zero request is valid; the calls read and write only the request.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
            *to = libc::c_char::from_ne_bytes([*from]);
        }
        let number = socket.as_raw_fd();
        if libc::ioctl(number, libc::SIOCGIFFLAGS, &raw mut request) != 0 {
            return Err(io::Error::last_os_error());
        }
        let up = libc::c_short::try_from(libc::IFF_UP).unwrap_or(1);
        request.ifr_ifru.ifru_flags |= up;
        if libc::ioctl(number, libc::SIOCSIFFLAGS, &raw const request) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

//! Mounted disks that become larger.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use rustix::thread::{CapabilitySet, capabilities};

use crate::error::{Context, Error};

const LOOP_SET_CAPACITY: libc::Ioctl = 0x4C07;
const BLKGETSIZE64: libc::Ioctl = 0x8008_1272;
/// `_IOW('f', 16, __u64)`
const EXT4_IOC_RESIZE_FS: libc::Ioctl = 0x4008_6610;

/// All our file systems are made with blocks of this size.
const BLOCK: u64 = 4_096;

/// Returns whether the kernel lets this process grow a file system that is mounted, as far as its own
/// capabilities say.
pub(crate) fn may_grow_mounted() -> bool {
    let held = capabilities(None);
    held.is_ok_and(|held| held.effective.contains(CapabilitySet::SYS_RESOURCE))
}

/// Has a block device see that its image has become longer.
pub(crate) fn renew_size(device: &Path) -> Result<(), Error> {
    let file = OpenOptions::new().read(true).write(true).open(device);
    let file = file.on("open", device)?;
    // SAFETY: the request takes no argument.
    match unsafe { libc::ioctl(file.as_raw_fd(), LOOP_SET_CAPACITY) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()).on("renew the size of", device),
    }
}

/// Grows the file system that is mounted where the directory is until it fills its device.
pub(crate) fn grow(mounted: impl AsFd, device: &Path) -> Result<(), Error> {
    let file = File::open(device).on("open", device)?;
    let mut bytes = 0_u64;
    // SAFETY: the request writes a number of this size there.
    if unsafe { libc::ioctl(file.as_raw_fd(), BLKGETSIZE64, &raw mut bytes) } != 0 {
        return Err(io::Error::last_os_error()).on("ask for the size of", device);
    }
    let blocks = bytes / BLOCK;
    let number = mounted.as_fd().as_raw_fd();
    // SAFETY: the request reads a number of this size there.
    match unsafe { libc::ioctl(number, EXT4_IOC_RESIZE_FS, &raw const blocks) } {
        0 => Ok(()),
        _ => Err(refused(io::Error::last_os_error(), device)),
    }
}

fn refused(source: io::Error, device: &Path) -> Error {
    match source.kind() {
        io::ErrorKind::PermissionDenied => Error::VolumeMounted,
        _ => Error::Io {
            action: "grow the file system of",
            path: device.to_owned(),
            source,
        },
    }
}

//! Disk images as block devices.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Context, Error};

/// A loop device that goes away when its last user does.
#[derive(Debug)]
pub(super) struct LoopDevice {
    pub path: PathBuf,
    /// Until the disk is mounted this keeps the device.
    _held: File,
}

const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4C82;
const LOOP_CONFIGURE: libc::Ioctl = 0x4C0A;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// The kernel's `struct loop_info64`.
#[repr(C)]
struct LoopInfo {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    sizelimit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// The kernel's `struct loop_config`.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo,
    reserved: [u64; 8],
}

/// How often another user of loop devices may snatch the free one before we give up.
const ATTEMPTS: usize = 64;

/// Makes a block device of a disk image.
pub(super) fn attach(image: &Path) -> Result<LoopDevice, Error> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(image)
        .on("open", image)?;
    let control = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/loop-control");
    let control = control.map_err(|source| Error::Kernel {
        what: "offer loop devices".to_owned(),
        hint: "load the module with `modprobe loop`",
        source,
    })?;
    let mut busy = None;
    for _ in 0..ATTEMPTS {
        // SAFETY: the request takes no argument and returns a number or -1.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
        if number < 0 {
            return Err(io::Error::last_os_error()).during("find a free loop device");
        }
        let path = PathBuf::from(format!("/dev/loop{number}"));
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .on("open", &path)?;
        match configure(&device, &file, image) {
            Ok(()) => {
                return Ok(LoopDevice {
                    path,
                    _held: device,
                });
            }
            // Somebody else was quicker with this one.
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => busy = Some(error),
            Err(error) => return Err(error).on("make a block device of", image),
        }
    }
    Err(busy.unwrap_or_else(|| io::ErrorKind::ResourceBusy.into()))
        .on("make a block device of", image)
}

fn configure(device: &File, image: &File, name: &Path) -> io::Result<()> {
    // The name is only for people who run `losetup`; the kernel shows the whole path elsewhere.
    let mut file_name = [0; 64];
    for (to, from) in file_name[..63].iter_mut().zip(name.as_os_str().as_bytes()) {
        *to = *from;
    }
    let config = LoopConfig {
        fd: u32::try_from(image.as_raw_fd()).map_err(|_| io::ErrorKind::InvalidInput)?,
        block_size: 4096,
        info: LoopInfo {
            device: 0,
            inode: 0,
            rdevice: 0,
            offset: 0,
            sizelimit: 0,
            number: 0,
            encrypt_type: 0,
            encrypt_key_size: 0,
            flags: LO_FLAGS_AUTOCLEAR,
            file_name,
            crypt_name: [0; 64],
            encrypt_key: [0; 32],
            init: [0; 2],
        },
        reserved: [0; 8],
    };
    // SAFETY: the structure is laid out as the kernel's and outlives the call.
    match unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &raw const config) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

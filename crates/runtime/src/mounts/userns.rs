//! The user namespace of a pod: root inside is nobody outside.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::thread::UnshareFlags;

use crate::error::{Context, Error};

/// How many user ids a pod has; programs expect the usual 16 bits.
pub(crate) const IDS: u32 = 65_536;

/// Makes a user namespace in which id 0 is this machine's `first_id`, and so on.
///
/// It is made apart from the container because the mounts that go into the container have to be
/// mapped with it first. A child makes it; the returned descriptor keeps it when the child is gone.
pub(super) fn create(first_id: u32) -> Result<OwnedFd, Error> {
    let (mut ready, mut say_ready) = io::pipe().during("make a pipe")?;
    // SAFETY: the shim has one thread, so the child may use everything it inherits.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the child has one thread and ends without running anybody's destructors.
        unsafe {
            let made = rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER);
            let _ = say_ready.write_all(&[u8::from(made.is_ok())]);
            loop {
                libc::pause();
            }
        }
    }
    drop(say_ready);
    let Some(child) = Pid::from_raw(child).filter(|_| child > 0) else {
        return Err(io::Error::last_os_error()).during("start a helper process");
    };
    let namespace = adopt(child, &mut ready, first_id);
    let _ = kill_process(child, Signal::KILL);
    let _ = waitpid(Some(child), WaitOptions::empty());
    namespace
}

fn adopt(child: Pid, ready: &mut io::PipeReader, first_id: u32) -> Result<OwnedFd, Error> {
    let mut made = [0];
    ready
        .read_exact(&mut made)
        .during("wait for a helper process")?;
    if made != [1] {
        return Err(Error::Kernel {
            what: "make user namespaces".to_owned(),
            hint: "set the sysctl user.max_user_namespaces above zero",
            source: io::ErrorKind::Unsupported.into(),
        });
    }
    let number = child.as_raw_pid();
    let map = format!("0 {first_id} {IDS}");
    for name in ["uid_map", "gid_map"] {
        let path = format!("/proc/{number}/{name}");
        fs::write(&path, &map).on("write", &path)?;
    }
    let path = format!("/proc/{number}/ns/user");
    Ok(fs::File::open(&path).on("open", &path)?.into())
}

//! Work inside a pod's network: a thread of its own enters it and ends with the work.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// Runs `work` in the network of a process. Sockets made there stay in that network wherever they
/// are used later. Blocks.
pub(crate) fn within<T: Send>(
    pid: i32,
    work: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    // Threads of a pool would carry the namespace on to their next work.
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            work()
        });
        let broken = |_| io::Error::other("the thread inside the pod's network broke");
        thread.join().map_err(broken)?
    })
}

//! Writing as the owner of what is written.
//!
//! A pod's disks are id-mapped mounts: the kernel refuses (`EOVERFLOW`) to create anything there for
//! a user that the mapping lacks, and root of this machine is such a user. Files are therefore made
//! by a thread that has the owner's file-system ids. It keeps root's capabilities, so the modes of
//! the tree itself stand in nobody's way.

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::thread::{capabilities, set_capabilities};

use super::Owner;

/// Runs `work` with the file-system ids of `owner`, and so do the threads that it starts.
///
/// The ids belong to a thread, so this is a thread of its own and the caller's stay as they are.
pub(super) fn run_as<T: Send>(owner: Owner, work: impl FnOnce() -> T + Send) -> T {
    let me = Owner::current();
    if (me.uid, me.gid) == (owner.uid, owner.gid) {
        return work();
    }
    let outcome = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            take_on(owner);
            work()
        });
        writer.join()
    });
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Takes the ids on. Who may not do so writes as before, and the kernel says what it thinks of it.
fn take_on(owner: Owner) {
    let before = capabilities(None);
    setfsgid(Gid::from_raw(owner.gid));
    setfsuid(Uid::from_raw(owner.uid));
    // Leaving user 0 drops the capabilities over files from the effective set; they are still
    // permitted.
    if let Ok(sets) = before {
        let _ = set_capabilities(None, sets);
    }
}

//! One process per data directory: a lock that ends with its process, however that ends.

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The lock, held until it is dropped.
pub struct Lock {
    _file: File,
}

/// What came of trying to take a lock.
pub enum Taken {
    /// It is ours.
    Ours(Lock),
    /// A running process has it.
    By {
        /// Its process id, unless it is just starting.
        pid: Option<u32>,
    },
}

impl Lock {
    /// Tries to take a lock, and writes down who has it.
    pub fn take(path: &Path) -> anyhow::Result<Taken> {
        let cannot = || format!("cannot use the lock {}", path.display());
        let mut options = File::options();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let mut file = options.open(path).with_context(cannot)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                file.read_to_string(&mut text).with_context(cannot)?;
                let pid = text.trim().parse().ok();
                return Ok(Taken::By { pid });
            }
            Err(error) => return Err(error).with_context(cannot),
        }
        file.set_len(0).with_context(cannot)?;
        file.rewind().with_context(cannot)?;
        write!(file, "{}", std::process::id()).with_context(cannot)?;
        Ok(Taken::Ours(Self { _file: file }))
    }

    /// Returns the process that has a lock, without taking it for longer than a look.
    pub fn holder(path: &Path) -> anyhow::Result<Option<u32>> {
        if !path.exists() {
            return Ok(None);
        }
        let cannot = || format!("cannot look at the lock {}", path.display());
        let mut file = File::open(path).with_context(cannot)?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                file.read_to_string(&mut text).with_context(cannot)?;
                Ok(text.trim().parse().ok())
            }
            Err(error) => Err(error).with_context(cannot),
        }
    }
}

/// Where the control plane's lock is.
pub fn control_plane(data_dir: &Path) -> PathBuf {
    data_dir.join("serve.lock")
}

/// Where a separate host agent's lock is.
pub fn host_agent(data_dir: &Path) -> PathBuf {
    data_dir.join("host.lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_says_by_whom() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert_eq!(Lock::holder(&path).unwrap(), None);
        let Taken::Ours(held) = Lock::take(&path).unwrap() else {
            panic!("nobody else has it");
        };
        let pid = std::process::id();
        assert_eq!(Lock::holder(&path).unwrap(), Some(pid));
        assert!(matches!(Lock::take(&path).unwrap(), Taken::By { pid: Some(p) } if p == pid));
        drop(held);
        assert_eq!(Lock::holder(&path).unwrap(), None);
        assert!(matches!(Lock::take(&path).unwrap(), Taken::Ours(_)));
    }
}

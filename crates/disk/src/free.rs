//! How much of a disk is free.

use std::io;
use std::path::Path;

/// What is free on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// Bytes.
    pub bytes: u64,
    /// Files that can still be made; file systems that make room for them as needed have no limit.
    pub files: u64,
}

impl Free {
    /// Looks at the disk that a file or directory is on.
    pub fn at(path: &Path) -> io::Result<Self> {
        let disk = rustix::fs::statvfs(path)?;
        Ok(Self {
            bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            files: match disk.f_files {
                0 => u64::MAX,
                _ => disk.f_favail,
            },
        })
    }
}

/// Says whether something failed because there is no room on the disk.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

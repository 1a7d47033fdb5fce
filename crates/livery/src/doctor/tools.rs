//! Programs that pods are made with: mkfs.ext4 and nft.

use super::Finding;
use super::caller::Caller;
use std::path::{Path, PathBuf};

/// Where programs of the system's are that an ordinary user's PATH may leave out.
const SYSTEM_DIRS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

pub(super) fn mkfs(caller: Caller) -> Finding {
    match program("mkfs.ext4") {
        Some(path) => Finding::good("mkfs.ext4", path.display().to_string()),
        None => Finding::bad(
            "mkfs.ext4",
            "not installed: pods' disks are made with it",
            caller.install("e2fsprogs"),
        ),
    }
}

pub(super) fn nft(caller: Caller) -> Finding {
    match program("nft") {
        Some(path) => Finding::good("nftables", path.display().to_string()),
        None => Finding::bad(
            "nftables",
            "not installed: pods' networks are kept apart with it",
            caller.install("nftables"),
        ),
    }
}

/// Finds a program as a shell would, and in the system's own directories.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(SYSTEM_DIRS.iter().map(PathBuf::from));
    let mut files = dirs.map(|dir| dir.join(name));
    files.find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(file);
    metadata.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

//! Programs and processes: sudo, mkfs.ext4, nft, and the control plane itself.

use super::Finding;
use crate::connect;
use crate::settings::{Place, Settings, Start};
use livery_api::Error;
use rustix::process::geteuid;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where programs of the system's are that an ordinary user's PATH may leave out.
const SYSTEM_DIRS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

pub(super) fn privileges() -> Finding {
    const NAME: &str = "privileges";
    if geteuid().is_root() {
        return Finding::good(NAME, "root");
    }
    let Some(sudo) = program("sudo") else {
        return Finding::bad(
            NAME,
            "not root, and there is no sudo",
            "install sudo, or run `livery host` as root",
        );
    };
    let mut command = Command::new(sudo);
    command.args(["-n", "true"]).stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status.is_ok_and(|status| status.success()) {
        true => Finding::good(NAME, "sudo, without a password"),
        false => Finding::limited(
            NAME,
            "sudo may ask for a password when the host agent starts",
            "sudo -v",
        ),
    }
}

pub(super) fn mkfs() -> Finding {
    match program("mkfs.ext4") {
        Some(path) => Finding::good("mkfs.ext4", path.display().to_string()),
        None => Finding::bad(
            "mkfs.ext4",
            "not installed: pods' disks are made with it",
            "apt-get install -y e2fsprogs",
        ),
    }
}

pub(super) fn nft() -> Finding {
    match program("nft") {
        Some(path) => Finding::good("nftables", path.display().to_string()),
        None => Finding::bad(
            "nftables",
            "not installed: pods' networks are kept apart with it",
            "apt-get install -y nftables",
        ),
    }
}

pub(super) fn control_plane(place: &Place) -> Finding {
    const NAME: &str = "control plane";
    let settings = Settings {
        server: None,
        token: None,
        place: place.clone(),
        given_socket: None,
        start: Start::Never,
    };
    let client = connect::own(&settings);
    let asked = crate::cli::on_one_thread(async { Ok(client.version().await) });
    match asked {
        Ok(Ok(version)) => Finding::good(
            NAME,
            format!("version {} runs (process {})", version.version, version.pid),
        ),
        Ok(Err(Error::NoServer { .. })) => Finding::good(
            NAME,
            "none runs; the first command that needs one starts it",
        ),
        Ok(Err(error)) => Finding::limited(NAME, error.to_string(), "livery serve --stop"),
        Err(error) => Finding::limited(NAME, error.to_string(), "livery serve --stop"),
    }
}

/// Finds a program as a shell would, and in the system's own directories.
fn program(name: &str) -> Option<PathBuf> {
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

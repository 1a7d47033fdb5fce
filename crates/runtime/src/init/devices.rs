//! What a device needs done inside the pod before anything runs there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::files;

/// Where the loader is told of directories.
const LOADER_CONFIG: &str = "/etc/ld.so.conf.d/00-livery-devices.conf";

/// How long the loader's cache may take to make, and how often it is looked at.
const LOADER_PATIENCE: Duration = Duration::from_secs(20);
const LOADER_LOOK: Duration = Duration::from_millis(2);

/// What shall be done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chores {
    /// Links: where to, and where.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Directories that the loader shall know.
    pub library_dirs: Vec<PathBuf>,
}

impl Chores {
    /// Does it, as the pod's root and inside the pod, so that nothing an image holds can turn it
    /// against the machine. What fails here shows itself when the device is used.
    pub(super) fn run(&self) {
        for (target, place) in &self.links {
            if let Some(parent) = place.parent() {
                let _ = fs::create_dir_all(parent);
            }
            let _ = symlink(target, place);
        }
        if self.library_dirs.is_empty() {
            return;
        }
        let lines: Vec<String> = self
            .library_dirs
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        if let Some(parent) = Path::new(LOADER_CONFIG).parent() {
            let _ = fs::create_dir_all(parent);
        }
        let _ = files::write(LOADER_CONFIG, &(lines.join("\n") + "\n"));
        // Images with another C library have no such program and need none.
        let started = Command::new("/sbin/ldconfig")
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if let Ok(mut loader) = started {
            wait_bounded(&mut loader);
        }
    }
}

/// Waits for the image's program, which may never end.
fn wait_bounded(loader: &mut Child) {
    let deadline = Instant::now() + LOADER_PATIENCE;
    while matches!(loader.try_wait(), Ok(None)) {
        if Instant::now() > deadline {
            let _ = loader.kill();
            let _ = loader.wait();
            return;
        }
        std::thread::sleep(LOADER_LOOK);
    }
}

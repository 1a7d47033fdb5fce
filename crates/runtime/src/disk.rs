//! Disk images: files that hold a file system of a hard size and take only the room in use.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use livery_units::Bytes;

use crate::disk_template::{self, Found};
use crate::error::{Context, Error};

/// What a disk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Thrown away at stop: no journal, nothing to recover.
    Container,
    /// Kept over stops and crashes of the machine.
    Volume,
}

/// A file system below this has no room left once it is made.
const SMALLEST: Bytes = Bytes::mib(16);

/// Room on the machine's own disk that no pod is promised.
pub const DISK_SPARE: Bytes = Bytes::mib(512);

/// A disk that is being made.
#[derive(Debug)]
pub(crate) struct Formatting(State);

#[derive(Debug)]
enum State {
    /// It was copied from a template.
    Ready,
    /// It is formatted, and becomes the template of its kind.
    Running {
        mkfs: Child,
        disk: PathBuf,
        templates: PathBuf,
        name: String,
    },
}

/// Begins to make a disk; other work can be done until it is ready.
pub(crate) fn begin(
    path: &Path,
    size: Bytes,
    purpose: Use,
    templates: &Path,
) -> Result<Formatting, Error> {
    if size < SMALLEST {
        return Err(Error::BadSpec(format!(
            "a disk of {size} is too small; take {SMALLEST} or more"
        )));
    }
    let (features, kind) = match purpose {
        // A small volume has no room for a journal either.
        Use::Volume if size >= Bytes::mib(128) => (["-J", "size=16"], "journal"),
        Use::Volume | Use::Container => (["-O", "^has_journal"], "plain"),
    };
    let name = format!("{}-{kind}.img", size.get());
    match disk_template::copy_to(templates, &name, path) {
        Ok(Found::Yes) => return Ok(Formatting(State::Ready)),
        Ok(Found::No) => {}
        // Formatting may do what copying could not, and says better why not.
        Err(error) => tracing::warn!(template = name, %error, "a disk was not copied"),
    }
    let file = File::create(path).on("create", path)?;
    file.set_len(size.get()).on("size", path)?;
    let child = Command::new("mkfs.ext4")
        .args(["-q", "-F", "-b", "4096", "-m", "0", "-E"])
        .arg("lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0")
        .args(features)
        .arg(path)
        // Administration tools are often missing from an ordinary user's PATH under sudo.
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mkfs = child.map_err(|error| tool_failed(&error.to_string()))?;
    Ok(Formatting(State::Running {
        mkfs,
        disk: path.to_owned(),
        templates: templates.to_owned(),
        name,
    }))
}

impl Formatting {
    /// Waits until the disk is ready.
    pub fn finish(mut self) -> Result<(), Error> {
        let State::Running {
            mkfs,
            disk,
            templates,
            name,
        } = &mut self.0
        else {
            return Ok(());
        };
        let mut said = String::new();
        if let Some(mut stderr) = mkfs.stderr.take() {
            // What cannot be read is missing from a message at most.
            let _ = stderr.read_to_string(&mut said);
        }
        let status = mkfs.wait().during("wait for mkfs.ext4")?;
        if !status.success() {
            return Err(tool_failed(said.trim()));
        }
        if let Err(error) = disk_template::keep(templates, name, disk) {
            // The next disk of this size is formatted, then.
            tracing::warn!(template = *name, %error, "a formatted disk was not kept as a template");
        }
        Ok(())
    }
}

/// A disk that is not wanted any more needs no formatting, and the program must not stay.
impl Drop for Formatting {
    fn drop(&mut self) {
        if let State::Running { mkfs, .. } = &mut self.0 {
            let _ = mkfs.kill();
            let _ = mkfs.wait();
        }
    }
}

fn tool_failed(detail: &str) -> Error {
    Error::Tool {
        tool: "mkfs.ext4",
        detail: detail.to_owned(),
        hint: "see that e2fsprogs is installed and that the disk under Livery's data is not full",
    }
}

/// Refuses disks that the machine could not hold if every pod filled its own.
///
/// Images take room as they are written to. Without this a pod could be promised room that is not
/// there, and the machine itself would be full before the pod's disk is.
pub(crate) fn check_room(root: &Path, pods: &Path, wanted: Bytes) -> Result<(), Error> {
    let disk = rustix::fs::statvfs(root).on("look at the disk of", root)?;
    let free = Bytes::new(disk.f_bavail.saturating_mul(disk.f_frsize));
    let promised = promised(pods)?;
    let left = free.saturating_minus(promised).saturating_minus(DISK_SPARE);
    if wanted <= left {
        return Ok(());
    }
    Err(Error::DiskFull {
        wanted,
        free: left,
        root: root.to_owned(),
    })
}

/// Adds up how much the disks of all pods may still grow.
fn promised(pods: &Path) -> Result<Bytes, Error> {
    let mut total = Bytes::ZERO;
    let entries = match fs::read_dir(pods) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(total),
        Err(error) => return Err(error).on("list", pods),
    };
    for entry in entries {
        let directory = entry.on("list", pods)?.path();
        for name in ["container.img", "volume.img"] {
            // A pod may be removed while we look.
            if let Ok(found) = fs::metadata(directory.join(name)) {
                let grown = found.blocks().saturating_mul(512);
                total = total.saturating_plus(Bytes::new(found.len().saturating_sub(grown)));
            }
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_count_for_what_they_may_grow_to() {
        let root = tempfile::tempdir().unwrap();
        let pod = root.path().join("pods/pod_a");
        fs::create_dir_all(&pod).unwrap();
        let file = File::create(pod.join("volume.img")).unwrap();
        file.set_len(1 << 42).unwrap();
        let pods = root.path().join("pods");
        assert_eq!(promised(&pods).unwrap(), Bytes::new(1 << 42));
        let error = check_room(root.path(), &pods, Bytes::mib(16)).unwrap_err();
        assert!(error.to_string().contains("not promised"), "{error}");
        drop(file);
        fs::remove_file(pod.join("volume.img")).unwrap();
        let everything = Bytes::new(u64::MAX);
        assert!(check_room(root.path(), &pods, everything).is_err());
    }

    #[test]
    fn a_disk_too_small_for_a_file_system_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("image");
        assert!(begin(&path, Bytes::mib(1), Use::Container, root.path()).is_err());
        assert!(!path.exists());
    }
}

//! Disk images: files that hold a file system of a hard size and take only the room in use.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use livery_units::Bytes;

use crate::disk_template::{self, Found};
use crate::error::{Context, Error};

/// What a disk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Thrown away at stop: no journal, nothing to recover.
    Container,
    /// Kept over stops and crashes of the machine: a pod's own, or a network volume.
    Volume,
}

/// A file system below this has no room left once it is made.
const SMALLEST: Bytes = Bytes::mib(16);

/// Room on the machine's own disk that no pod is promised.
pub const DISK_SPARE: Bytes = Bytes::mib(512);

/// Under the runtime's root: the directory of network volumes.
pub(crate) const VOLUMES: &str = "volumes";

const MKFS: &str = "mkfs.ext4";

/// Administration tools are often missing from an ordinary user's PATH under sudo.
const TOOLS: &str = "/usr/sbin:/sbin:/usr/bin:/bin";

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
    let child = Command::new(MKFS)
        .args(["-q", "-F", "-b", "4096", "-m", "0", "-E"])
        .arg("lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0")
        .args(features)
        .arg(path)
        .env("PATH", TOOLS)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mkfs = child.map_err(|error| tool_failed(MKFS, &error.to_string()))?;
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
            return Err(tool_failed(MKFS, said.trim()));
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

fn tool_failed(tool: &'static str, detail: &str) -> Error {
    Error::Tool {
        tool,
        detail: detail.to_owned(),
        hint: "see that e2fsprogs is installed and that the disk under Livery's data is not full",
    }
}

/// Grows the file system in an image that nobody has mounted until it fills the image.
pub(crate) fn grow(image: &Path) -> Result<(), Error> {
    // It may not have been unmounted: its machine may have lost power. And the next program wants to
    // be sure.
    let checked = tool("e2fsck", &["-f", "-p"], image)?;
    // One says that mistakes were corrected.
    if !matches!(checked.status.code(), Some(0 | 1)) {
        return Err(tool_failed("e2fsck", &words_of(&checked)));
    }
    let grown = tool("resize2fs", &["-f"], image)?;
    if !grown.status.success() {
        return Err(tool_failed("resize2fs", &words_of(&grown)));
    }
    Ok(())
}

fn tool(name: &'static str, options: &[&str], image: &Path) -> Result<Output, Error> {
    let mut command = Command::new(name);
    command.args(options).arg(image).env("PATH", TOOLS);
    command.stdin(Stdio::null());
    let ran = command.output();
    ran.map_err(|error| tool_failed(name, &error.to_string()))
}

fn words_of(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    said.concat().trim().to_owned()
}

/// Refuses disks that the machine could not hold if every pod filled its own.
///
/// Images take room as they are written to. Without this a pod could be promised room that is not
/// there, and the machine itself would be full before the pod's disk is.
pub(crate) fn check_room(root: &Path, wanted: Bytes) -> Result<(), Error> {
    let disk = rustix::fs::statvfs(root).on("look at the disk of", root)?;
    let free = Bytes::new(disk.f_bavail.saturating_mul(disk.f_frsize));
    let promised = promised(root)?;
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

/// Adds up how much the disks of all pods and all network volumes may still grow.
fn promised(root: &Path) -> Result<Bytes, Error> {
    let mut images = list(&root.join(VOLUMES))?;
    for directory in list(&root.join("pods"))? {
        images.extend(["container.img", "volume.img"].map(|name| directory.join(name)));
    }
    // A pod or volume may be removed while we look.
    let found = images.iter().filter_map(|image| fs::metadata(image).ok());
    let growth = found.map(|image| {
        let grown = image.blocks().saturating_mul(512);
        Bytes::new(image.len().saturating_sub(grown))
    });
    Ok(growth.fold(Bytes::ZERO, Bytes::saturating_plus))
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).on("list", dir),
    };
    let paths = entries.map(|entry| Ok(entry.on("list", dir)?.path()));
    paths.collect()
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
        let volumes = root.path().join(VOLUMES);
        fs::create_dir_all(&volumes).unwrap();
        let volume = File::create(volumes.join("vol_a.img")).unwrap();
        volume.set_len(1 << 40).unwrap();
        let both = Bytes::new((1 << 42) + (1 << 40));
        assert_eq!(promised(root.path()).unwrap(), both);
        let error = check_room(root.path(), Bytes::mib(16)).unwrap_err();
        assert!(error.to_string().contains("not promised"), "{error}");
        drop(file);
        fs::remove_file(pod.join("volume.img")).unwrap();
        fs::remove_file(volumes.join("vol_a.img")).unwrap();
        let everything = Bytes::new(u64::MAX);
        assert!(check_room(root.path(), everything).is_err());
    }

    #[test]
    fn a_disk_too_small_for_a_file_system_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("image");
        assert!(begin(&path, Bytes::mib(1), Use::Container, root.path()).is_err());
        assert!(!path.exists());
    }
}

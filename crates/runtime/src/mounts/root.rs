//! The pod's root: image layers below, the container disk above.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount};

use super::calls::{self, Depth};
use super::loopdev::LoopDevice;
use super::{STAGE, Stage};
use crate::error::{Context, Error};
use crate::layout::PodRecord;
use crate::spec::Rootfs;

/// Where the container disk is mounted.
fn disk() -> PathBuf {
    Path::new(STAGE).join("disk")
}

/// Where what the pod writes is kept.
pub(super) fn upper() -> PathBuf {
    disk().join("upper")
}

/// Takes hold of the directory trees below, lowest first.
///
/// An image's files are root's on disk and shall be the pod's root's inside, so the view of them
/// is mapped. This machine's own root is not: its files stay what they are, and the kernel itself
/// refuses the pod whatever a stranger on this machine may not read.
pub(super) fn hold_layers(rootfs: &Rootfs, userns: &OwnedFd) -> Result<Vec<OwnedFd>, Error> {
    match rootfs {
        Rootfs::Host => Ok(vec![calls::clone_tree(Path::new("/"), Depth::Mount)?]),
        Rootfs::Layers(layers) => layers
            .iter()
            .map(|layer| {
                let tree = calls::clone_tree(layer, Depth::Mount)?;
                calls::map_owners(&tree, userns.as_fd()).map_err(|source| Error::Kernel {
                    what: format!("show {} with mapped owners", layer.display()),
                    hint: "it takes Linux 5.19 or later and the images on ext4, xfs or btrfs",
                    source,
                })?;
                Ok(tree)
            })
            .collect(),
    }
}

/// Mounts the container disk on the stage.
pub(super) fn mount_disk(device: &LoopDevice) -> Result<(), Error> {
    let target = disk();
    fs::create_dir(&target).on("create", &target)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOATIME;
    // Nothing on this disk outlives the mount, so nothing need wait for the machine's own disk. The
    // kernel finishes no formatting in the background: whatever is written, the pod writes.
    mount(
        &device.path,
        &target,
        "ext4",
        flags,
        Some(c"barrier=0,noinit_itable"),
    )
    .on("mount", &device.path)
}

/// Mounts a volume disk so that its root is the pod's root's, and returns where.
///
/// On the disk itself the owners are those inside, so a volume can be read by any later pod.
pub(super) fn mount_volume(
    index: usize,
    device: &LoopDevice,
    userns: BorrowedFd<'_>,
) -> Result<PathBuf, Error> {
    let (raw, mapped) = (
        Path::new(STAGE).join(format!("raw{index}")),
        Path::new(STAGE).join(format!("volume{index}")),
    );
    for path in [&raw, &mapped] {
        fs::create_dir(path).on("create", path)?;
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOATIME;
    // Discard gives the room of deleted files back to this machine.
    mount(
        &device.path,
        &raw,
        "ext4",
        flags,
        Some(c"discard,noinit_itable"),
    )
    .on("mount", &device.path)?;
    // A new workspace is empty, and `**` in a job's outputs means the job's files. What a check of
    // the file system put there stays: then the directory is not empty.
    let _ = fs::remove_dir(raw.join("lost+found"));
    let tree = calls::clone_tree(&raw, Depth::Mount)?;
    calls::map_owners(&tree, userns).map_err(|source| Error::Kernel {
        what: "show the volume disk with mapped owners".to_owned(),
        hint: "it takes Linux 5.19 or later",
        source,
    })?;
    calls::place(&tree, &mapped)?;
    Ok(mapped)
}

/// Puts the layers on the stage and returns their places, lowest first.
pub(super) fn place_layers(layers: Vec<OwnedFd>) -> Result<Vec<PathBuf>, Error> {
    let parent = Path::new(STAGE).join("l");
    fs::create_dir(&parent).on("create", &parent)?;
    let mut places = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let place = parent.join(index.to_string());
        fs::create_dir(&place).on("create", &place)?;
        calls::place(layer, &place)?;
        places.push(place);
    }
    Ok(places)
}

/// Puts a held mount on the stage, as a directory or a file, read-only.
pub(super) fn place_bind(index: usize, tree: &OwnedFd) -> Result<PathBuf, Error> {
    let place = Path::new(STAGE).join(format!("b{index}"));
    let kind = rustix::fs::fstat(tree).during("look at a mount")?.st_mode;
    if rustix::fs::FileType::from_raw_mode(kind).is_dir() {
        fs::create_dir(&place).on("create", &place)?;
    } else {
        fs::File::create(&place).on("create", &place)?;
    }
    calls::protect(tree).during("make a mount read-only")?;
    calls::place(tree, &place)?;
    Ok(place)
}

/// Prepares the writable layer with the files every pod has of its own.
///
/// They are written here and not through the finished root: an image may have made `/etc` a link
/// that leads elsewhere, and nothing of the image is in this directory.
pub(super) fn prepare_upper(record: &PodRecord) -> Result<(), Error> {
    let owner = record.first_id;
    let (upper, work) = (upper(), disk().join("work"));
    directory(&upper, owner, 0o755)?;
    directory(&work, 0, 0o700)?;
    let etc = upper.join("etc");
    directory(&etc, owner, 0o755)?;
    let hostname = &record.spec.hostname;
    let hosts = format!(
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t{hostname}\n"
    );
    let resolv = match record.spec.dns.as_slice() {
        [] => record.resolv_conf.clone(),
        servers => servers
            .iter()
            .map(|one| format!("nameserver {one}\n"))
            .collect(),
    };
    for (name, text) in [
        ("hostname", format!("{hostname}\n")),
        ("hosts", hosts),
        ("resolv.conf", resolv),
    ] {
        let path = etc.join(name);
        fs::write(&path, text).on("write", &path)?;
        chown(&path, Some(owner), Some(owner)).on("change the owner of", &path)?;
    }
    Ok(())
}

/// Makes a directory for `owner`; one that is there already is changed to match.
pub(super) fn directory(path: &Path, owner: u32, mode: u32) -> Result<(), Error> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).on("create", path);
        }
        Ok(()) | Err(_) => {}
    }
    chown(path, Some(owner), Some(owner)).on("change the owner of", path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).on("change the mode of", path)
}

/// Mounts the finished root.
pub(super) fn mount_overlay(lowers: &[PathBuf]) -> Result<(), Error> {
    let target = Stage::root();
    fs::create_dir(&target).on("create", &target)?;
    // Overlayfs wants the topmost first.
    let lower: Vec<String> = lowers
        .iter()
        .rev()
        .map(|one| one.display().to_string())
        .collect();
    // Volatile: the container disk is thrown away at stop, so no program need wait for it to be
    // safe on disk.
    let options = format!(
        "lowerdir={},upperdir={},workdir={},volatile",
        lower.join(":"),
        upper().display(),
        disk().join("work").display(),
    );
    let options = std::ffi::CString::new(options)
        .map_err(io::Error::from)
        .during("name layers")?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount(
        "overlay",
        &target,
        "overlay",
        flags,
        Some(options.as_c_str()),
    )
    .map_err(|source| Error::Kernel {
        what: format!("lay {} image layers over each other", lowers.len()),
        hint: "it takes Linux 5.19 or later with overlayfs, and at most 128 layers",
        source: source.into(),
    })
}

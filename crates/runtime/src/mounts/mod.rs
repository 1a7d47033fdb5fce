//! Everything a pod's root is put together from, inside the shim's own mount namespace.
//!
//! Nothing here is visible to the rest of the machine, and when the last process of the pod is
//! gone the kernel takes all of it away: mounts, loop devices and the overlay.
//!
//! The pieces are staged under `/tmp` of that namespace, over a small tmpfs: a directory that
//! every machine has, that the pod's unprivileged root may walk through (data directories often
//! lie under a home nobody else may enter), and whose name is short (an image of a hundred layers
//! must fit one page of mount options).

pub(crate) mod calls;
mod grow;
mod host;
mod loopdev;
mod root;
mod sys;
mod userns;

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

pub(crate) use self::grow::{grow, may_grow_mounted, renew_size};
pub(crate) use self::userns::IDS;
use crate::error::{Context, Error};
use crate::layout::{PodDir, PodRecord};
use crate::spec::{Rootfs, Volume};
use loopdev::LoopDevice;

/// Where the pieces are put.
pub(crate) const STAGE: &str = "/tmp";

/// A pod's root and what belongs to it, ready to be entered.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The pod's user namespace.
    pub userns: OwnedFd,
    /// What the container runtime binds in: source under the stage, path in the pod.
    pub binds: Vec<Bind>,
}

/// One mount to be bound into the pod.
#[derive(Debug)]
pub(crate) struct Bind {
    pub source: PathBuf,
    pub target: PathBuf,
    pub access: Access,
}

/// Whether a pod may write to a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    ReadWrite,
    ReadOnly,
}

impl Stage {
    /// Where the pod's root is.
    pub fn root() -> PathBuf {
        Path::new(STAGE).join("root")
    }

    /// Where the container's bundle is written.
    pub fn bundle() -> PathBuf {
        Path::new(STAGE).join("bundle")
    }
}

/// Enters the pod's namespaces for mounts and network and builds its root there.
pub(crate) fn build(dir: &PodDir, record: &PodRecord) -> Result<Stage, Error> {
    let userns = userns::create(record.first_id)?;
    enter_network(record)?;
    // SAFETY: the shim has one thread, so nothing else relies on the namespace that is left.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.during("leave the mounts")?;
    // A slave still sees a disk being unmounted on the machine but shows it nothing.
    let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", slave).during("part from the machine's mounts")?;

    // Whatever lies under /tmp must be held before the stage covers it.
    let layers = root::hold_layers(&record.spec.rootfs, &userns)?;
    let container_disk = loopdev::attach(&dir.container_disk())?;
    let volumes = attach_volumes(dir, record)?;
    let mut held = Vec::new();
    // This machine's own root has the driver's files already.
    let shares = match &record.spec.rootfs {
        Rootfs::Host => &[],
        Rootfs::Layers(_) => record.spec.devices.mounts.as_slice(),
    };
    for bind in shares {
        held.push((calls::clone_tree(&bind.source, calls::Depth::Tree)?, bind));
    }

    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("stage", STAGE, "tmpfs", flags, Some(c"mode=0755,size=4m")).during("mount the stage")?;
    root::mount_disk(&container_disk)?;
    let lowers = root::place_layers(layers)?;
    root::prepare_upper(record)?;
    if record.spec.rootfs == Rootfs::Host {
        host::cover(&record.hide, record.first_id)?;
    }
    root::mount_overlay(&lowers)?;

    let mut binds = vec![sys::mount_for_pod(&record.spec.id)?];
    for (index, (device, volume)) in volumes.iter().enumerate() {
        binds.push(Bind {
            source: root::mount_volume(index, device, userns.as_fd())?,
            target: volume.mount_path.clone(),
            access: Access::ReadWrite,
        });
    }
    for (index, (tree, bind)) in held.into_iter().enumerate() {
        binds.push(Bind {
            source: root::place_bind(index, &tree)?,
            target: bind.target.clone(),
            access: Access::ReadOnly,
        });
    }
    Ok(Stage { userns, binds })
}

/// Gives each of a pod's volumes a device: the pod's own disk, or the network volume's.
fn attach_volumes<'a>(
    dir: &PodDir,
    record: &'a PodRecord,
) -> Result<Vec<(LoopDevice, &'a Volume)>, Error> {
    let own = dir.volume_disk();
    let mut devices = Vec::new();
    for volume in record.spec.volumes() {
        let image = match (&volume.network, &record.network_volume) {
            (Some(_), Some(image)) => image,
            (Some(_) | None, _) => &own,
        };
        devices.push((loopdev::attach(image)?, volume));
    }
    Ok(devices)
}

/// Joins the pod's network namespace, or makes one with nothing but loopback.
fn enter_network(record: &PodRecord) -> Result<(), Error> {
    match &record.netns {
        Some(path) => {
            let netns = fs::File::open(path).on("open the network namespace", path)?;
            let kind = Some(LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(netns.as_fd(), kind)
                .on("join the network namespace", path)
        }
        None => {
            // SAFETY: the shim has one thread and has opened no socket.
            unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }
                .during("make a network namespace")?;
            calls::raise_loopback().during("raise the loopback interface")
        }
    }
}

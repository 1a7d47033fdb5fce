//! `/sys` as a pod sees it: read-only, of its own network, with its own limits.

use std::fs;
use std::path::Path;

use livery_units::PodId;
use rustix::mount::{MountFlags, mount};

use super::calls::{self, Depth};
use super::{Access, Bind, STAGE};
use crate::cgroup::{Cgroup, Version};
use crate::error::{Context, Error};

/// Mounts `sysfs` for the pod and its control groups in it.
///
/// The pod's user namespace does not own its network namespace and so may not mount `sysfs`
/// itself; it is made here and bound in. The control groups are there to be read: programs size
/// their thread pools and heaps by them.
pub(super) fn mount_for_pod(pod: &PodId) -> Result<Bind, Error> {
    let place = Path::new(STAGE).join("sys");
    fs::create_dir(&place).on("create", &place)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
    mount("sysfs", &place, "sysfs", flags, None).on("mount", &place)?;
    let target = place.join("fs/cgroup");
    if target.is_dir() {
        show_cgroups(pod, &target)?;
    }
    Ok(Bind {
        source: place,
        target: "/sys".into(),
        access: Access::ReadOnly,
    })
}

fn show_cgroups(pod: &PodId, target: &Path) -> Result<(), Error> {
    let cgroup = Cgroup::of(pod)?;
    cgroup.create()?;
    match cgroup.version() {
        Version::V2 => {
            if let Some((_, path)) = cgroup.directories().next() {
                let tree = calls::clone_tree(path, Depth::Mount)?;
                calls::protect(&tree).on("protect", path)?;
                calls::place(&tree, target)?;
            }
        }
        Version::V1 => {
            let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
            mount(
                "cgroup",
                target,
                "tmpfs",
                flags,
                Some(c"mode=0755,size=64k"),
            )
            .on("mount", target)?;
            for (controller, path) in cgroup.directories() {
                let place = target.join(controller);
                fs::create_dir(&place).on("create", &place)?;
                let tree = calls::clone_tree(path, Depth::Mount)?;
                calls::protect(&tree).on("protect", path)?;
                calls::place(&tree, &place)?;
            }
        }
    }
    Ok(())
}

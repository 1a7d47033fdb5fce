//! The `host` image: this machine's programs, none of its people's files.
//!
//! What is not covered here is still guarded: its owners are strangers to the pod's user
//! namespace, so the pod sees it as any unprivileged user of this machine would.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Component, Path, PathBuf};

use rustix::fs::XattrFlags;

use super::calls;
use super::root::{directory, upper};
use crate::error::{Context, Error};

/// What of `/` a pod sees; everything else at the top is covered.
const SHOWN: [&str; 6] = ["bin", "etc", "opt", "sbin", "usr", "var"];

/// Directories that start empty and belong to the pod's root, with their modes.
const FRESH: [(&str, u32); 16] = [
    ("dev", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("proc", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o755),
    ("tmp", 0o1777),
    ("workspace", 0o755),
    ("var/backups", 0o755),
    ("var/log", 0o755),
    ("var/mail", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
];

/// Directories that keep what they hold and belong to the pod's root, so that it can add to them.
const OWNED: [&str; 6] = ["etc", "opt", "usr/local", "var", "var/cache", "var/lib"];

/// What other services keep where anybody may look.
const SERVICES: [&str; 9] = [
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/lib/libvirt",
    "/var/lib/lxc",
    "/var/lib/lxd",
    "/etc/ssh",
    "/etc/sudoers.d",
];

/// How deep, and how many, directories of `/usr/local` are made writable.
const LOCAL_DEPTH: usize = 5;
const LOCAL_COUNT: usize = 2_000;

/// Covers what a pod must not see and opens what its root expects to write to.
pub(super) fn cover(hide: &[PathBuf], owner: u32) -> Result<(), Error> {
    let upper = upper();
    copy_directory(Path::new("/usr"), &upper.join("usr"))?;
    for path in OWNED {
        if Path::new("/").join(path).is_dir() {
            directory(&upper.join(path), owner, 0o755)?;
        }
    }
    own_local(&upper, owner)?;
    for (path, mode) in FRESH {
        // A link such as /var/run is left alone: where it leads is covered itself.
        let on_machine = Path::new("/").join(path);
        if fs::symlink_metadata(&on_machine).is_ok_and(|found| found.is_symlink()) {
            continue;
        }
        directory(&upper.join(path), owner, mode)?;
        make_opaque(&upper.join(path))?;
    }
    cover_top(&upper)?;
    for path in hide
        .iter()
        .map(PathBuf::as_path)
        .chain(SERVICES.map(Path::new))
    {
        cover_path(&upper, path)?;
    }
    Ok(())
}

/// Covers everything at the top that is neither shown nor fresh.
fn cover_top(upper: &Path) -> Result<(), Error> {
    for entry in fs::read_dir("/").on("list", "/")? {
        let name = entry.on("list", "/")?.file_name();
        let known = name.to_str().is_some_and(|name| {
            SHOWN.contains(&name)
                || name.starts_with("lib")
                || FRESH.iter().any(|(fresh, _)| *fresh == name)
        });
        if !known {
            let path = upper.join(&name);
            calls::whiteout(&path).on("cover", &path)?;
        }
    }
    Ok(())
}

/// Covers one path, wherever it is, unless something above it is covered already.
fn cover_path(upper: &Path, path: &Path) -> Result<(), Error> {
    // The overlay shows real paths only, so a link must not lead past the cover.
    let Ok(real) = fs::canonicalize(path) else {
        return Ok(());
    };
    let mut place = upper.to_owned();
    let mut on_machine = PathBuf::from("/");
    let names: Vec<_> = real
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => None,
        })
        .collect();
    let Some((last, parents)) = names.split_last() else {
        return Ok(());
    };
    for name in parents {
        place.push(name);
        on_machine.push(name);
        match fs::symlink_metadata(&place) {
            Ok(found) if !found.is_dir() || is_opaque(&place) => return Ok(()),
            Ok(_) => {}
            Err(_) => copy_directory(&on_machine, &place)?,
        }
    }
    place.push(last);
    match fs::symlink_metadata(&place) {
        Ok(found) if found.is_dir() && !is_opaque(&place) => make_opaque(&place),
        Ok(_) => Ok(()),
        Err(_) => calls::whiteout(&place).on("cover", &place),
    }
}

/// Makes a directory in the upper layer that looks like the one below it.
fn copy_directory(from: &Path, to: &Path) -> Result<(), Error> {
    let found = fs::metadata(from).on("look at", from)?;
    fs::create_dir(to).on("create", to)?;
    chown(to, Some(found.uid()), Some(found.gid())).on("change the owner of", to)?;
    let mode = fs::Permissions::from_mode(found.mode() & 0o7777);
    fs::set_permissions(to, mode).on("change the mode of", to)
}

/// Gives the directories below `/usr/local` to the pod's root, for `pip install` and `make install`.
fn own_local(upper: &Path, owner: u32) -> Result<(), Error> {
    let base = PathBuf::from("usr/local");
    let mut open = vec![(base, 0)];
    let mut count = 0;
    while let Some((path, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(Path::new("/").join(&path)) else {
            continue;
        };
        for entry in entries.flatten() {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if !is_directory || depth >= LOCAL_DEPTH || count >= LOCAL_COUNT {
                continue;
            }
            count += 1;
            let below = path.join(entry.file_name());
            directory(&upper.join(&below), owner, 0o755)?;
            open.push((below, depth + 1));
        }
    }
    Ok(())
}

const OPAQUE: &str = "trusted.overlay.opaque";

/// Makes overlayfs show nothing of what lies under a directory.
fn make_opaque(path: &Path) -> Result<(), Error> {
    let set = rustix::fs::setxattr(path, OPAQUE, b"y", XattrFlags::empty());
    set.map_err(io::Error::from).on("cover", path)
}

fn is_opaque(path: &Path) -> bool {
    let mut value = [0_u8; 1];
    rustix::fs::getxattr(path, OPAQUE, &mut value[..]).is_ok_and(|length| length == 1)
}

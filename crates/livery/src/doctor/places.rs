//! Directories and files: whose the data directory is, what its settings say, and what of this machine pods of
//! the `host` image do not see.

use super::caller::user_name;
use super::{Finding, read};
use crate::config::{self, ConfigFile};
use crate::settings::Place;
use rustix::fs::{Access, access};
use rustix::process::geteuid;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What the `host` image shows of the machine.
const SHOWN: [&str; 7] = ["/usr", "/var", "/etc", "/opt", "/bin", "/sbin", "/lib"];

/// What of that is empty in every pod on purpose, or belongs to other services.
const COVERED: [&str; 13] = [
    "/var/backups",
    "/var/log",
    "/var/mail",
    "/var/run",
    "/var/spool",
    "/var/tmp",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/lib/livery",
    "/var/lib/lxc",
    "/var/lib/lxd",
];

/// Most places that one line names.
const NAMED_MAX: usize = 4;

/// Who owns a directory and what others may do in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ownership {
    /// It is there, with its owner and mode.
    Of { uid: u32, mode: u32 },
    /// It is not there, and can be made.
    Makeable,
    /// It is not there, and what is above it is closed to the caller.
    Closed { uid: u32 },
}

/// Says whether the caller's control plane may keep its data where it would.
pub(super) fn data_directory(place: &Place) -> Finding {
    let dir = &place.data_dir;
    judge(dir, ownership(dir), geteuid().as_raw())
}

/// Returns whether a control plane of the caller's can have its data there.
pub(super) fn is_usable(place: &Place) -> bool {
    match ownership(&place.data_dir) {
        Ownership::Of { uid, .. } => uid == geteuid().as_raw(),
        Ownership::Makeable => true,
        Ownership::Closed { .. } => false,
    }
}

fn ownership(dir: &Path) -> Ownership {
    match fs::metadata(dir) {
        Ok(found) => Ownership::Of {
            uid: found.uid(),
            mode: found.mode() & 0o777,
        },
        Err(_) => {
            let above = existing(dir);
            match access(&above, Access::WRITE_OK | Access::EXEC_OK) {
                Ok(()) => Ownership::Makeable,
                Err(_) => Ownership::Closed {
                    uid: fs::metadata(&above).map_or(0, |found| found.uid()),
                },
            }
        }
    }
}

fn judge(dir: &Path, ownership: Ownership, caller: u32) -> Finding {
    const NAME: &str = "data directory";
    const LEAVE: &str =
        "leave out `--data-dir` and LIVERY_DATA_DIR, which takes a directory of your own";
    let shown = dir.display();
    match ownership {
        Ownership::Makeable => Finding::good(NAME, format!("{shown}, made when it is needed")),
        Ownership::Closed { uid } => {
            let owner = user_name(uid);
            let found =
                format!("{shown} cannot be made or looked into: what is above it is {owner}'s");
            Finding::bad(NAME, found, LEAVE)
        }
        Ownership::Of { uid, .. } if uid != caller => {
            let owner = user_name(uid);
            let found = format!("{shown} is {owner}'s, and you are {}", user_name(caller));
            Finding::bad(
                NAME,
                found,
                format!(
                    "{LEAVE}; or use {owner}'s control plane: `--server` with an address and a token that \
                     {owner} gives you (`livery token create`)"
                ),
            )
        }
        Ownership::Of { mode, .. } if mode & 0o077 != 0 => Finding::limited(
            NAME,
            format!("{shown} is open to other users (its mode is {mode:04o})"),
            format!("chmod 700 {shown}"),
        ),
        Ownership::Of { .. } => Finding::good(NAME, shown.to_string()),
    }
}

/// Says what the next start would go by.
pub(super) fn settings(place: &Place) -> Finding {
    const NAME: &str = "settings";
    let path = config::path(&place.data_dir);
    match ConfigFile::read(&place.data_dir) {
        Ok(file) if file.text.is_none() => Finding::good(NAME, "all are at their defaults"),
        Ok(file) => {
            let count = file.entries.len();
            Finding::good(NAME, format!("{count} set in {}", path.display()))
        }
        Err(error) if config::is_hidden(&error) => {
            // The line of the data directory says whose it is.
            Finding::good(NAME, "only their owner may read them")
        }
        Err(error) => {
            let text = error.to_string();
            let first = text
                .lines()
                .find(|line| line.starts_with(config::FILE_NAME));
            let what = first.unwrap_or(text.lines().next().unwrap_or_default());
            let edit = config::command_for(&place.data_dir, "edit");
            Finding::bad(NAME, what, edit)
        }
    }
}

/// Says which file systems the `host` image does not show: it is an overlay over the root file system.
pub(super) fn host_image(place: &Place) -> Finding {
    let mounts = read("/proc/self/mountinfo").unwrap_or_default();
    let own = [&place.data_dir, &place.host_data_dir];
    let is_directory = |path: &Path| path.is_dir();
    judge_mounts(&mounts, &own.map(PathBuf::as_path), is_directory)
}

fn judge_mounts(mounts: &str, own: &[&Path], is_directory: impl Fn(&Path) -> bool) -> Finding {
    const NAME: &str = "host image";
    let below = |path: &Path, all: &[&str]| all.iter().any(|place| path.starts_with(place));
    let mut hidden: Vec<PathBuf> = Vec::new();
    for line in mounts.lines() {
        let Some(point) = line.split(' ').nth(4) else {
            continue;
        };
        let path = PathBuf::from(unescaped(point));
        // On merged systems /lib64 and the like are links into /usr.
        let is_shown = below(&path, &SHOWN) || path.to_string_lossy().starts_with("/lib");
        let is_covered = below(&path, &COVERED) || own.iter().any(|dir| path.starts_with(dir));
        let is_within = hidden.iter().any(|above| path.starts_with(above));
        if is_shown && !is_covered && !is_within && is_directory(&path) {
            hidden.push(path);
        }
    }
    if hidden.is_empty() {
        return Finding::good(NAME, "shows pods what is installed here");
    }
    let named: Vec<String> = hidden
        .iter()
        .take(NAMED_MAX)
        .map(|path| path.display().to_string())
        .collect();
    let more = match hidden.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let found = format!(
        "pods of `host` see these empty, as they are file systems of their own: {}{more}",
        named.join(", ")
    );
    Finding::limited(
        NAME,
        found,
        "name an image of a registry (`image_id: ubuntu:24.04`) where a job needs what is there",
    )
}

/// Reads a path as the kernel writes it in its tables.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\134", "\\")
}

/// Returns the nearest directory above a place that is there already.
pub(super) fn existing(place: &Path) -> PathBuf {
    let found = place.ancestors().find(|path| path.exists());
    found.unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    const DIR: &str = "/data";

    fn of(uid: u32, mode: u32) -> Finding {
        judge(Path::new(DIR), Ownership::Of { uid, mode }, 4_242)
    }

    #[test]
    fn a_directory_of_somebody_else_is_not_advised_to_be_used() {
        let others = of(0, 0o755);
        assert_eq!(others.health, Health::Bad);
        assert!(others.found.contains("root's"), "{others:?}");
        let mend = others.mend.unwrap();
        assert!(
            mend.contains("LIVERY_DATA_DIR") && mend.contains("--server"),
            "{mend}"
        );
        assert!(
            !mend.contains("chmod") && !mend.contains("--stop"),
            "{mend}"
        );
        let closed = judge(Path::new(DIR), Ownership::Closed { uid: 0 }, 4_242);
        assert_eq!(closed.health, Health::Bad);
    }

    #[test]
    fn a_directory_of_ones_own_is_good_when_it_is_closed() {
        assert_eq!(of(4_242, 0o700).health, Health::Good);
        let open = of(4_242, 0o755);
        assert_eq!(open.health, Health::Limited);
        assert_eq!(open.mend.as_deref(), Some("chmod 700 /data"));
        let new = judge(Path::new(DIR), Ownership::Makeable, 4_242);
        assert_eq!(new.health, Health::Good);
    }

    const ROOT: &str = "20 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n";

    fn mounts(points: &[&str]) -> Finding {
        let lines: Vec<String> = points
            .iter()
            .map(|point| format!("30 20 254:1 / {point} rw,relatime - ext4 /dev/vdb rw"))
            .collect();
        let text = format!("{ROOT}{}", lines.join("\n"));
        let own = [Path::new("/srv/livery"), Path::new("/var/cache/livery")];
        judge_mounts(&text, &own, |path| !path.ends_with("resolv.conf"))
    }

    #[test]
    fn separate_file_systems_are_said_to_be_empty_in_host_pods() {
        assert_eq!(mounts(&[]).health, Health::Good);
        let found = mounts(&["/usr", "/usr/local", "/var", "/home", "/mnt/big\\040disk"]);
        assert_eq!(found.health, Health::Limited);
        assert!(found.found.ends_with("own: /usr, /var"), "{found:?}");
        let many = mounts(&["/opt/a", "/opt/b", "/opt/c", "/opt/d", "/opt/e"]);
        assert!(many.found.ends_with("/opt/d and 1 more"), "{many:?}");
    }

    #[test]
    fn what_is_covered_or_ours_is_not_missed() {
        let found = mounts(&[
            "/var/log",
            "/var/lib/docker/overlay2/x/merged",
            "/var/lib/livery/host/netns/pod_x",
            "/var/cache/livery/host/netns/pod_x",
            "/etc/resolv.conf",
            "/boot",
        ]);
        assert_eq!(found.health, Health::Good, "{found:?}");
    }
}

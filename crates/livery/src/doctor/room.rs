//! Room: disk, memory, and the file system that images lie on.

use super::caller::Caller;
use super::places::existing;
use super::{Finding, read};
use livery_units::Bytes;
use std::path::Path;

const DISK: &str = "disk";

/// Less than this, and not even a small image fits.
const DISK_MIN: Bytes = Bytes::gib(2);

/// Less than this, and a usual image with a model does not fit.
const DISK_GOOD: Bytes = Bytes::gib(20);

const MEMORY_GOOD: Bytes = Bytes::gib(1);

pub(super) fn disk(data_dir: &Path, caller: Caller) -> Finding {
    let at = existing(data_dir);
    match rustix::fs::statvfs(&at) {
        Ok(stat) => {
            let bytes = |blocks: u64| Bytes::new(blocks.saturating_mul(stat.f_frsize));
            judge_disk(data_dir, bytes(stat.f_bavail), bytes(stat.f_blocks), caller)
        }
        Err(error) => {
            let found = format!("{} cannot be looked at: {error}", at.display());
            Finding::bad(DISK, found, elsewhere(caller, "on another disk"))
        }
    }
}

/// What the host agent keeps for the machine is free, and no pod gets it.
fn judge_disk(data_dir: &Path, free: Bytes, size: Bytes, caller: Caller) -> Finding {
    let reserve = livery_agent::disk_reserve(size);
    let for_pods = Bytes::new(free.get().saturating_sub(reserve.get()));
    let found = format!(
        "{free} free for {}; {reserve} stay for the machine, and new pods get at most {for_pods}",
        data_dir.display()
    );
    let mend = format!("make room, or {}", elsewhere(caller, "on a larger disk"));
    match for_pods {
        room if room < DISK_MIN => Finding::bad(DISK, found, mend),
        room if room < DISK_GOOD => Finding::limited(DISK, found, mend),
        _ => Finding::good(DISK, found),
    }
}

/// Says how pods' data comes to lie elsewhere: an ordinary user's agent is root's, and so is its place.
fn elsewhere(caller: Caller, place: &str) -> String {
    match caller {
        Caller::Root => format!("give a place {place} with `--data-dir`"),
        Caller::Sudo | Caller::Nobody => {
            caller.task(&format!("mount a directory {place} at /var/lib/livery"))
        }
    }
}

pub(super) fn memory(caller: Caller) -> Finding {
    const NAME: &str = "memory";
    let text = read("/proc/meminfo").unwrap_or_default();
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    let amount = |name: &str| kib(name).map(|kib| Bytes::new(kib.saturating_mul(1_024)));
    match (amount("MemTotal:"), amount("MemAvailable:")) {
        (Some(total), Some(free)) if free < MEMORY_GOOD => {
            let found = format!("{total}, of which only {free} are free");
            Finding::limited(NAME, found, "end what uses it: `ps aux --sort=-rss | head`")
        }
        (Some(total), Some(free)) => Finding::good(NAME, format!("{total}, {free} free")),
        (_, None) | (None, _) => Finding::limited(
            NAME,
            "not known",
            caller.command("mount -t proc proc /proc"),
        ),
    }
}

/// Layers of images are shown to pods with other owners, without a copy, where the file system
/// can do that.
pub(super) fn idmapped_mounts(data_dir: &Path, caller: Caller) -> Finding {
    const NAME: &str = "idmapped mounts";
    let mend = elsewhere(caller, "on ext4, xfs or btrfs");
    let at = existing(data_dir);
    let kind = rustix::fs::statfs(&at).map(|stat| stat.f_type);
    let name = match kind {
        Ok(0xef53) => "ext4",
        Ok(0x5846_5342) => "xfs",
        Ok(0x9123_683e) => "btrfs",
        Ok(0x0102_1994) => "tmpfs",
        Ok(0xf2f5_2010) => "f2fs",
        Ok(0x794c_7630) => {
            let found = format!("{} is on overlayfs, which has none", at.display());
            return Finding::limited(NAME, found, mend);
        }
        Ok(other) => {
            let found = format!(
                "{} is on a file system ({other:#x}) that may have none",
                at.display()
            );
            return Finding::limited(NAME, found, mend);
        }
        Err(error) => return Finding::limited(NAME, format!("not known: {error}"), mend),
    };
    Finding::good(NAME, format!("{name} has them"))
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn what_is_kept_for_the_machine_is_no_room_for_pods() {
        let found = |free| judge_disk(Path::new("/data"), free, Bytes::gib(240), Caller::Root);
        // A twentieth of the disk, 12 GiB, is kept: pods would be offered nothing.
        let full = found(Bytes::gib(12));
        assert_eq!(full.health, Health::Bad);
        assert!(full.found.ends_with("get at most 0 B"), "{full:?}");
        assert_eq!(found(Bytes::gib(20)).health, Health::Limited);
        assert_eq!(found(Bytes::gib(40)).health, Health::Good);
    }
}

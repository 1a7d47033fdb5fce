//! The addresses, interface names and user ids that an agent gives to its pods.
//!
//! Two agents on one machine must not share them. The agent of the usual data directory has the
//! usual ones; any other directory has ones of its own, derived from its path, so that a demo or a
//! second control plane runs beside the first without being told how.

use livery_content::hash_bytes;
use livery_runtime::net::Subnet;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What an agent gives to its pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranges {
    /// Addresses, four per pod.
    pub subnet: Subnet,
    /// What interface names begin with, at most six characters.
    pub interfaces: String,
    /// First user id of this machine that pods' users are mapped to.
    pub first_uid: u32,
}

/// The data directory of a control plane that root starts.
const USUAL_DIR: &str = "/var/lib/livery";

/// The usual ranges begin here; a slot of others is 256 pods of 65,536 ids further on.
const FIRST_UID: u32 = 1 << 20;
const UIDS_PER_SLOT: u32 = 1 << 24;

/// Directories that are not the usual one share this many slots.
const SLOTS: u8 = 100;

/// Slot n has 10.(100 + n).0.0/16, clear of the usual 10.213.0.0/16.
const SLOT_NET: u8 = 100;

impl Ranges {
    /// Returns the ranges of the agent with that data directory.
    pub fn of(data_dir: &Path) -> Self {
        let usual = Self {
            subnet: Subnet::DEFAULT,
            interfaces: "lvy".to_owned(),
            first_uid: FIRST_UID,
        };
        if data_dir == Path::new(USUAL_DIR) {
            return usual;
        }
        let hash = hash_bytes(data_dir.as_os_str().as_bytes());
        let [first, second, third, ..] = hash.as_bytes();
        let slot = first % SLOTS;
        let base = Ipv4Addr::new(10, SLOT_NET + slot, 0, 0);
        Self {
            subnet: Subnet::new(base, 16).unwrap_or(usual.subnet),
            interfaces: format!("lv{second:02x}{third:02x}"),
            first_uid: FIRST_UID + UIDS_PER_SLOT * (u32::from(slot) + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_directory_has_the_usual_ranges() {
        let usual = Ranges::of(Path::new("/var/lib/livery"));
        assert_eq!(usual.subnet, Subnet::DEFAULT);
        assert_eq!(usual.interfaces, "lvy");
    }

    #[test]
    fn other_directories_have_their_own_and_keep_them() {
        let one = Ranges::of(Path::new("/srv/one"));
        let two = Ranges::of(Path::new("/srv/two"));
        assert_eq!(one, Ranges::of(Path::new("/srv/one")));
        assert_ne!(one.interfaces, two.interfaces);
        assert_ne!(one.subnet, Subnet::DEFAULT);
        for number in 0..2_000 {
            let ranges = Ranges::of(Path::new(&format!("/srv/{number}")));
            assert!(ranges.interfaces.len() <= 6);
            assert!(
                ranges.first_uid > FIRST_UID,
                "no overlap with the usual ids"
            );
        }
    }
}

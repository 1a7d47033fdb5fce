//! Owner, mode, times and extended attributes of an entry.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use tar::Entry;

/// How PAX headers name extended attributes.
const PAX_XATTR: &str = "SCHILY.xattr.";

/// Attributes that an image may set. `trusted.*` is not among them: overlayfs obeys it.
const ALLOWED: [&str; 3] = ["user.", "security.capability", "system.posix_acl_"];

pub(super) struct Meta {
    uid: Uid,
    gid: Gid,
    mode: Mode,
    times: Timestamps,
    xattrs: Vec<(String, Vec<u8>)>,
}

impl Meta {
    pub fn read<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<Self> {
        let mut modified = Timespec {
            tv_sec: entry
                .header()
                .mtime()
                .ok()
                .and_then(|s| s.try_into().ok())
                .unwrap_or(0),
            tv_nsec: 0,
        };
        let mut xattrs = Vec::new();
        if let Some(extensions) = entry.pax_extensions()? {
            for extension in extensions {
                let extension = extension?;
                let Ok(key) = extension.key() else { continue };
                if key == "mtime" {
                    modified = extension
                        .value()
                        .ok()
                        .and_then(parse_time)
                        .unwrap_or(modified);
                } else if let Some(name) = key.strip_prefix(PAX_XATTR).filter(|n| is_allowed(n)) {
                    xattrs.push((name.to_owned(), extension.value_bytes().to_vec()));
                }
            }
        }
        let header = entry.header();
        let id = |raw: u64| u32::try_from(raw).ok().filter(|id| *id != u32::MAX);
        let odd = || io::Error::new(io::ErrorKind::InvalidData, "an owner is out of range");
        Ok(Self {
            uid: Uid::from_raw(id(header.uid()?).ok_or_else(odd)?),
            gid: Gid::from_raw(id(header.gid()?).ok_or_else(odd)?),
            mode: Mode::from_raw_mode(header.mode()? & 0o7777),
            times: Timestamps {
                last_access: modified,
                last_modification: modified,
            },
            xattrs,
        })
    }

    /// Sets everything on an open file or directory. The order matters: a new owner clears the
    /// set-user-id bits and capabilities.
    pub fn apply(&self, fd: &impl AsFd) -> Result<(), Errno> {
        rustix::fs::fchown(fd, Some(self.uid), Some(self.gid))?;
        rustix::fs::fchmod(fd, self.mode)?;
        for (name, value) in &self.xattrs {
            match rustix::fs::fsetxattr(fd, name.as_str(), value, XattrFlags::empty()) {
                // Not every file system has every kind; images work without.
                Ok(()) | Err(Errno::OPNOTSUPP) => {}
                Err(e) => return Err(e),
            }
        }
        self.apply_times(fd)
    }

    pub fn apply_times(&self, fd: &impl AsFd) -> Result<(), Errno> {
        rustix::fs::futimens(fd, &self.times)
    }

    /// Sets owner and times of a symbolic link itself.
    pub fn apply_to_link(&self, parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
        let itself = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(parent, name, Some(self.uid), Some(self.gid), itself)?;
        rustix::fs::utimensat(parent, name, &self.times, itself)
    }
}

fn is_allowed(name: &str) -> bool {
    // `user.overlay.` steers an overlay that was mounted with `userxattr`.
    ALLOWED.iter().any(|prefix| name.starts_with(prefix)) && !name.starts_with("user.overlay.")
}

/// Reads seconds with a decimal part, as PAX has them.
fn parse_time(text: &str) -> Option<Timespec> {
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits: String = decimals
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let tv_sec: i64 = seconds.parse().ok()?;
    let tv_nsec: i64 = digits.parse().ok()?;
    Some(match seconds.starts_with('-') && tv_nsec > 0 {
        true => Timespec {
            tv_sec: tv_sec - 1,
            tv_nsec: 1_000_000_000 - tv_nsec,
        },
        false => Timespec { tv_sec, tv_nsec },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_times_keep_their_decimals() {
        let read = |text| parse_time(text).map(|t| (t.tv_sec, t.tv_nsec));
        assert_eq!(read("1700000000.25"), Some((1_700_000_000, 250_000_000)));
        assert_eq!(read("12"), Some((12, 0)));
        assert_eq!(read("-1.5"), Some((-2, 500_000_000)));
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn attributes_that_steer_overlayfs_are_left_out() {
        assert!(is_allowed("user.comment") && is_allowed("security.capability"));
        for name in [
            "trusted.overlay.redirect",
            "user.overlay.opaque",
            "security.selinux",
        ] {
            assert!(!is_allowed(name), "{name}");
        }
    }
}

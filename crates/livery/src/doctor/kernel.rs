//! The kernel: its version and what it was built with.

use super::{Finding, read};
use std::path::Path;

/// The first kernel whose overlayfs takes idmapped layers, so that images need not be copied for
/// each pod.
const KERNEL_MIN: (u32, u32) = (5, 19);

pub(super) fn version() -> Finding {
    const NAME: &str = "kernel";
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let (major, minor) = KERNEL_MIN;
    match parse(&release) {
        Some(found) if found >= KERNEL_MIN => Finding::good(NAME, release),
        Some(_) | None => Finding::bad(
            NAME,
            format!("{release}; pods need {major}.{minor} or newer"),
            "install a newer kernel (Debian 12, Ubuntu 22.10 and later have one) and restart",
        ),
    }
}

/// Returns the version that a kernel's release begins with.
fn parse(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}

pub(super) fn user_namespaces() -> Finding {
    const NAME: &str = "user namespaces";
    let most = read("/proc/sys/user/max_user_namespaces");
    let most = most.and_then(|text| text.parse::<u64>().ok());
    match most {
        Some(0) => Finding::bad(
            NAME,
            "switched off",
            "sysctl -w user.max_user_namespaces=15000",
        ),
        Some(most) => Finding::good(NAME, format!("at most {most}")),
        None => Finding::bad(
            NAME,
            "not in this kernel",
            "use a kernel with CONFIG_USER_NS",
        ),
    }
}

pub(super) fn seccomp() -> Finding {
    const NAME: &str = "seccomp";
    match read("/proc/sys/kernel/seccomp/actions_avail") {
        Some(actions) if actions.contains("errno") => Finding::good(NAME, "filters work"),
        Some(_) | None => Finding::bad(
            NAME,
            "not in this kernel",
            "use a kernel with CONFIG_SECCOMP_FILTER",
        ),
    }
}

pub(super) fn overlayfs() -> Finding {
    const NAME: &str = "overlayfs";
    let known = read("/proc/filesystems").unwrap_or_default();
    let known = known
        .lines()
        .any(|line| line.split_whitespace().last() == Some("overlay"));
    if known {
        return Finding::good(NAME, "works");
    }
    Finding::bad(NAME, "not loaded", "modprobe overlay")
}

pub(super) fn loop_devices() -> Finding {
    const NAME: &str = "loop devices";
    if Path::new("/dev/loop-control").exists() {
        return Finding::good(NAME, "work");
    }
    Finding::bad(NAME, "there is no /dev/loop-control", "modprobe loop")
}

pub(super) fn forwarding() -> Finding {
    const NAME: &str = "IP forwarding";
    match read("/proc/sys/net/ipv4/ip_forward").as_deref() {
        Some("1") => Finding::good(NAME, "on"),
        Some(_) => Finding::good(NAME, "off; the host agent switches it on for pods"),
        None => Finding::bad(NAME, "no IPv4 here", "use a kernel with IPv4"),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn releases_are_read_however_they_go_on() {
        assert_eq!(parse("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(parse("5.15.153.1-microsoft-standard-WSL2"), Some((5, 15)));
        assert_eq!(parse("6.18-rc1"), Some((6, 18)));
        assert_eq!(parse("unknown"), None);
    }
}

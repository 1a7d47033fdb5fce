//! The kernel: its version and what it was built with.

use super::caller::Caller;
use super::{Finding, read};
use std::path::Path;

/// The first kernel whose overlayfs takes idmapped layers, so that images need not be copied for
/// each pod.
const KERNEL_MIN: (u32, u32) = (5, 19);

pub(super) fn version(caller: Caller) -> Finding {
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
            caller.task(
                "install a newer kernel (Debian 12, Ubuntu 22.10 and later have one) and restart",
            ),
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

pub(super) fn user_namespaces(caller: Caller) -> Finding {
    const NAME: &str = "user namespaces";
    let most = read("/proc/sys/user/max_user_namespaces");
    let most = most.and_then(|text| text.parse::<u64>().ok());
    match most {
        Some(0) => Finding::bad(
            NAME,
            "switched off",
            caller.command("sysctl -w user.max_user_namespaces=15000"),
        ),
        Some(most) => Finding::good(NAME, format!("at most {most}")),
        None => Finding::bad(
            NAME,
            "not in this kernel",
            caller.task("use a kernel with CONFIG_USER_NS"),
        ),
    }
}

pub(super) fn seccomp(caller: Caller) -> Finding {
    const NAME: &str = "seccomp";
    match read("/proc/sys/kernel/seccomp/actions_avail") {
        Some(actions) if actions.contains("errno") => Finding::good(NAME, "filters work"),
        Some(_) | None => Finding::bad(
            NAME,
            "not in this kernel",
            caller.task("use a kernel with CONFIG_SECCOMP_FILTER"),
        ),
    }
}

pub(super) fn overlayfs(caller: Caller) -> Finding {
    const NAME: &str = "overlayfs";
    let known = read("/proc/filesystems").unwrap_or_default();
    let known = known
        .lines()
        .any(|line| line.split_whitespace().last() == Some("overlay"));
    if known {
        return Finding::good(NAME, "works");
    }
    if is_module("overlay") {
        return Finding::good(
            NAME,
            "not loaded yet; the kernel loads it for the first pod",
        );
    }
    Finding::bad(NAME, "not loaded", caller.command("modprobe overlay"))
}

/// Returns whether the running kernel has a module that it can load.
fn is_module(name: &str) -> bool {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let listed = |file: &str| {
        let list = read(&format!("/lib/modules/{release}/{file}")).unwrap_or_default();
        list.contains(&format!("/{name}.ko"))
    };
    listed("modules.dep") || listed("modules.builtin")
}

pub(super) fn loop_devices(caller: Caller) -> Finding {
    const NAME: &str = "loop devices";
    if Path::new("/dev/loop-control").exists() {
        return Finding::good(NAME, "work");
    }
    Finding::bad(
        NAME,
        "there is no /dev/loop-control",
        caller.command("modprobe loop"),
    )
}

pub(super) fn forwarding(caller: Caller) -> Finding {
    const NAME: &str = "IP forwarding";
    match read("/proc/sys/net/ipv4/ip_forward").as_deref() {
        Some("1") => Finding::good(NAME, "on"),
        Some(_) => Finding::good(NAME, "off; the host agent switches it on for pods"),
        None => Finding::bad(NAME, "no IPv4 here", caller.task("use a kernel with IPv4")),
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

//! Where libcontainer reads a configuration otherwise than it is specified.

use serde_json::Value;

/// How the format writes "these bits of an argument are equal to that".
const MASKED: &str = "SCMP_CMP_MASKED_EQ";

/// Rewrites a configuration that is right, so that libcontainer 0.7.0 does what it says.
///
/// In a masked comparison `value` is the mask and `valueTwo` what the masked argument must be, for runc
/// and every other runtime. libcontainer takes them the other way round: a mask of zero is true for
/// every argument, and the rule against namespaces would allow all of them.
pub(crate) fn for_libcontainer(mut config: Value) -> Value {
    if let Some(profile) = config.pointer_mut("/linux/seccomp") {
        swap_masks(profile);
    }
    config
}

fn swap_masks(profile: &mut Value) {
    let rules = profile.get_mut("syscalls").and_then(Value::as_array_mut);
    for rule in rules.into_iter().flatten() {
        let comparisons = rule.get_mut("args").and_then(Value::as_array_mut);
        for comparison in comparisons.into_iter().flatten() {
            if comparison["op"] == MASKED {
                let mask = comparison["value"].take();
                let wanted = comparison["valueTwo"].take();
                comparison["value"] = wanted;
                comparison["valueTwo"] = mask;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use libcontainer::oci_spec::runtime::LinuxSeccomp;
    use libcontainer::seccomp::initialize_seccomp;
    use serde_json::json;

    use super::*;

    /// An error that the kernel has for no `clone`, so that it can only come from the filter.
    const BY_THE_FILTER: i32 = libc::ENOTBLK;

    #[test]
    fn the_rule_against_namespaces_holds_in_libcontainer() {
        let right = || json!({ "linux": { "seccomp": super::super::seccomp::profile() } });
        let for_it = for_libcontainer(right());
        assert_eq!(clone_under(&for_it, libc::CLONE_NEWUSER), BY_THE_FILTER);
        assert_eq!(clone_under(&for_it, libc::CLONE_NEWNET), BY_THE_FILTER);
        assert_eq!(clone_under(&for_it, 0), 0);
        assert_ne!(
            clone_under(&right(), libc::CLONE_NEWUSER),
            BY_THE_FILTER,
            "libcontainer reads masks as they are specified by now: hand it the configuration as it is"
        );
    }

    /// Calls `clone` on a thread under the configuration's filter and returns its error, 0 for none.
    fn clone_under(config: &Value, flags: i32) -> i32 {
        let mut profile = config["linux"]["seccomp"].clone();
        profile["defaultErrnoRet"] = json!(BY_THE_FILTER);
        let profile: LinuxSeccomp = serde_json::from_value(profile).unwrap();
        let thread = std::thread::spawn(move || {
            // SAFETY: plain system calls; the filter is this thread's alone, and what is forked ends
            // without touching anything.
            unsafe {
                assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
                initialize_seccomp(&profile).unwrap();
                match libc::syscall(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0) {
                    0 => libc::_exit(0),
                    -1 => io::Error::last_os_error().raw_os_error().unwrap(),
                    child => {
                        let child = i32::try_from(child).unwrap();
                        libc::waitpid(child, std::ptr::null_mut(), 0);
                        0
                    }
                }
            }
        });
        thread.join().unwrap()
    }
}

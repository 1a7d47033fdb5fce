//! What a pod must not reach, tried from inside.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use livery_runtime::PodSpec;

use crate::bench::{Bench, idle_pod};

#[test]
fn homes_liverys_data_and_other_pods_are_out_of_sight() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    // As careless as an owner can be: everybody may read the secret.
    let secret = bench.path().join("secret");
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("key"), "s3cret").unwrap();
    for path in [bench.path(), &secret] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    bench.hide(secret.clone());
    let one = bench.pod(&idle_pod(1));
    let two = bench.pod(&idle_pod(2));
    bench.says(
        &one,
        "echo mine > /workspace/mine; echo mine > /root/mine; echo mine > /tmp/mine",
    );

    bench.fails(&two, &format!("ls {}", secret.display()));
    bench.fails(&two, &format!("ls {}", bench.root().display()));
    bench.fails(&two, "cat /etc/shadow");
    bench.fails(&two, "ls /etc/ssh");
    for path in [
        "/workspace",
        "/root",
        "/tmp",
        "/home",
        "/srv",
        "/mnt",
        "/run",
        "/var/tmp",
    ] {
        assert_eq!(bench.says(&two, &format!("ls -A {path}")), "", "{path}");
    }
    // The first process holds this machine's descriptors and program; it shows neither.
    for line in [
        "ls /proc/1/fd",
        "ls /proc/1/root/",
        "ls /proc/1/cwd/",
        "cat /proc/1/environ",
        "cat /proc/1/exe",
        "readlink /proc/1/exe",
        "cat /proc/1/maps | grep -q .",
        "head -c 1 /proc/1/mem",
    ] {
        bench.fails(&two, line);
    }
    assert_eq!(bench.says(&two, "ls /proc/self/fd | wc -l"), "4");
}

#[test]
fn an_owner_hidden_from_a_pod_may_hide_any_directory() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    // One inside what is shown, where the pod's root may write beside it.
    bench.hide("/usr/share/doc".into());
    bench.hide("/opt".into());
    let pod = bench.pod(&idle_pod(1));
    bench.fails(&pod, "ls /usr/share/doc");
    assert_eq!(bench.says(&pod, "ls -A /opt"), "");
    bench.says(&pod, "ls /usr/share > /dev/null");
}

#[test]
fn root_inside_has_no_power_outside() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    assert_eq!(bench.says(&pod, "cat /proc/self/uid_map | wc -l"), "1");
    assert_eq!(
        bench.says(&pod, "grep NoNewPrivs: /proc/self/status | cut -f2"),
        "1"
    );
    assert_eq!(
        bench.says(&pod, "grep Seccomp: /proc/self/status | cut -f2"),
        "2"
    );
    for line in [
        "mount -t tmpfs none /mnt",
        "mount --bind /usr /mnt",
        "umount /proc",
        "mount -o remount,rw /sys",
        "unshare --user true",
        "unshare --mount true",
        "nsenter --target 1 --mount true",
        "chroot /proc/1/root true",
        "mknod /tmp/disk b 259 0 && dd if=/tmp/disk of=/dev/null count=1",
        "mknod /tmp/mem c 1 1 && dd if=/tmp/mem of=/dev/null count=1",
        "echo 1 > /proc/sys/kernel/panic",
        "echo b > /proc/sysrq-trigger",
        "echo x > /sys/kernel/uevent_helper",
        "mkdir /sys/fs/cgroup/memory/mine",
        "echo -1 > /sys/fs/cgroup/memory/memory.limit_in_bytes",
        "date -s 2001-01-01",
        "hostname elsewhere",
        "touch /usr/bin/planted",
        "echo x >> /etc/passwd",
        "dmesg",
        "test -e /dev/loop0 -o -e /dev/kmsg -o -e /dev/mem -o -e /dev/sda -o -e /dev/vda",
        "cat /proc/kcore | head -c 1 | grep -q .",
    ] {
        bench.fails(&pod, line);
    }
    // The machine's other processes are not there: only the first, and those of this line.
    let count: usize = bench
        .says(&pod, "ls -d /proc/[0-9]* | wc -l")
        .parse()
        .unwrap();
    assert!(count <= 4, "{count}");
    let number = std::process::id();
    bench.fails(
        &pod,
        &format!("test -e /proc/{number} && grep -q pods /proc/{number}/comm"),
    );
}

#[test]
fn system_calls_that_reach_the_kernel_are_refused() {
    let Some(bench) = Bench::new() else { return };
    let pod = bench.pod(&idle_pod(1));
    // By number, as a hostile program would: the x86-64 numbers of what must not be reachable.
    if cfg!(not(target_arch = "x86_64")) || !bench.shell(&pod, "python3 -c ''").status.success() {
        println!("skipped: this machine has no x86-64 Python to make raw system calls with");
        return;
    }
    let calls = [
        ("init_module", 175),
        ("finit_module", 313),
        ("bpf", 321),
        ("kexec_load", 246),
        ("perf_event_open", 298),
        ("keyctl", 250),
        ("add_key", 248),
        ("open_by_handle_at", 304),
        ("userfaultfd", 323),
        ("io_uring_setup", 425),
        ("open_tree", 428),
        ("fsopen", 430),
        ("setns", 308),
        ("pivot_root", 155),
        ("swapon", 167),
        ("reboot", 169),
    ];
    let numbers: Vec<String> = calls.iter().map(|(_, number)| number.to_string()).collect();
    let program = format!(
        "import ctypes\nc = ctypes.CDLL(None, use_errno=True)\nfor n in [{}]:\n    \
         r = c.syscall(n, -1, 0, 0, 0, 0)\n    print(n, r, ctypes.get_errno())",
        numbers.join(",")
    );
    let answers = bench.says(&pod, &format!("python3 -c '{program}'"));
    for (line, (name, number)) in answers.lines().zip(calls) {
        assert_eq!(
            line,
            format!("{number} -1 1"),
            "{name} is not refused with EPERM"
        );
    }
    assert_eq!(answers.lines().count(), calls.len());
}

#[test]
fn python_environments_can_be_made_and_used() {
    let Some(bench) = Bench::new() else { return };
    let spec = PodSpec {
        container_disk: livery_units::Bytes::mib(256),
        ..idle_pod(1)
    };
    let pod = bench.pod(&spec);
    if !bench
        .shell(&pod, "python3 -c 'import venv'")
        .status
        .success()
    {
        println!("skipped: this machine has no Python with venv");
        return;
    }
    bench.says(
        &pod,
        "python3 -m venv --without-pip /root/env && /root/env/bin/python -c 'print(1)'",
    );
    bench.says(
        &pod,
        "mkdir -p /usr/local/bin && touch /usr/local/bin/mine /etc/mine /var/lib/mine",
    );
    bench.says(
        &pod,
        "test $(stat -c %U:%a /tmp) = root:1777 && mktemp && touch /dev/shm/x",
    );
    bench.says(&pod, "echo x > /dev/null && head -c 4 /dev/urandom | wc -c");
}

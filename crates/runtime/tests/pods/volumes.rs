//! Network volumes: they outlive pods, have one pod at a time, a hard size, and can grow.

use livery_runtime::{Error, PodSpec, Volume};
use livery_units::{Bytes, Span, VolumeId};
use std::path::PathBuf;

use crate::bench::{Bench, idle_pod};

const SIZE: Bytes = Bytes::mib(128);

fn volume_id(number: u128) -> VolumeId {
    VolumeId::from_entropy((u128::from(std::process::id()) << 32) | number)
}

fn pod_with(number: u128, volume: &VolumeId) -> PodSpec {
    PodSpec {
        volume: Some(Volume {
            size: Bytes::ZERO,
            mount_path: PathBuf::from("/workspace"),
            network: Some(volume.clone()),
        }),
        ..idle_pod(number)
    }
}

#[test]
fn a_volume_is_beside_the_pods_own_disk() {
    let Some(bench) = Bench::new() else {
        return;
    };
    let id = volume_id(5);
    bench.runtime().volume_create(&id, SIZE).unwrap();
    let pod = |number, path: &str| PodSpec {
        beside: Some(Volume {
            size: Bytes::ZERO,
            mount_path: PathBuf::from(path),
            network: Some(id.clone()),
        }),
        ..idle_pod(number)
    };
    let wrong = bench.runtime().create(&pod(1, "/mnt/../etc"));
    assert!(matches!(wrong, Err(Error::BadSpec(_))), "{wrong:?}");
    // What the container runtime says of it names neither the volume nor the place.
    let over_a_file = pod(1, "/etc/hostname");
    let failed = bench.runtime().create(&over_a_file).unwrap_err();
    let said = failed.to_string();
    assert!(said.contains("network volume at /etc/hostname"), "{said}");
    bench.runtime().remove(&over_a_file.id).unwrap();
    // Also below the disk that is the pod's own.
    for (number, path) in [(2, "/mnt/set"), (3, "/workspace/set")] {
        let one = bench.pod(&pod(number, path));
        let other = bench.runtime().create(&pod(9, path)).unwrap_err();
        assert!(matches!(other, Error::VolumeInUse { .. }), "{other}");
        bench.says(
            &one,
            "mountpoint -q /workspace && echo mine > /workspace/own",
        );
        bench.says(
            &one,
            &format!("mountpoint -q {path} && echo {number} >> {path}/file"),
        );
        bench.runtime().stop(&one, Span::ZERO).unwrap();
        bench.runtime().start(&one).unwrap();
        assert_eq!(bench.says(&one, "cat /workspace/own"), "mine");
        bench.runtime().remove(&one).unwrap();
    }
    let last = bench.pod(&pod(4, "/mnt/set"));
    assert_eq!(bench.says(&last, "cat /mnt/set/file"), "2\n3");
    bench.runtime().remove(&last).unwrap();
    bench.runtime().volume_delete(&id).unwrap();
}

/// What the file system at /workspace can hold in all, in KiB.
const KIB_IN_ALL: &str = "df --output=size -k /workspace | tail -n 1";

#[test]
fn what_one_pod_wrote_the_next_reads_and_changes() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    let id = volume_id(1);
    let made = bench.runtime().volume_create(&id, SIZE).unwrap();
    assert_eq!((&made.id, made.size), (&id, SIZE));
    assert_eq!(bench.runtime().volume_create(&id, SIZE).unwrap().size, SIZE);

    let first = bench.pod(&pod_with(1, &id));
    bench.says(
        &first,
        "ls -A /workspace; mkdir /workspace/d; echo one > /workspace/d/f; chmod 600 /workspace/d/f; \
         touch /workspace/user; chown 1000:1000 /workspace/user",
    );
    // One pod at a time, and no removal from under it.
    let second = pod_with(2, &id);
    let refused = bench.runtime().create(&second).unwrap_err();
    assert!(matches!(&refused, Error::VolumeInUse { pod, .. } if *pod == first));
    assert!(refused.to_string().contains(first.as_str()), "{refused}");
    assert_eq!(bench.runtime().state(&second.id).unwrap(), None);
    let refused = bench.runtime().volume_delete(&id).unwrap_err();
    assert!(matches!(refused, Error::VolumeInUse { .. }), "{refused}");
    // It stays with a stopped pod, also for an agent that knows nothing yet.
    bench.runtime().stop(&first, Span::ZERO).unwrap();
    bench.reopen();
    let refused = bench.runtime().create(&second).unwrap_err();
    assert!(matches!(refused, Error::VolumeInUse { .. }), "{refused}");
    bench.runtime().start(&first).unwrap();
    assert_eq!(bench.says(&first, "cat /workspace/d/f"), "one");
    bench.runtime().remove(&first).unwrap();

    // Another range of ids, and the same owners inside. The first pod's slot is taken meanwhile.
    let between = bench.pod(&idle_pod(3));
    let second = bench.pod(&second);
    assert_eq!(
        bench.says(
            &second,
            "cat /workspace/d/f; stat -c %u:%g /workspace /workspace/d/f /workspace/user"
        ),
        "one\n0:0\n0:0\n1000:1000"
    );
    bench.says(&second, "echo two >> /workspace/d/f; rm /workspace/user");
    bench.runtime().remove(&second).unwrap();
    bench.runtime().remove(&between).unwrap();
    let third = bench.pod(&pod_with(4, &id));
    assert_eq!(
        bench.says(&third, "cat /workspace/d/f; ls /workspace"),
        "one\ntwo\nd"
    );
    bench.runtime().remove(&third).unwrap();

    assert_eq!(bench.runtime().volumes().unwrap().len(), 1);
    bench.runtime().volume_delete(&id).unwrap();
    bench.runtime().volume_delete(&id).unwrap();
    assert_eq!(bench.runtime().volumes().unwrap(), []);
    let left = std::fs::read_dir(bench.root().join("volumes")).unwrap();
    assert_eq!(left.count(), 0);
    let refused = bench.runtime().create(&pod_with(5, &id)).unwrap_err();
    assert!(matches!(refused, Error::NoSuchVolume(_)), "{refused}");
}

/// Whether this process has CAP_SYS_RESOURCE, which the kernel asks for to grow what is mounted.
fn may_grow_mounted() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let held = u64::from_str_radix(line.unwrap().trim(), 16).unwrap();
    held & (1 << 24) != 0
}

#[test]
fn a_volume_is_full_at_its_size_and_grows_with_what_is_on_it() {
    let Some(bench) = Bench::new() else {
        return;
    };
    let id = volume_id(1);
    bench.runtime().volume_create(&id, SIZE).unwrap();
    let pod = bench.pod(&pod_with(1, &id));
    let fill = "dd if=/dev/zero of=/workspace/full bs=1M count=400 2>&1";
    let full = bench.fails(&pod, fill);
    let said = String::from_utf8_lossy(&full.stdout).into_owned();
    assert!(said.contains("No space left"), "{said}");
    let before: u64 = bench.says(&pod, KIB_IN_ALL).parse().unwrap();
    assert!(before < 128 << 10, "{before}");

    let refused = bench.runtime().volume_resize(&id, Bytes::mib(127));
    assert!(matches!(refused, Err(Error::BadSpec(_))), "{refused:?}");
    let larger = Bytes::mib(512);
    let under_the_pod = bench.runtime().volume_resize(&id, larger);
    if may_grow_mounted() {
        assert_eq!(under_the_pod.unwrap().size, larger);
        let after: u64 = bench.says(&pod, KIB_IN_ALL).parse().unwrap();
        assert!(after > 450 << 10, "{after}");
    } else {
        let refused = under_the_pod.unwrap_err().to_string();
        assert!(refused.contains("stop the pod"), "{refused}");
        let size = bench.runtime().volume(&id).unwrap().unwrap().size;
        assert_eq!(size, SIZE);
        let image = std::fs::metadata(bench.root().join(format!("volumes/{id}.img")));
        assert_eq!(image.unwrap().len(), SIZE.get(), "nothing was changed");
    }
    bench.runtime().stop(&pod, Span::ZERO).unwrap();
    let grown = bench.runtime().volume_resize(&id, larger).unwrap();
    assert_eq!(grown.size, larger);
    bench.runtime().start(&pod).unwrap();
    let after: u64 = bench.says(&pod, KIB_IN_ALL).parse().unwrap();
    assert!(after > 450 << 10, "{after}");
    bench.says(&pod, fill);
    let too_much = bench.runtime().volume_resize(&id, Bytes::gib(1 << 30));
    assert!(
        matches!(too_much, Err(Error::DiskFull { .. })),
        "{too_much:?}"
    );
    bench.runtime().remove(&pod).unwrap();

    // It keeps what is on it.
    let largest = Bytes::gib(2);
    bench.runtime().volume_resize(&id, largest).unwrap();
    let pod = bench.pod(&pod_with(2, &id));
    let last: u64 = bench.says(&pod, KIB_IN_ALL).parse().unwrap();
    assert!(last > 1_900 << 10, "{last}");
    assert_eq!(bench.says(&pod, "stat -c %s /workspace/full"), "419430400");
    bench.runtime().remove(&pod).unwrap();
    bench.runtime().volume_delete(&id).unwrap();
}

#[test]
fn what_a_crash_left_of_a_volume_is_removed_or_made_anew() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    let (begun, half_gone) = (volume_id(1), volume_id(2));
    let volumes = bench.root().join("volumes");
    bench.runtime().volume_create(&half_gone, SIZE).unwrap();
    std::fs::write(volumes.join(format!("{begun}.img")), "half").unwrap();
    std::fs::remove_file(volumes.join(format!("{half_gone}.json"))).unwrap();
    assert_eq!(bench.runtime().volumes().unwrap(), []);
    // Asked for again by whoever wanted it.
    bench.runtime().volume_create(&begun, SIZE).unwrap();
    bench.reopen();
    let found = bench.runtime().volumes().unwrap();
    assert_eq!(
        found.iter().map(|one| &one.id).collect::<Vec<_>>(),
        [&begun]
    );
    assert_eq!(std::fs::read_dir(&volumes).unwrap().count(), 2);
    let pod = bench.pod(&pod_with(1, &begun));
    assert_eq!(bench.says(&pod, "ls -A /workspace"), "");
}

#[test]
fn a_volume_is_whole_after_its_pod_was_killed() {
    let Some(mut bench) = Bench::new() else {
        return;
    };
    let id = volume_id(1);
    bench.runtime().volume_create(&id, SIZE).unwrap();
    let pod = bench.pod(&pod_with(1, &id));
    bench.says(&pod, "echo kept > /workspace/file; sync");
    let livery_runtime::Status::Up { pid } = bench.status(&pod) else {
        panic!("it is up");
    };
    let init = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(init, rustix::process::Signal::KILL).unwrap();
    bench.reopen();
    bench.runtime().remove(&pod).unwrap();
    let next = bench.pod(&pod_with(2, &id));
    assert_eq!(bench.says(&next, "cat /workspace/file"), "kept");
}

//! Network volumes through the agent: what pods share one after the other, and what they do not.

use crate::bench::{Bench, PATIENCE, pod_id, pod_spec};
use livery_content::{Entry, Kind, Manifest, RelPath};
use livery_host_api::dto::{ApplyTree, PodSpec, PodState, VolumeSpec};
use livery_host_api::{Error, Host};
use livery_units::{Bytes, Span, VolumeId};

const MIB: u64 = 1 << 20;
const SPEC: VolumeSpec = VolumeSpec { size: 128 * MIB };

fn volume_id() -> VolumeId {
    VolumeId::from_entropy(u128::from(std::process::id()) << 32)
}

fn pod_with(volume: &VolumeId) -> PodSpec {
    PodSpec {
        volume_disk: 0,
        network_volume: Some(volume.to_string()),
        ..pod_spec()
    }
}

pub async fn a_volume_goes_from_pod_to_pod(bench: &mut Bench) {
    // What others do to the machine's disk meanwhile makes no difference.
    bench.options.limits.disk = Some(Bytes::gib(2));
    bench.restart().await;
    let before = bench.host().info().await.unwrap();
    let volume = volume_id();
    let lost = pod_with(&volume);
    let missing = bench.host().pod_create(&pod_id(1), &lost, Span::ZERO).await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
    for _ in 0..2 {
        let made = bench.host().volume_create(&volume, SPEC).await.unwrap();
        assert_eq!((made.size, made.pod), (SPEC.size, None));
    }
    // What it may grow to is nobody else's.
    let with = bench.host().info().await.unwrap();
    assert_eq!(with.free.disk, before.free.disk - SPEC.size);

    let (first, second) = (pod_id(1), pod_id(2));
    up(bench, &first, &volume).await;
    bench.says(&first, "echo one > /workspace/file").await;
    let listed = bench.host().volumes().await.unwrap();
    assert_eq!(listed[0].pod, Some(first.to_string()));
    for refused in [
        bench
            .host()
            .pod_create(&second, &pod_with(&volume), PATIENCE)
            .await
            .map(drop),
        bench.host().volume_delete(&volume).await,
    ] {
        let Err(Error::WrongState(text)) = refused else {
            panic!("{refused:?}");
        };
        assert!(text.contains(first.as_str()), "{text}");
    }
    // The agent dies; the pod goes on and the next agent knows whose the volume is.
    bench.restart().await;
    assert_eq!(bench.says(&first, "cat /workspace/file").await, "one");
    let refused = bench.host().volume_delete(&volume).await;
    assert!(matches!(refused, Err(Error::WrongState(_))), "{refused:?}");
    bench.host().pod_remove(&first).await.unwrap();
    assert_eq!(bench.host().volume(&volume).await.unwrap().pod, None);

    up(bench, &second, &volume).await;
    let said = bench.says(&second, "cat /workspace/file; echo two > /workspace/file");
    assert_eq!(said.await, "one");
    bench
        .host()
        .pod_stop(&second, Span::from_secs(20))
        .await
        .unwrap();
    let larger = VolumeSpec { size: 256 * MIB };
    let grown = bench.host().volume_resize(&volume, larger).await.unwrap();
    assert_eq!(grown.size, larger.size);
    bench.host().pod_start(&second).await.unwrap();
    assert_eq!(bench.says(&second, "cat /workspace/file").await, "two");
    bench.host().pod_remove(&second).await.unwrap();
    for _ in 0..2 {
        bench.host().volume_delete(&volume).await.unwrap();
    }
    assert_eq!(bench.host().volumes().await.unwrap(), []);
    let gone = bench.host().volume(&volume).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
}

pub async fn a_volume_that_does_not_fit_is_refused(bench: &mut Bench) {
    let volume = volume_id();
    let too_big = VolumeSpec { size: 1 << 60 };
    let refused = bench.host().volume_create(&volume, too_big).await;
    assert!(matches!(refused, Err(Error::NoCapacity(_))), "{refused:?}");
    let odd = VolumeSpec { size: 1 };
    let refused = bench.host().volume_create(&volume, odd).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    bench.host().volume_create(&volume, SPEC).await.unwrap();
    let refused = bench.host().volume_resize(&volume, too_big).await;
    assert!(matches!(refused, Err(Error::NoCapacity(_))), "{refused:?}");
    let smaller = VolumeSpec {
        size: SPEC.size - 1,
    };
    let refused = bench.host().volume_resize(&volume, smaller).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    bench.host().volume_delete(&volume).await.unwrap();
}

pub async fn a_volume_that_cannot_be_read_keeps_its_room_and_nothing_else(bench: &mut Bench) {
    bench.options.limits.disk = Some(Bytes::gib(2));
    bench.restart().await;
    let volume = volume_id();
    bench.host().volume_create(&volume, SPEC).await.unwrap();
    let free = bench.host().info().await.unwrap().free;
    let record = bench
        .path()
        .join(format!("data/host/runtime/volumes/{volume}.json"));
    let good = std::fs::read(&record).unwrap();
    std::fs::write(&record, r#"{"of": "a newer agent"}"#).unwrap();
    bench.restart().await;
    let info = bench.host().info().await.unwrap();
    assert_eq!(info.free, free, "what it may hold is nobody else's");
    let pod = bench.pod(1).await;
    let listed = bench.host().volumes().await.unwrap();
    assert_eq!((listed.len(), listed[0].size), (1, SPEC.size));
    // Whoever wants that one is told why not.
    let asked = bench.host().volume(&volume).await;
    let Err(Error::Internal(why)) = asked else {
        panic!("{asked:?}");
    };
    assert!(why.contains("another version"), "{why}");
    std::fs::write(&record, good).unwrap();
    let asked = bench.host().volume(&volume).await.unwrap();
    assert_eq!(asked.size, SPEC.size);
    bench.host().pod_remove(&pod).await.unwrap();
    bench.host().volume_delete(&volume).await.unwrap();
}

pub async fn a_volume_stays_where_a_file_or_a_link_is_sent(bench: &mut Bench) {
    let (volume, pod) = (volume_id(), pod_id(1));
    bench.host().volume_create(&volume, SPEC).await.unwrap();
    let beside = PodSpec {
        network_volume: Some(volume.to_string()),
        network_path: Some("/workspace/workdir/sets".to_owned()),
        ..pod_spec()
    };
    let made = bench.host().pod_create(&pod, &beside, PATIENCE).await;
    assert_eq!(made.unwrap().state, PodState::Up);
    // Empty on both sides of the mount, as it is for a pod's first run.
    let mounted = "mountpoint -q workdir/sets && rmdir workdir/sets/lost+found 2>/dev/null; \
                   mountpoint -q workdir/sets && ls -A workdir/sets";
    assert_eq!(bench.says(&pod, mounted).await, "");
    let file = Kind::File {
        size: 0,
        chunks: Vec::new(),
    };
    let link = Kind::Symlink {
        target: b"local-data".to_vec(),
    };
    for kind in [file, link] {
        let tree = vec![Entry {
            path: RelPath::new("sets").unwrap(),
            mode: 0o777,
            mtime_ns: 0,
            kind,
        }];
        let manifest = crate::content::put(bench, &Manifest::new(tree).unwrap()).await;
        let apply = ApplyTree {
            manifest: manifest.to_string(),
            dest: "workdir".to_owned(),
        };
        let refused = bench.host().tree_apply(&pod, &apply).await;
        let Err(Error::Invalid(why)) = refused else {
            panic!("{refused:?}");
        };
        assert!(
            why.contains("`sets` is in the way: a disk is mounted"),
            "{why}"
        );
        assert_eq!(bench.says(&pod, mounted).await, "");
    }
    bench.host().pod_remove(&pod).await.unwrap();
    bench.host().volume_delete(&volume).await.unwrap();
}

async fn up(bench: &Bench, pod: &livery_units::PodId, volume: &VolumeId) {
    let made = bench
        .host()
        .pod_create(pod, &pod_with(volume), PATIENCE)
        .await;
    let made = made.unwrap();
    assert_eq!(made.state, PodState::Up, "{made:?}");
}

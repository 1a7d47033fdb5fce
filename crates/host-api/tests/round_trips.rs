//! Every method and every error, over a pipe and over a unix socket.

mod fixture;

use fixture::{Memory, over_both, pod_id, status, task_id, task_status, volume_id, volume_status};
use futures_util::{StreamExt, TryStreamExt, stream};
use livery_host_api::dto::*;
use livery_host_api::{Error, Follow, Host, HostClient};
use livery_units::{ContentHash, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

fn pod_spec() -> PodSpec {
    PodSpec {
        tenant: Tenant::Owner,
        launch_key: "key_1".into(),
        name: "näm\"e".into(),
        image: "ubuntu:22.04".into(),
        credentials: None,
        command: Some(vec!["sh".into(), "-c".into(), "a\nb".into()]),
        env: BTreeMap::from([("A".into(), "b=c".into())]),
        gpu_count: 1,
        gpu_model: Some("RTX 4090".into()),
        vcpu_milli: 2_500,
        memory: u64::MAX,
        container_disk: 1,
        volume_disk: 2,
        network_volume: Some("vol_1".into()),
        network_path: Some("/mnt/data".into()),
        pids: 3,
    }
}

#[tokio::test]
async fn volumes_travel_whole() {
    over_both(async |memory: Arc<Memory>, client: HostClient| {
        let volume = volume_id();
        let spec = VolumeSpec { size: u64::MAX };
        assert_eq!(client.volumes().await, memory.volumes().await);
        let shown = client.volume(&volume).await;
        assert_eq!(shown.unwrap(), volume_status(&volume, 2));
        let made = client.volume_create(&volume, spec).await;
        assert_eq!(made.unwrap(), volume_status(&volume, spec.size));
        assert_eq!(memory.last(), format!("create {volume}"));
        let grown = client.volume_resize(&volume, VolumeSpec { size: 3 }).await;
        assert_eq!(grown.unwrap(), volume_status(&volume, 3));
        assert_eq!(memory.last(), format!("resize {volume}"));
        client.volume_delete(&volume).await.unwrap();
        assert_eq!(memory.last(), format!("delete {volume}"));
    })
    .await;
}

#[tokio::test]
async fn pods_travel_whole() {
    over_both(async |memory: Arc<Memory>, client: HostClient| {
        let (pod, spec) = (pod_id(), pod_spec());
        assert_eq!(client.info().await, memory.info().await);
        assert_eq!(client.pods().await, memory.pods().await);
        assert_eq!(client.pod(&pod).await.unwrap(), status(&pod, "seen".into()));
        let made = client.pod_create(&pod, &spec, Span::from_millis(17)).await;
        assert_eq!(made.unwrap(), status(&pod, format!("{spec:?}")));
        assert!(memory.last().ends_with(&Span::from_millis(17).to_string()));
        client.pod_stop(&pod, Span::from_secs(3)).await.unwrap();
        assert_eq!(memory.last(), format!("stop {pod} {}", Span::from_secs(3)));
        client.pod_start(&pod).await.unwrap();
        assert_eq!(memory.last(), format!("start {pod}"));
        client.pod_remove(&pod).await.unwrap();
        assert_eq!(memory.last(), format!("remove {pod}"));
        let stats = client.pod_stats(&pod).await.unwrap();
        assert_eq!(stats.memory_peak, u64::MAX);
        let activity = client.activity().await.unwrap();
        assert_eq!(activity, memory.activity().await.unwrap());
        let probe = ProbeSpec {
            commands: vec![ProbeCommand {
                command: "true".into(),
                timeout_ms: 6,
            }],
        };
        let facts = client.probe(&pod, &probe).await.unwrap();
        let clock = facts.clock.unwrap();
        let told = (clock.asked_ms, clock.answered_ms, clock.pod_less_host_ms);
        assert_eq!(told, (5, 6, -4));
        assert_eq!(memory.last(), format!("probe {pod} {probe:?}"));
    })
    .await;
}

#[tokio::test]
async fn tasks_travel_whole() {
    over_both(async |memory: Arc<Memory>, client: HostClient| {
        let (pod, task) = (pod_id(), task_id());
        let spec = TaskSpec {
            argv: vec!["python3".into(), "x.py".into()],
            env: BTreeMap::new(),
            workdir: "/workspace".into(),
        };
        let started = client.task_start(&pod, &task, &spec).await.unwrap();
        assert_eq!(started, task_status(&task, format!("{spec:?}")));
        let seen = client.task(&pod, &task, Span::from_secs(1)).await.unwrap();
        assert_eq!(seen, task_status(&task, "seen".into()));
        let signal = SignalTask {
            signal: 15,
            kill_after_ms: Some(10),
        };
        client.task_signal(&pod, &task, &signal).await.unwrap();
        assert_eq!(memory.last(), format!("signal {pod} {task} {signal:?}"));
        let log = client.task_log(&pod, &task, 44, Follow::Yes).await.unwrap();
        assert_eq!(log.start, 49, "what was cut is said");
        let pieces: Vec<_> = log.bytes.try_collect().await.unwrap();
        assert_eq!(pieces.concat(), b"abc\n");
        assert_eq!(memory.last(), format!("log {pod} {task} 44 Yes"));
    })
    .await;
}

#[tokio::test]
async fn content_travels_whole() {
    over_both(async |memory: Arc<Memory>, client: HostClient| {
        let names = [
            ContentHash::from_bytes([1; 32]),
            ContentHash::from_bytes([2; 32]),
        ];
        let blobs = Blobs::from_hashes(&names);
        assert_eq!(client.content_missing(&blobs).await.unwrap(), blobs);
        assert_eq!(blobs.to_hashes().unwrap(), names);
        let pieces = (0..64).map(|_| Ok(vec![7; 100_000].into()));
        let frames = stream::iter(pieces.collect::<Vec<_>>()).boxed();
        client.content_put(frames).await.unwrap();
        assert_eq!(memory.last(), "put 6400000");
        let got = client.content_get(&blobs).await.unwrap();
        let got: Vec<_> = got.try_collect().await.unwrap();
        assert_eq!(got.concat(), blobs.hashes.concat().as_bytes());
        client.content_keep(&names).await.unwrap();
        assert_eq!(memory.last(), format!("keep {:?}", &names[..]));
        let tree = ApplyTree {
            manifest: "m".into(),
            dest: "data set".into(),
        };
        let applied = client.tree_apply(&pod_id(), &tree).await.unwrap();
        assert_eq!(applied.files_kept, 3);
        let collect = CollectTree {
            base: "/workspace".into(),
            patterns: vec!["**/*.png".into()],
        };
        let collected = client.tree_collect(&pod_id(), &collect).await.unwrap();
        assert_eq!(collected.notes, collect.patterns);
    })
    .await;
}

#[tokio::test]
async fn every_error_arrives_as_itself() {
    over_both(async |memory: Arc<Memory>, client: HostClient| {
        let message = || "für \"you\": 日本".to_owned();
        for error in [
            Error::NotFound(message()),
            Error::NoCapacity(message()),
            Error::Invalid(message()),
            Error::Image(message()),
            Error::WrongState(message()),
            Error::DiskFull(message()),
            Error::Internal(message()),
            Error::Unreachable(message()),
        ] {
            *memory.fail_with.lock().unwrap() = Some(error.clone());
            assert_eq!(client.info().await, Err(error.clone()));
            assert_eq!(client.pod_remove(&pod_id()).await, Err(error.clone()));
            let frames = stream::iter([Ok("x".into())]).boxed();
            assert_eq!(client.content_put(frames).await, Err(error.clone()));
            // An error that comes after the head of the answer ends the stream as itself too.
            let log = client.task_log(&pod_id(), &task_id(), 0, Follow::No).await;
            let pieces: Vec<_> = log.unwrap().bytes.collect().await;
            assert_eq!(pieces.len(), 4);
            assert_eq!(pieces[3], Err(error));
        }
    })
    .await;
}

#[tokio::test]
async fn the_words_of_an_error_are_few_and_steer_no_terminal() {
    over_both(async |memory: Arc<Memory>, client: HostClient| {
        let words = format!("\u{1b}[31mred\u{7}\n\u{202e}{}", "x".repeat(30_000));
        *memory.fail_with.lock().unwrap() = Some(Error::Image(words));
        let Err(Error::Image(shown)) = client.info().await else {
            panic!("the kind of the error was lost");
        };
        assert!(
            shown.starts_with("\u{fffd}[31mred\u{fffd} \u{fffd}xxx"),
            "{shown}"
        );
        assert_eq!(shown.chars().count(), 1_000);
        // More than any error has is not read.
        let flood = Error::Image("x".repeat(1 << 20));
        *memory.fail_with.lock().unwrap() = Some(flood);
        let refused = client.info().await.unwrap_err();
        assert!(
            refused.to_string().contains("more than 65536 bytes"),
            "{refused}"
        );
    })
    .await;
}

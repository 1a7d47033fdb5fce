//! The line that every command ends with tells of everything that costs or may cost, and of nothing
//! that is free.

use crate::support::{Bench, until};
use livery_domain::pod::{Phase, Pod};
use livery_domain::reminder::NoticeKind;
use livery_domain::volume::VolumePhase;
use livery_engine::{Closing, NewPod, NewVolume, Resting};
use livery_units::{Bytes, Money, Span};

const PATIENCE: Span = Span::from_secs(60);

async fn closing(bench: &Bench) -> Closing {
    bench.engine.closing(&bench.account).await.unwrap()
}

async fn up(bench: &Bench, name: &str) -> Pod {
    let new = NewPod {
        name: Some(name.to_owned()),
        volume_disk: Some(Bytes::gib(10)),
        ..bench.new_pod()
    };
    let pod = bench.engine.pod_create(&bench.account, new).await.unwrap();
    comes_to(bench, &pod, Phase::Running).await
}

async fn comes_to(bench: &Bench, pod: &Pod, phase: Phase) -> Pod {
    until(&format!("the pod is {phase}"), || async {
        let pod = bench.engine.pod_fetch(&bench.account, pod.id.as_str());
        let pod = pod.await.unwrap();
        (pod.phase() == phase).then_some(pod)
    })
    .await
}

async fn stop(bench: &Bench, pod: &Pod) {
    let stopped = bench.engine.pod_stop(&bench.account, pod.id.as_str());
    stopped.await.unwrap();
    comes_to(bench, pod, Phase::Stopped).await;
}

#[tokio::test]
async fn stopped_pods_and_volumes_are_told_of_when_they_cost() {
    let bench = Bench::new().await;
    let free = up(&bench, "free").await;
    stop(&bench, &free).await;
    assert_eq!(closing(&bench).await, Closing::default(), "it is free");

    bench
        .host
        .script(|script| script.storage_monthly_nanos = 7_300_000_000);
    let box_ = up(&bench, "box").await;
    let line = closing(&bench).await;
    assert_eq!(line.running.map(|running| running.pods), Some(1));
    assert_eq!(line.resting, None, "its disk is in what it costs");
    stop(&bench, &box_).await;
    let disk = box_.offer.storage.stopped.for_size(Bytes::gib(10));
    let disk = disk.unwrap().per_hour();
    assert!(disk > Money::ZERO);
    let line = closing(&bench).await;
    assert_eq!(line.running, None);
    assert_eq!(
        line.resting,
        Some(Resting {
            pods: 1,
            volumes: 0,
            hourly: disk
        })
    );

    let volume = NewVolume {
        name: "data".to_owned(),
        size: Bytes::gib(20),
        host: None,
    };
    let made = bench.engine.volume_create(&bench.account, volume).await;
    made.unwrap();
    let waited = bench.engine.volume_wait(&bench.account, "data", PATIENCE);
    let made = waited.await.unwrap().volume;
    assert_eq!(made.phase(), VolumePhase::Ready);
    let kept = made.rate.for_size(made.size).unwrap().per_hour();
    let resting = closing(&bench).await.resting.unwrap();
    assert_eq!((resting.pods, resting.volumes), (1, 1));
    assert_eq!(resting.hourly, disk.saturating_plus(kept));

    // What it says is what the sheet of spending says.
    let balance = bench.engine.balance(&bench.account).await.unwrap();
    assert_eq!(balance.hourly, resting.hourly);
}

#[tokio::test]
async fn stopped_pods_and_unused_volumes_are_reminded_of_when_they_cost() {
    let bench = Bench::new().await;
    let free = up(&bench, "free").await;
    stop(&bench, &free).await;
    bench
        .host
        .script(|script| script.storage_monthly_nanos = 7_300_000_000);
    let box_ = up(&bench, "box").await;
    stop(&bench, &box_).await;
    for name in ["unused", "used"] {
        let volume = NewVolume {
            name: name.to_owned(),
            size: Bytes::gib(20),
            host: None,
        };
        let made = bench.engine.volume_create(&bench.account, volume).await;
        made.unwrap();
        let waited = bench.engine.volume_wait(&bench.account, name, PATIENCE);
        let made = waited.await.unwrap().volume;
        assert_eq!(made.phase(), VolumePhase::Ready);
    }
    let new = NewPod {
        name: Some("user".to_owned()),
        network_volume: Some("used".parse().unwrap()),
        ..bench.new_pod()
    };
    let user = bench.engine.pod_create(&bench.account, new).await.unwrap();
    comes_to(&bench, &user, Phase::Running).await;
    bench.clock.forward(3 * 86_400);
    let kept = until("both are told of", || async {
        let kept = told_of_kept(&bench).await;
        (kept.len() == 2).then_some(kept)
    })
    .await;
    let says = |words: &str| kept.iter().any(|told| told.starts_with(words));
    assert!(
        says("pod box has been down for 3d, and its disk"),
        "{kept:?}"
    );
    assert!(says("volume unused of 20 GiB is there for 3d"), "{kept:?}");
    let told = closing(&bench).await.notices;
    let count = told.iter().filter(|told| told.message.contains("a month"));
    assert_eq!(count.count(), 2, "{told:?}");

    // What came up again is told of as what it is.
    let id = box_.id.as_str();
    bench.engine.pod_start(&bench.account, id).await.unwrap();
    comes_to(&bench, &box_, Phase::Running).await;
    let told = closing(&bench).await.notices;
    let is_down = |told: &str| told.starts_with("pod box has been down");
    assert!(!told.iter().any(|told| is_down(&told.message)), "{told:?}");
    assert_eq!(told_of_kept(&bench).await.len(), 2);
}

/// Has it looked at once what is due, and returns what was told of things that are kept.
async fn told_of_kept(bench: &Bench) -> Vec<String> {
    let settings = bench.engine.reminder_settings(&bench.account).await;
    let settings = settings.unwrap();
    let settled = bench.engine.reminder_settle(&bench.account, &settings);
    settled.await.unwrap();
    let rows = bench.engine.reminder_list(&bench.account, 100).await;
    let notices = rows.unwrap().into_iter().map(|row| row.notice);
    let kept = notices.filter(|notice| notice.kind == NoticeKind::StillKept);
    kept.map(|notice| notice.message).collect()
}

#[tokio::test]
async fn a_pod_that_does_not_answer_stays_in_the_line() {
    let bench = Bench::new().await;
    let pod = up(&bench, "box").await;
    assert_eq!(closing(&bench).await.silent, 0);
    bench.host.script(|script| script.unreachable = true);
    bench.clock.forward(600);
    let line = closing(&bench).await;
    assert_eq!(line.running.map(|running| running.pods), Some(1));
    assert_eq!(line.silent, 1);

    let id = pod.id.as_str();
    bench.engine.pod_stop(&bench.account, id).await.unwrap();
    until("nobody knows how it is", || async {
        closing(&bench).await.running.is_none().then_some(())
    })
    .await;
    assert_eq!(closing(&bench).await.silent, 1, "it may be running");
    bench.clock.forward(3_600);
    let told = until("it is told of", || async {
        let settings = bench.engine.reminder_settings(&bench.account).await;
        let settings = settings.unwrap();
        let settled = bench.engine.reminder_settle(&bench.account, &settings);
        settled.await.unwrap();
        let notices = closing(&bench).await.notices;
        let mut told = notices.into_iter().map(|notice| notice.message);
        told.next_back()
            .filter(|told| told.contains("asked to end"))
    })
    .await;
    assert!(told.contains("may still be running"), "{told}");
    assert!(told.contains("nobody has confirmed it ("), "{told}");
    bench.host.script(|script| script.unreachable = false);
    comes_to(&bench, &pod, Phase::Stopped).await;
    // That it might be running is no news any more.
    assert_eq!(closing(&bench).await, Closing::default());
}

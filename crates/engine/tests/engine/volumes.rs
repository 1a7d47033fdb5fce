//! Network volumes through the engine: what is wanted comes about, one pod has one at a time, and
//! every second of it is paid for once.

use crate::policies::tasks_come_round;
use crate::support::{Bench, until};
use livery_domain::pod::{Phase, Pod};
use livery_domain::reminder::NoticeKind;
use livery_domain::volume::VolumePhase;
use livery_engine::{Error, NewPod, NewVolume, VolumeRefusal, VolumeView, Which};
use livery_host_api::Error as HostError;
use livery_host_api::dto::VolumeSpec;
use livery_units::{Bytes, Money, Span, VolumeId};

const SIZE: Bytes = Bytes::gib(10);
const PATIENCE: Span = Span::from_secs(60);

fn wanted(name: &str) -> NewVolume {
    NewVolume {
        name: name.to_owned(),
        size: SIZE,
        host: None,
    }
}

pub async fn made(bench: &Bench, name: &str) -> VolumeView {
    let volume = bench.engine.volume_create(&bench.account, wanted(name));
    volume.await.unwrap();
    settled(bench, name, VolumePhase::Ready).await
}

pub async fn settled(bench: &Bench, id: &str, phase: VolumePhase) -> VolumeView {
    let waited = bench.engine.volume_wait(&bench.account, id, PATIENCE);
    let view = waited.await.unwrap();
    assert_eq!(view.volume.phase(), phase, "{view:?}");
    view
}

pub async fn show(bench: &Bench, id: &VolumeId) -> VolumeView {
    let shown = bench.engine.volume_fetch(&bench.account, id.as_str());
    shown.await.unwrap()
}

pub fn pod_with(bench: &Bench, volume: &str) -> NewPod {
    NewPod {
        network_volume: Some(volume.parse().unwrap()),
        ..bench.new_pod()
    }
}

async fn ended(bench: &Bench, pod: &Pod) {
    let id = pod.id.as_str();
    bench
        .engine
        .pod_terminate(&bench.account, id)
        .await
        .unwrap();
    let gone = bench.engine.pod_wait(&bench.account, id, PATIENCE);
    assert_eq!(gone.await.unwrap().phase(), Phase::Terminated);
}

/// Waits until a volume was seen at the present time of the engine's clock.
async fn seen_now(bench: &Bench, id: &VolumeId) -> VolumeView {
    let asked = livery_engine::Clock::now(&*bench.clock);
    until("the volume is looked at", || async {
        let view = show(bench, id).await;
        (view.volume.observed_at >= Some(asked)).then_some(view)
    })
    .await
}

fn code(error: &Error) -> &'static str {
    error.code()
}

#[tokio::test]
async fn a_volume_goes_from_pod_to_pod_and_stays_until_it_is_deleted() {
    let bench = Bench::new().await;
    let volume = made(&bench, "data").await.volume;
    let first = bench
        .engine
        .pod_create(&bench.account, pod_with(&bench, "data"))
        .await
        .unwrap();
    let mount = first.order.network_volume.as_ref().unwrap();
    assert_eq!(
        (&mount.volume, mount.path.as_str()),
        (&volume.id, "/workspace")
    );
    assert_eq!(first.order.volume_disk, Bytes::ZERO);
    assert_eq!(first.offer.host, Some(volume.host.clone()));
    assert_eq!(show(&bench, &volume.id).await.pod, Some(first.id.clone()));

    let second = pod_with(&bench, volume.id.as_str());
    let refused = bench.engine.pod_create(&bench.account, second.clone());
    let refused = refused.await.unwrap_err();
    assert_eq!(code(&refused), "VOL004");
    assert!(refused.to_string().contains(first.id.as_str()), "{refused}");
    let refused = bench.engine.volume_delete(&bench.account, "data").await;
    assert_eq!(code(&refused.unwrap_err()), "VOL004");
    // A stopped pod has it still.
    bench
        .engine
        .pod_stop(&bench.account, first.id.as_str())
        .await
        .unwrap();
    let refused = bench.engine.pod_create(&bench.account, second.clone());
    assert_eq!(code(&refused.await.unwrap_err()), "VOL004");
    ended(&bench, &first).await;
    let second = bench
        .engine
        .pod_create(&bench.account, second)
        .await
        .unwrap();
    ended(&bench, &second).await;

    for _ in 0..2 {
        bench
            .engine
            .volume_delete(&bench.account, "data")
            .await
            .unwrap();
    }
    let gone = settled(&bench, volume.id.as_str(), VolumePhase::Deleted).await;
    assert!(gone.volume.ended.is_some());
    assert_eq!(bench.host.volumes.list(), []);
    let listed = bench.engine.volume_list(&bench.account, Which::Live).await;
    assert_eq!(listed.unwrap(), []);
    let refused = bench
        .engine
        .pod_create(&bench.account, pod_with(&bench, "data"))
        .await;
    assert_eq!(code(&refused.unwrap_err()), "VOL005");
    // Its name is free again.
    made(&bench, "data").await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason() {
    let bench = Bench::new().await;
    made(&bench, "data").await;
    let with = |change: fn(&mut NewVolume)| {
        let mut wanted = wanted("other");
        change(&mut wanted);
        wanted
    };
    for (code, wanted) in [
        ("VOL002", with(|wanted| wanted.name = "data".to_owned())),
        ("VOL003", with(|wanted| wanted.name = "a b".to_owned())),
        ("VOL003", with(|wanted| wanted.size = Bytes::mib(1))),
        ("VOL006", with(|wanted| wanted.size = Bytes::gib(1 << 20))),
        (
            "VOL006",
            with(|wanted| wanted.host = Some("nobody".to_owned())),
        ),
    ] {
        let refused = bench.engine.volume_create(&bench.account, wanted).await;
        assert_eq!(refused.unwrap_err().code(), code);
    }
    for (name, host) in [("by-name", "simulated"), ("by-id", "host_simulated")] {
        let wanted = NewVolume {
            host: Some(host.to_owned()),
            ..wanted(name)
        };
        let volume = bench.engine.volume_create(&bench.account, wanted).await;
        assert_eq!(volume.unwrap().volume.host.as_str(), "host_simulated");
    }
    let smaller = bench
        .engine
        .volume_resize(&bench.account, "data", Bytes::gib(9));
    assert_eq!(code(&smaller.await.unwrap_err()), "VOL003");
    let nobody = bench.engine.volume_fetch(&bench.account, "nobody").await;
    assert_eq!(code(&nobody.unwrap_err()), "VOL001");
    let stranger = "acc_stranger".parse().unwrap();
    let foreign = bench.engine.volume_fetch(&stranger, "data").await;
    assert_eq!(code(&foreign.unwrap_err()), "VOL001");
    let two = NewPod {
        volume_disk: Some(Bytes::gib(1)),
        ..pod_with(&bench, "data")
    };
    let refused = bench.engine.pod_create(&bench.account, two).await;
    assert!(matches!(
        refused,
        Err(Error::Volume(VolumeRefusal::TwoDisks))
    ));
}

#[tokio::test]
async fn a_supplier_that_is_down_keeps_no_other_from_making_a_volume() {
    let bench = Bench::new().await;
    // It is asked before our own hosts are, and fails.
    bench.cloud.script(|script| script.keeps_volumes = true);
    made(&bench, "data").await;
    let huge = NewVolume {
        size: Bytes::gib(1 << 20),
        ..wanted("huge")
    };
    let refused = bench.engine.volume_create(&bench.account, huge).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "VOL006");
    let shown = refused.to_string();
    for part in [
        "simulated: ",
        "supplier cloud does not answer: ",
        "cloud is down",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[tokio::test]
async fn each_second_is_paid_for_once_at_the_size_of_that_second() {
    let mut bench = Bench::new().await;
    let volume = made(&bench, "data").await.volume;
    bench.clock.forward(3_600);
    seen_now(&bench, &volume.id).await;
    let larger = Bytes::gib(30);
    bench
        .engine
        .volume_resize(&bench.account, "data", larger)
        .await
        .unwrap();
    settled(&bench, "data", VolumePhase::Ready).await;
    bench.clock.forward(7_200);
    seen_now(&bench, &volume.id).await;
    bench
        .engine
        .volume_delete(&bench.account, "data")
        .await
        .unwrap();
    let gone = settled(&bench, volume.id.as_str(), VolumePhase::Deleted).await;

    let meters = bench.store.meter_list_of_volume(&volume.id).await.unwrap();
    let sizes = [SIZE, larger].map(|size| volume.rate.for_size(size).unwrap());
    assert_eq!(meters.iter().map(|one| one.rate).collect::<Vec<_>>(), sizes);
    let (began, kept_until) = (gone.volume.began.unwrap(), gone.volume.kept_until.unwrap());
    assert_eq!(meters[0].began, began);
    assert_eq!(meters[1].began, meters[0].closed.unwrap());
    assert_eq!(meters[1].until, kept_until);
    assert!((3_600..3_700).contains(&meters[0].counted().secs()));
    assert!((7_200..7_300).contains(&meters[1].counted().secs()));
    // No second is lost and none counted twice.
    let whole = meters[0].counted().secs() + meters[1].counted().secs();
    assert_eq!(whole, kept_until.since(began).secs());
    // Nothing but the volume is on this host.
    let earned = bench.store.earnings().await.unwrap();
    let charged: Money = earned.iter().map(|(_, amount)| *amount).sum();
    let due: Money = meters
        .iter()
        .map(|meter| meter.rate.accrued(meter.counted()).unwrap())
        .sum();
    assert_eq!(charged, due);
    assert!(charged > Money::ZERO);
    bench.store.ledger_check().await.unwrap();
    // What is gone costs nothing more, however often its meter is looked at.
    bench.clock.hurry(200);
    bench.restart().await;
    bench.clock.forward(7_200);
    tasks_come_round(&bench, &["metering", "volume-reconciler", "credit"]).await;
    assert_eq!(
        bench.store.meter_list_of_volume(&volume.id).await.unwrap(),
        meters
    );
}

#[tokio::test]
async fn a_volume_that_no_host_takes_is_given_up_and_free() {
    let bench = Bench::new().await;
    let full = HostError::DiskFull("somebody was quicker".into());
    bench.host.volumes.refuse(Some(full));
    let volume = bench
        .engine
        .volume_create(&bench.account, wanted("data"))
        .await
        .unwrap()
        .volume;
    let gone = settled(&bench, volume.id.as_str(), VolumePhase::Deleted).await;
    let reason = gone.volume.reason.unwrap();
    assert!(reason.contains("somebody was quicker"), "{reason}");
    assert_eq!(gone.volume.began, None);
    assert_eq!(
        bench.store.meter_list_of_volume(&volume.id).await.unwrap(),
        []
    );
    // Trouble that passes is waited for.
    let broken = HostError::Internal("for now".into());
    bench.host.volumes.refuse(Some(broken));
    bench
        .engine
        .volume_create(&bench.account, wanted("data"))
        .await
        .unwrap();
    until("the trouble is noted", || async {
        let view = bench.engine.volume_fetch(&bench.account, "data").await;
        let reason = view.unwrap().volume.reason?;
        reason.contains("for now").then_some(())
    })
    .await;
    bench.host.volumes.refuse(None);
    let view = settled(&bench, "data", VolumePhase::Ready).await;
    assert_eq!(view.volume.reason, None);
}

#[tokio::test]
async fn a_volume_that_vanished_is_told_of_not_paid_for_and_not_made_anew() {
    let bench = Bench::new().await;
    let volume = made(&bench, "data").await.volume;
    bench.clock.forward(600);
    let last = seen_now(&bench, &volume.id).await.volume.kept_until;
    // The host is silent for a day and comes back without its disks.
    bench.host.script(|script| script.unreachable = true);
    bench.clock.forward(86_400);
    until("the silence is noted", || async {
        let reason = show(&bench, &volume.id).await.volume.reason?;
        reason.contains("cut").then_some(())
    })
    .await;
    let silent = show(&bench, &volume.id).await.volume;
    assert_eq!(silent.phase(), VolumePhase::Ready);
    bench.host.volumes.lose();
    bench.host.script(|script| script.unreachable = false);
    let lost = until("the volume is missing", || async {
        let volume = show(&bench, &volume.id).await.volume;
        (volume.phase() == VolumePhase::Missing).then_some(volume)
    })
    .await;
    assert_eq!(lost.kept_until, last);
    // Told before the row says so, and once.
    let notices = bench.store.notice_list(&bench.account, 100).await.unwrap();
    let told = notices
        .iter()
        .filter(|row| row.notice.kind == NoticeKind::Orphan && row.notice.message.contains("data"));
    assert_eq!(told.count(), 1, "{notices:?}");
    assert!(lost.reason.unwrap().contains("not there any more"));
    assert_eq!(bench.host.volumes.list(), []);
    let refused = bench
        .engine
        .pod_create(&bench.account, pod_with(&bench, "data"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "VOL005");
    let meters = bench.store.meter_list_of_volume(&volume.id).await.unwrap();
    assert_eq!(meters.last().unwrap().until, last.unwrap());
    bench
        .engine
        .volume_delete(&bench.account, "data")
        .await
        .unwrap();
    settled(&bench, volume.id.as_str(), VolumePhase::Deleted).await;
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn an_engine_that_dies_is_followed_by_one_that_goes_on() {
    let mut bench = Bench::new().await;
    let volume = bench
        .engine
        .volume_create(&bench.account, wanted("data"))
        .await
        .unwrap()
        .volume;
    bench.restart().await;
    settled(&bench, "data", VolumePhase::Ready).await;
    assert_eq!(bench.host.volumes.list().len(), 1);
    bench
        .engine
        .volume_delete(&bench.account, "data")
        .await
        .unwrap();
    bench.restart().await;
    settled(&bench, volume.id.as_str(), VolumePhase::Deleted).await;
    assert_eq!(bench.host.volumes.list(), []);
}

#[tokio::test]
async fn what_nobody_owns_is_reported_and_left_alone() {
    let mut bench = Bench::new().await;
    made(&bench, "data").await;
    let stray = VolumeId::from_entropy(77);
    let spec = VolumeSpec { size: 1 << 30 };
    bench.host.volumes.create(&stray, spec).unwrap();
    // The next control plane's sweeps tell the owner.
    bench.clock.hurry(100);
    bench.restart().await;
    until("the owner is told", || async {
        let notices = bench.store.notice_list(&bench.account, 100).await.unwrap();
        let told = |row: &livery_store::NoticeRow| row.notice.message.contains(stray.as_str());
        notices.iter().any(told).then_some(())
    })
    .await;
    assert_eq!(bench.host.volumes.list().len(), 2);
}

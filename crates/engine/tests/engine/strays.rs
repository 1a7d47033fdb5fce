//! Network volumes that no row stands for: listed, kept, and ended when their owner says so.

use crate::support::{Bench, until};
use livery_domain::orphan::Stray;
use livery_engine::{Error, Fate, Panic, Thing, ThingKind, Unknown, Volumes, Which};
use livery_host_api::dto::VolumeSpec;
use livery_units::VolumeId;

/// A bench whose host has a volume that nobody made here.
async fn with_a_stray() -> (Bench, VolumeId) {
    let bench = Bench::new().await;
    bench.clock.hurry(100);
    let volume = VolumeId::from_entropy(77);
    let spec = VolumeSpec { size: 1 << 30 };
    bench.host.volumes.create(&volume, spec).unwrap();
    let strays = until("it is found", || async {
        let strays = bench.engine.stray_list(Which::Live).await.unwrap();
        (!strays.is_empty()).then_some(strays)
    })
    .await;
    let [stray] = strays.try_into().unwrap();
    assert_eq!((&stray.volume, stray.size.get()), (&volume, 1 << 30));
    assert_eq!(stray.end_asked, None);
    (bench, volume)
}

async fn gone(bench: &Bench) -> Stray {
    until("it is gone", || async {
        let all = bench.engine.stray_list(Which::All).await.unwrap();
        all.into_iter().find(|stray| stray.gone.is_some())
    })
    .await
}

async fn panicked(bench: &Bench, panic: Panic, volume: &VolumeId) -> (Panic, Thing) {
    let report = bench.engine.panic(&bench.account, panic).await.unwrap();
    let of_it = |thing: &Thing| thing.kind == ThingKind::Volume && thing.id == volume.as_str();
    let thing = report.things.into_iter().find(of_it).unwrap();
    let since = Some(report.since);
    (Panic { since, ..panic }, thing)
}

#[tokio::test]
async fn a_stray_is_deleted_when_its_owner_says_so() {
    let (bench, volume) = with_a_stray().await;
    let nothing = VolumeId::from_entropy(78);
    let refused = bench.engine.stray_end(&nothing).await;
    assert!(matches!(refused, Err(Error::OrphanNotFound(_))));
    // A host that is silent has lost nothing, and its volume is not gone.
    bench.host.script(|script| script.unreachable = true);
    let asked = bench.engine.stray_end(&volume).await.unwrap();
    assert!(asked[0].end_asked.is_some());
    until("the host is asked in vain", || async {
        let tasks = bench.engine.tasks();
        let sweep = tasks.into_iter().find(|task| task.name == "volume-sweep")?;
        // The only host is the whole supplier.
        (sweep.result["suppliers_unswept"] == 1).then_some(())
    })
    .await;
    assert_eq!(bench.engine.stray_list(Which::Live).await.unwrap().len(), 1);
    bench.host.script(|script| script.unreachable = false);
    assert_eq!(gone(&bench).await.volume, volume);
    assert_eq!(bench.host.volumes.list(), []);
    let again = bench.engine.stray_end(&volume).await;
    assert!(matches!(again, Err(Error::OrphanNotFound(_))));
}

#[tokio::test]
async fn panic_names_strays_and_deletes_them_only_when_both_are_meant() {
    let (bench, volume) = with_a_stray().await;
    let panic = |volumes, unknown| Panic {
        since: None,
        volumes,
        unknown,
    };
    for (volumes, unknown) in [
        (Volumes::Keep, Unknown::Keep),
        (Volumes::Keep, Unknown::End),
        (Volumes::End, Unknown::Keep),
    ] {
        let (_, thing) = panicked(&bench, panic(volumes, unknown), &volume).await;
        assert_eq!(thing.fate, Fate::Kept);
        let why = thing.why.unwrap();
        assert!(why.contains("--volumes --unknown"), "{why}");
    }
    assert_eq!(bench.host.volumes.list().len(), 1);
    let both = panic(Volumes::End, Unknown::End);
    let (followed, first) = panicked(&bench, both, &volume).await;
    assert_eq!(first.fate, Fate::Asked);
    until("it is confirmed gone", || async {
        let (_, thing) = panicked(&bench, followed, &volume).await;
        (thing.fate == Fate::Gone).then_some(())
    })
    .await;
    assert_eq!(bench.host.volumes.list(), []);
}

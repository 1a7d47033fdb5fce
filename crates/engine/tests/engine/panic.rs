//! Everything ends now: what is asked, what is confirmed, and what keeps nothing else waiting.

use crate::support::{Bench, CLOUD, until};
use livery_domain::offer::SupplierName;
use livery_domain::pod::{Phase, Pod};
use livery_domain::run::{Outcome, RunStep};
use livery_domain::volume::VolumePhase;
use livery_engine::{
    Fate, NewPod, NewVolume, Panic, PanicReport, ThingKind, Unknown, Volumes, Which,
};
use livery_ledger::Book;
use livery_store::Credit;
use livery_units::{AccountId, Bytes, LaunchKey, Money, Span, Timestamp};

const JOB: &str =
    "name: job\nresources: {cpus: 1+}\nsetup: echo setup\nrun: echo run\noutputs: ['out/**']\n";

fn begun(since: Timestamp) -> Panic {
    Panic {
        since: Some(since),
        volumes: Volumes::Keep,
        unknown: Unknown::Keep,
    }
}

const NOW: Panic = Panic {
    since: None,
    volumes: Volumes::Keep,
    unknown: Unknown::Keep,
};

/// A bench with two suppliers that answer.
async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.cloud.script(|script| script.down = false);
    bench
}

async fn panic(bench: &Bench, panic: Panic) -> PanicReport {
    bench.engine.panic(&bench.account, panic).await.unwrap()
}

/// Asks again until nothing waits any more, as the command line does.
async fn followed(bench: &Bench, since: Timestamp) -> PanicReport {
    until("everything is gone", || async {
        let report = panic(bench, begun(since)).await;
        let waits = report.things.iter().any(|thing| thing.fate == Fate::Asked);
        (!waits).then_some(report)
    })
    .await
}

fn fates(report: &PanicReport, kind: ThingKind) -> Vec<(&str, Fate)> {
    let things = report.things.iter().filter(|thing| thing.kind == kind);
    things
        .map(|thing| (thing.name.as_str(), thing.fate))
        .collect()
}

async fn pod(bench: &Bench, name: &str, supplier: &str) -> Pod {
    let new = named(bench, name, supplier);
    let pod = bench.engine.pod_create(&bench.account, new).await.unwrap();
    phase(bench, &pod, Phase::Running).await
}

fn named(bench: &Bench, name: &str, supplier: &str) -> NewPod {
    let mut new = bench.new_pod();
    new.name = Some(name.into());
    new.need.suppliers = vec![SupplierName::new(supplier)];
    new
}

async fn phase(bench: &Bench, pod: &Pod, wanted: Phase) -> Pod {
    until(&format!("pod is {wanted}"), || async {
        let pod = bench.store.pod_fetch(&pod.id).await.unwrap();
        // Gone is not enough: its row must be closed too.
        let settled = wanted != Phase::Terminated || pod.ended.is_some();
        (pod.phase() == wanted && settled).then_some(pod)
    })
    .await
}

async fn nothing_is_left(bench: &Bench) {
    assert_eq!(bench.host.pod_count(), 0);
    assert_eq!(bench.cloud.machines(), [""; 0]);
    assert_eq!(bench.store.pod_list(None, Which::Live).await.unwrap(), []);
    assert_eq!(bench.store.run_list(None, Which::Live).await.unwrap(), []);
    let held = Book::Held(bench.account.clone());
    assert_eq!(bench.store.balance(&held).await.unwrap(), Money::ZERO);
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn runs_and_pods_stopped_ones_too_end_everywhere() {
    let bench = bench().await;
    pod(&bench, "here", "local").await;
    pod(&bench, "there", CLOUD).await;
    let stopped = pod(&bench, "stopped", "local").await;
    bench
        .engine
        .pod_stop(&bench.account, "stopped")
        .await
        .unwrap();
    phase(&bench, &stopped, Phase::Stopped).await;
    let run = bench.submit(JOB).await;
    until("the run is in training", || async {
        let run = bench.store.run_fetch(&run.id).await.unwrap();
        (run.step == RunStep::Train).then_some(())
    })
    .await;

    let first = panic(&bench, NOW).await;
    let report = followed(&bench, first.since).await;
    let pods = fates(&report, ThingKind::Pod);
    assert_eq!(pods.len(), 4, "{report:?}");
    assert!(
        report.things.iter().all(|thing| thing.fate == Fate::Gone),
        "{report:?}"
    );
    assert_eq!(fates(&report, ThingKind::Run), [("job", Fate::Gone)]);
    assert_eq!(fates(&report, ThingKind::Supplier).len(), 2);
    nothing_is_left(&bench).await;
    let over = bench.over(&run).await;
    assert_eq!((over.outcome, over.results), (Outcome::Cancelled, None));
    assert_eq!(
        bench.host.signals(),
        [0; 0],
        "nobody waits for a last checkpoint"
    );
}

#[tokio::test]
async fn results_on_their_way_home_are_not_waited_for() {
    let bench = bench().await;
    bench.host.script(|script| {
        script.run_exit = Some(0);
        script.collect_hangs = true;
    });
    let run = bench.submit(JOB).await;
    until("the run is at pull", || async {
        let run = bench.store.run_fetch(&run.id).await.unwrap();
        (run.step == RunStep::Pull).then_some(())
    })
    .await;
    panic(&bench, NOW).await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::Cancelled);
    nothing_is_left(&bench).await;
}

#[tokio::test]
async fn a_supplier_that_is_down_keeps_nothing_else() {
    let bench = bench().await;
    let here = pod(&bench, "here", "local").await;
    pod(&bench, "there", CLOUD).await;
    bench.cloud.script(|script| script.down = true);
    let first = panic(&bench, NOW).await;
    phase(&bench, &here, Phase::Terminated).await;
    let report = until("the reason is known", || async {
        let report = panic(&bench, begun(first.since)).await;
        let there = report.things.iter().find(|thing| thing.name == "there");
        let why = there
            .and_then(|thing| thing.why.clone())
            .unwrap_or_default();
        let supplier = report.things.iter().find(|thing| {
            thing.id == CLOUD
                && thing
                    .why
                    .as_ref()
                    .is_some_and(|why| why.contains("is down"))
        });
        (why.contains("is down") && supplier.is_some()).then_some(report)
    })
    .await;
    let wanted = [("there", Fate::Asked), ("here", Fate::Gone)];
    assert_eq!(fates(&report, ThingKind::Pod), wanted);
    bench.cloud.script(|script| script.down = false);
    followed(&bench, first.since).await;
    nothing_is_left(&bench).await;
}

#[tokio::test]
async fn an_engine_that_dies_right_after_goes_on_when_it_is_back() {
    let mut bench = bench().await;
    pod(&bench, "here", "local").await;
    let run = bench.submit(JOB).await;
    let first = panic(&bench, NOW).await;
    bench.restart().await;
    followed(&bench, first.since).await;
    assert_eq!(bench.over(&run).await.outcome, Outcome::Cancelled);
    nothing_is_left(&bench).await;
}

#[tokio::test]
async fn what_comes_later_and_what_is_anothers_is_left_alone() {
    let bench = bench().await;
    let other: AccountId = "acc_other".parse().unwrap();
    let now = bench
        .store
        .account_fetch(&bench.account)
        .await
        .unwrap()
        .created;
    bench
        .store
        .account_ensure(&other, "other", now)
        .await
        .unwrap();
    bench
        .store
        .account_credit_set(&other, Credit::Owner)
        .await
        .unwrap();
    let theirs = named(&bench, "theirs", "local");
    let theirs = bench.engine.pod_create(&other, theirs).await.unwrap();
    pod(&bench, "mine", "local").await;
    let first = panic(&bench, NOW).await;
    followed(&bench, first.since).await;
    // A millisecond later at least.
    bench.clock.forward(1);
    let later = pod(&bench, "later", "local").await;
    let report = followed(&bench, first.since).await;
    assert_eq!(fates(&report, ThingKind::Pod), [("mine", Fate::Gone)]);
    phase(&bench, &later, Phase::Running).await;
    phase(&bench, &theirs, Phase::Running).await;
}

#[tokio::test]
async fn machines_that_nobody_knows_are_named_and_ended_when_asked() {
    let bench = bench().await;
    bench.cloud.make("theirs", &LaunchKey::from_entropy(4711));
    let first = panic(&bench, NOW).await;
    let report = followed(&bench, first.since).await;
    let [lease] = report
        .things
        .iter()
        .filter(|thing| thing.kind == ThingKind::Lease)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!((lease.id.as_str(), lease.fate), ("theirs", Fate::Kept));
    assert_eq!(bench.cloud.machines(), ["theirs"]);
    let all = Panic {
        since: None,
        volumes: Volumes::Keep,
        unknown: Unknown::End,
    };
    panic(&bench, all).await;
    until("it is ended", || async {
        bench.cloud.machines().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn volumes_are_kept_with_their_price_unless_they_are_to_go_too() {
    let bench = bench().await;
    let wanted = NewVolume {
        name: "data".into(),
        size: Bytes::gib(1),
        host: None,
    };
    let made = bench.engine.volume_create(&bench.account, wanted).await;
    let volume = made.unwrap().volume;
    let ready = Span::from_secs(30);
    let waited = bench
        .engine
        .volume_wait(&bench.account, "data", ready)
        .await;
    assert_eq!(waited.unwrap().volume.phase(), VolumePhase::Ready);
    let holder = NewPod {
        network_volume: Some("data".parse().unwrap()),
        ..named(&bench, "holder", "local")
    };
    let holder = bench.engine.pod_create(&bench.account, holder).await;
    phase(&bench, &holder.unwrap(), Phase::Running).await;
    let first = panic(&bench, NOW).await;
    let report = followed(&bench, first.since).await;
    let kept = report.things.iter().find(|thing| thing.name == "data");
    let kept = kept.unwrap();
    assert_eq!((kept.kind, kept.fate), (ThingKind::Volume, Fate::Kept));
    let why = kept.why.as_ref().unwrap();
    assert!(
        why.contains("goes on costing") && why.contains("--volumes"),
        "{why}"
    );
    nothing_is_left(&bench).await;
    let left = bench.store.volume_fetch(&volume.id).await.unwrap();
    assert_eq!(left.ended, None);

    let all = Panic {
        volumes: Volumes::End,
        ..NOW
    };
    let first = panic(&bench, all).await;
    until("the volume is gone", || async {
        let report = panic(
            &bench,
            Panic {
                since: Some(first.since),
                ..all
            },
        )
        .await;
        let fate = fates(&report, ThingKind::Volume);
        (fate == [("data", Fate::Gone)]).then_some(())
    })
    .await;
    assert_eq!(bench.host.volumes.list(), []);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_not_taken_for_gone() {
    let bench = bench().await;
    let good = pod(&bench, "good", "local").await;
    let bad = pod(&bench, "bad", "local").await;
    bench
        .sql("UPDATE pods SET pod_order = '{}' WHERE pod_order LIKE '%\"bad\"%'")
        .await;
    let first = panic(&bench, NOW).await;
    phase(&bench, &good, Phase::Terminated).await;
    let report = panic(&bench, begun(first.since)).await;
    let unread = report
        .things
        .iter()
        .find(|thing| thing.id == bad.id.as_str());
    let unread = unread.unwrap();
    assert_eq!((unread.kind, unread.fate), (ThingKind::Pod, Fate::Failed));
    let why = unread.why.as_ref().unwrap();
    assert!(why.starts_with("its row cannot be read ("), "{why}");
    assert_eq!(bench.host.pod_count(), 1, "it is there");
}

/// By how much a clock was ahead that is then set right.
const AHEAD: i64 = 5 * 3_600;

#[tokio::test]
async fn what_was_made_before_the_clock_was_set_back_ends_too() {
    let bench = bench().await;
    bench.clock.forward(AHEAD);
    pod(&bench, "early", "local").await;
    pod(&bench, "there", CLOUD).await;
    let run = bench.submit(JOB).await;
    until("the run is in training", || async {
        let run = bench.store.run_fetch(&run.id).await.unwrap();
        (run.step == RunStep::Train).then_some(())
    })
    .await;
    bench.clock.forward(-AHEAD);
    let first = panic(&bench, NOW).await;
    let (pods, runs) = (
        fates(&first, ThingKind::Pod).len(),
        fates(&first, ThingKind::Run).len(),
    );
    assert_eq!((pods, runs), (3, 1), "{first:?}");
    let suppliers = fates(&first, ThingKind::Supplier);
    assert!(
        suppliers.iter().all(|(_, fate)| *fate == Fate::Asked),
        "a sweep of before the panic says nothing: {suppliers:?}"
    );
    followed(&bench, first.since).await;
    nothing_is_left(&bench).await;
}

#[tokio::test]
async fn machines_whose_rows_cannot_be_read_are_not_taken_for_gone() {
    let bench = bench().await;
    let row = |supplier: &str, number: u128, kind: &str| {
        let key = LaunchKey::from_entropy(number);
        format!("('{supplier}', '{key}', 'machine-{number}', '{kind}', 1, 1)")
    };
    let (damaged, elsewhere) = (row("local", 1, "odd"), row("elsewhere", 2, "unknown"));
    let insert = "INSERT INTO orphans
        (supplier, launch_key, foreign_id, kind, first_seen, last_seen) VALUES";
    bench
        .sql(&format!("{insert} {damaged}, {elsewhere};"))
        .await;
    let first = panic(&bench, NOW).await;
    let report = panic(&bench, begun(first.since)).await;
    for (id, words) in [
        ("machine-1", "its row cannot be read ("),
        ("machine-2", "elsewhere"),
    ] {
        let thing = report.things.iter().find(|thing| thing.id == id).unwrap();
        assert_eq!((thing.kind, thing.fate), (ThingKind::Lease, Fate::Failed));
        let why = thing.why.as_ref().unwrap();
        assert!(why.contains(words), "{why}");
    }
}

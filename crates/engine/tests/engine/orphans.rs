//! What suppliers have compared with what the store knows: ended, reported, and never guessed.

use crate::support::{Bench, CLOUD, Cloud, SimHost, until};
use livery_domain::offer::SupplierName;
use livery_domain::orphan::{Orphan, OrphanKind, TELL_AFTER};
use livery_domain::pod::{Phase, Pod};
use livery_engine::{Clock, Error, Fate, NewPod, Panic, Unknown, Volumes, Which};
use livery_host_api::Host;
use livery_host_api::dto::{PodSpec, Tenant};
use livery_units::{LaunchKey, PodId, Span};
use std::collections::BTreeMap;

const NOW: Panic = Panic {
    since: None,
    volumes: Volumes::Keep,
    unknown: Unknown::Keep,
};

/// A bench whose cloud answers, with a pod in it.
async fn with_a_pod() -> (Bench, Pod) {
    let bench = Bench::new().await;
    bench.cloud.script(|script| script.down = false);
    let new = in_the_cloud(&bench);
    let pod = bench.engine.pod_create(&bench.account, new).await.unwrap();
    let pod = comes_to(&bench, &pod, Phase::Running).await;
    (bench, pod)
}

fn in_the_cloud(bench: &Bench) -> NewPod {
    let mut new = bench.new_pod();
    new.need.suppliers = vec![SupplierName::new(CLOUD)];
    new
}

async fn comes_to(bench: &Bench, pod: &Pod, wanted: Phase) -> Pod {
    until(&format!("pod is {wanted}"), || async {
        let id = pod.id.as_str();
        let pod = bench.engine.pod_fetch(&bench.account, id).await.unwrap();
        let settled = wanted != Phase::Terminated || pod.ended.is_some();
        (pod.phase() == wanted && settled).then_some(pod)
    })
    .await
}

/// Lets a sweep begin and end: an engine that starts sweeps at once.
async fn sweep(bench: &mut Bench) {
    bench.restart().await;
    until("a sweep is over", || async {
        let tasks = bench.engine.tasks();
        tasks
            .iter()
            .any(|task| task.name == "orphan-sweep")
            .then_some(())
    })
    .await;
}

async fn listed(bench: &Bench, which: Which) -> Vec<Orphan> {
    bench.engine.orphan_list(which).await.unwrap()
}

/// What the account was told about orphans.
async fn told(bench: &Bench) -> Vec<String> {
    let rows = bench.store.notice_list(&bench.account, 100).await.unwrap();
    let notices = rows.into_iter().map(|row| row.notice);
    let about = notices.filter(|notice| notice.key.starts_with("orphan "));
    about.map(|notice| notice.message).collect()
}

fn past_the_first_minute(bench: &Bench) {
    bench
        .clock
        .forward(i64::try_from(TELL_AFTER.secs()).unwrap() + 1);
}

#[tokio::test]
async fn a_machine_whose_pod_has_ended_is_ended_again() {
    let (mut bench, pod) = with_a_pod().await;
    let id = pod.id.as_str();
    bench
        .engine
        .pod_terminate(&bench.account, id)
        .await
        .unwrap();
    comes_to(&bench, &pod, Phase::Terminated).await;
    // What a launch whose answer was lost had made shows up after all.
    bench.cloud.make("late", &pod.launch_key);
    sweep(&mut bench).await;
    assert_eq!(bench.cloud.machines(), [""; 0]);
    assert_eq!(listed(&bench, Which::Live).await, []);
    let [orphan] = listed(&bench, Which::All).await.try_into().unwrap();
    let found = (orphan.kind, orphan.foreign_id.as_str(), orphan.pod);
    assert_eq!(found, (OrphanKind::Ended, "late", Some(pod.id)));
    assert!(orphan.gone.is_some());
    assert_eq!(
        told(&bench).await,
        [""; 0],
        "it was gone before it was worth a word"
    );
}

#[tokio::test]
async fn one_that_does_not_go_is_told_once_and_asked_until_it_does() {
    let (mut bench, pod) = with_a_pod().await;
    bench.cloud.script(|script| script.keeps_everything = true);
    bench.cloud.make("stays", &pod.launch_key);
    sweep(&mut bench).await;
    let [double] = listed(&bench, Which::Live).await.try_into().unwrap();
    let found = (double.kind, double.foreign_id.as_str());
    assert_eq!(found, (OrphanKind::Double, "stays"));
    assert!(double.detail.unwrap().contains("still up"));
    assert_eq!(told(&bench).await, [""; 0]);
    for _ in 0..2 {
        past_the_first_minute(&bench);
        sweep(&mut bench).await;
        let told = told(&bench).await;
        assert!(told.len() == 1 && told[0].contains("stays"), "{told:?}");
    }
    bench.cloud.script(|script| script.keeps_everything = false);
    sweep(&mut bench).await;
    assert_eq!(listed(&bench, Which::Live).await, []);
    assert_eq!(bench.cloud.machines(), [format!("machine-of-{}", pod.id)]);
    comes_to(&bench, &pod, Phase::Running).await;
}

#[tokio::test]
async fn what_another_control_plane_may_own_is_reported_and_kept_until_somebody_says_so() {
    let (mut bench, pod) = with_a_pod().await;
    let key = LaunchKey::from_entropy(4711);
    bench.cloud.make("theirs", &key);
    sweep(&mut bench).await;
    past_the_first_minute(&bench);
    sweep(&mut bench).await;
    assert_eq!(bench.cloud.machines().len(), 2);
    let [unknown] = listed(&bench, Which::Live).await.try_into().unwrap();
    assert_eq!((unknown.kind, &unknown.key), (OrphanKind::Unknown, &key));
    let told = told(&bench).await;
    assert!(
        told.len() == 1 && told[0].contains(key.as_str()),
        "{told:?}"
    );

    let nothing = bench.engine.orphan_end("nothing").await;
    assert!(
        matches!(nothing, Err(Error::OrphanNotFound(_))),
        "{nothing:?}"
    );
    let asked = bench.engine.orphan_end(key.as_str()).await.unwrap();
    assert!(asked.iter().all(|orphan| orphan.end_asked.is_some()) && asked.len() == 1);
    until("it is ended", || async {
        (bench.cloud.machines().len() == 1).then_some(())
    })
    .await;
    comes_to(&bench, &pod, Phase::Running).await;
}

#[tokio::test]
async fn a_list_that_is_late_or_says_all_twice_makes_no_orphan() {
    let (mut bench, pod) = with_a_pod().await;
    for lists_late in [true, false] {
        bench.cloud.script(|script| {
            script.lists_late = lists_late;
            script.lists_twice = !lists_late;
        });
        sweep(&mut bench).await;
        assert_eq!(listed(&bench, Which::All).await, [], "late: {lists_late}");
        assert_eq!(bench.cloud.machines().len(), 1);
        comes_to(&bench, &pod, Phase::Running).await;
    }
}

#[tokio::test]
async fn a_supplier_that_cannot_say_what_it_has_says_nothing() {
    let (mut bench, pod) = with_a_pod().await;
    bench.cloud.make("theirs", &LaunchKey::from_entropy(4711));
    sweep(&mut bench).await;
    let before = listed(&bench, Which::Live).await;
    assert_eq!(before.len(), 1);
    bench.cloud.lose("theirs");
    let troubles: [fn(&Cloud); 2] = [
        |cloud| cloud.script(|script| script.cannot_list = true),
        |cloud| cloud.script(|script| script.down = true),
    ];
    for trouble in troubles {
        trouble(&bench.cloud);
        sweep(&mut bench).await;
        let same = listed(&bench, Which::Live).await;
        assert_eq!(same, before, "what it had is neither gone nor there");
        comes_to(&bench, &pod, Phase::Running).await;
    }
    bench.cloud.script(|script| *script = Default::default());
    sweep(&mut bench).await;
    assert_eq!(listed(&bench, Which::Live).await, []);
}

#[tokio::test]
async fn a_stopped_pod_that_vanished_is_missing_at_the_next_sweep() {
    let (mut bench, pod) = with_a_pod().await;
    let id = pod.id.to_string();
    bench.engine.pod_stop(&bench.account, &id).await.unwrap();
    comes_to(&bench, &pod, Phase::Stopped).await;
    bench.cloud.lose(&format!("machine-of-{id}"));
    // Silence first: a cloud that is down has not lost it.
    bench.cloud.script(|script| script.down = true);
    sweep(&mut bench).await;
    comes_to(&bench, &pod, Phase::Stopped).await;
    bench.cloud.script(|script| script.down = false);
    sweep(&mut bench).await;
    // By itself it would rest for a minute more.
    comes_to(&bench, &pod, Phase::Lost).await;
    let [missing] = listed(&bench, Which::Live).await.try_into().unwrap();
    let found = (missing.kind, missing.pod.as_ref());
    assert_eq!(found, (OrphanKind::Missing, Some(&pod.id)));
    let told = told(&bench).await;
    assert!(told.len() == 1 && told[0].contains(&id), "{told:?}");
    let refused = bench.engine.orphan_end(missing.key.as_str()).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(why)) if why.contains("pod terminate")),
        "{refused:?}"
    );
    bench
        .engine
        .pod_terminate(&bench.account, &id)
        .await
        .unwrap();
    comes_to(&bench, &pod, Phase::Terminated).await;
    sweep(&mut bench).await;
    assert_eq!(listed(&bench, Which::Live).await, []);
    bench.store.ledger_check().await.unwrap();
}

/// Makes a pod on a host that this control plane did not ask for.
pub async fn foreign_pod(host: &SimHost, number: u128) {
    let spec = PodSpec {
        tenant: Tenant::Owner,
        launch_key: LaunchKey::from_entropy(number).to_string(),
        name: "left over".into(),
        image: "host".into(),
        credentials: None,
        command: None,
        env: BTreeMap::new(),
        gpu_count: 0,
        gpu_model: None,
        vcpu_milli: 1_000,
        memory: 1 << 30,
        container_disk: 1 << 30,
        volume_disk: 1 << 30,
        network_volume: None,
        network_path: None,
        pids: 100,
    };
    let id = PodId::from_entropy(number);
    host.pod_create(&id, &spec, Span::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_silent_host_keeps_nothing_on_others_alive_and_loses_nothing_itself() {
    let mut bench = Bench::new().await;
    // Nobody sweeps before all is as wanted.
    bench.engine.stop();
    bench.engine.stopped().await;
    bench.cloud.script(|script| script.down = false);
    let other = bench.add_host("host_other");
    foreign_pod(&bench.host, 1).await;
    foreign_pod(&other, 2).await;
    // What an earlier sweep had found on the other and could not end.
    let known = Orphan {
        supplier: SupplierName::new("local"),
        key: LaunchKey::from_entropy(3),
        foreign_id: format!("host_other/{}", PodId::from_entropy(3)),
        kind: OrphanKind::Unknown,
        pod: None,
        account: None,
        first_seen: bench.clock.now(),
        last_seen: bench.clock.now(),
        end_asked: None,
        gone: None,
        detail: None,
    };
    bench.store.orphan_saw(&known).await.unwrap();
    other.script(|script| script.unreachable = true);
    sweep(&mut bench).await;
    assert_eq!((bench.host.pod_count(), other.pod_count()), (0, 1));
    let there: Vec<Orphan> = listed(&bench, Which::Live).await;
    assert_eq!(there, [known], "its host has not said that it is gone");
    let report = bench.engine.panic(&bench.account, NOW).await.unwrap();
    let local = report.things.iter().find(|thing| thing.id == "local");
    assert_eq!(local.unwrap().fate, Fate::Asked);
    until("what keeps the panic waiting is named", || async {
        let again = Panic {
            since: Some(report.since),
            ..NOW
        };
        let report = bench.engine.panic(&bench.account, again).await.unwrap();
        let local = report.things.into_iter().find(|thing| thing.id == "local");
        local?.why?.contains("host_other did not say").then_some(())
    })
    .await;

    other.script(|script| script.unreachable = false);
    sweep(&mut bench).await;
    assert_eq!(other.pod_count(), 0);
    assert_eq!(listed(&bench, Which::Live).await, []);
}

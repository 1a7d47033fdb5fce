//! Two control planes on one database, each with a host of its own: each sees to what is on its host, and
//! both to what is nowhere.

use crate::support::{PRICE_HOURLY_NANOS, ShiftedClock, SimHost, new_pod, submission, until};
use futures_util::StreamExt;
use livery_content::{Compression, Manifest, OwnedContent, Quota};
use livery_domain::pod::{Phase, Pod};
use livery_domain::run::{EventKind, Outcome, Run, RunStep, Submission};
use livery_engine::{Clock, Engine, Error, Follow, Options, Peers, Plane, Which};
use livery_host_api::HostDirectory;
use livery_host_api::dto::ExecSpec;
use livery_store::{Credit, Store};
use livery_supplier_hosts::HostsSupplier;
use livery_units::{AccountId, HostId, PlaneId, RunId, Span};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const JOB: &str = "name: job\nresources: {cpus: 1+}\nrun: echo run\n";
const JOB_WITH_FILES: &str = "name: job\nworkdir: .\nresources: {cpus: 1+}\nrun: echo run\n";

/// One of several control planes, with what is its own.
pub(crate) struct OnePlane {
    number: u128,
    pub(crate) engine: Engine,
    hosts: HostDirectory,
    pub(crate) host: Arc<SimHost>,
    content: Arc<OwnedContent>,
}

/// Two control planes on one database.
pub(crate) struct Two {
    pub(crate) first: OnePlane,
    pub(crate) second: OnePlane,
    pub(crate) clock: Arc<ShiftedClock>,
    pub(crate) account: AccountId,
    pub(crate) dir: TempDir,
}

fn host_id(number: u128) -> HostId {
    HostId::from_entropy(number)
}

impl OnePlane {
    async fn new(number: u128, dir: &Path, clock: &Arc<ShiftedClock>) -> Self {
        let content = OwnedContent::open(&dir.join(format!("{number}")), Compression::Never);
        let content = Arc::new(content.unwrap());
        let host = Arc::new(SimHost::new(content.store().clone(), PRICE_HOURLY_NANOS));
        host.script(|script| script.run_exit = Some(0));
        let hosts = HostDirectory::new();
        hosts.add(host_id(number), host.clone());
        let engine = start(number, dir, &hosts, &content, clock).await;
        Self {
            number,
            engine,
            hosts,
            host,
            content,
        }
    }

    /// Ends it as a kill would: its seats and claims stay as they are.
    pub(crate) async fn die(&self) {
        self.engine.stop();
        self.engine.stopped().await;
    }

    /// Starts it again after its death.
    pub(crate) async fn back(&self, dir: &Path, clock: &Arc<ShiftedClock>) -> Engine {
        start(self.number, dir, &self.hosts, &self.content, clock).await
    }

    pub(crate) fn name(&self) -> String {
        format!("plane {}", self.number)
    }
}

async fn start(
    number: u128,
    dir: &Path,
    hosts: &HostDirectory,
    content: &Arc<OwnedContent>,
    clock: &Arc<ShiftedClock>,
) -> Engine {
    // A store of its own, as in a process of its own.
    let store = Store::open(&database(dir)).await.unwrap();
    let options = Options {
        store,
        content: content.clone(),
        suppliers: vec![Arc::new(HostsSupplier::new(hosts.clone()))],
        hosts: hosts.clone(),
        clock: clock.clone(),
        logs_dir: dir.join(format!("{number}-logs")),
        docker_config: None,
        log_limit: livery_units::Bytes::mib(1),
        peers: Peers::Several(Plane {
            id: PlaneId::from_entropy(number),
            name: format!("plane {number}"),
        }),
    };
    Engine::start(options).await.unwrap()
}

pub(crate) fn database(dir: &Path) -> String {
    format!("sqlite:{}", dir.join("livery.db").display())
}

impl Two {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ShiftedClock::default());
        let account: AccountId = "acc_owner".parse().unwrap();
        let store = Store::open(&database(dir.path())).await.unwrap();
        let made = store.account_ensure(&account, "owner", clock.now()).await;
        made.unwrap();
        let owner = store.account_credit_set(&account, Credit::Owner).await;
        owner.unwrap();
        Self {
            first: OnePlane::new(1, dir.path(), &clock).await,
            second: OnePlane::new(2, dir.path(), &clock).await,
            clock,
            account,
            dir,
        }
    }

    pub(crate) async fn pod(&self, plane: &OnePlane, name: &str) -> Pod {
        let pod = new_pod(name);
        plane.engine.pod_create(&self.account, pod).await.unwrap()
    }

    /// Waits until a pod is so, and returns it; either control plane can say how it is.
    pub(crate) async fn pod_is(&self, what: &str, id: &Pod, is: impl Fn(&Pod) -> bool) -> Pod {
        until(what, || async {
            let engine = &self.second.engine;
            let pod = engine.pod_fetch(&self.account, id.id.as_str()).await;
            pod.ok().filter(&is)
        })
        .await
    }

    pub(crate) async fn running(&self, pod: &Pod) -> Pod {
        let is = |pod: &Pod| pod.phase() == Phase::Running;
        self.pod_is("the pod runs", pod, is).await
    }

    pub(crate) async fn submit(&self, plane: &OnePlane, submission: Submission) -> Run {
        let run = plane.engine.run_submit(&self.account, submission).await;
        run.unwrap()
    }

    pub(crate) async fn over(&self, run: &RunId) -> Run {
        until("the run is over", || async {
            let engine = &self.second.engine;
            let run = engine.run_fetch(&self.account, run.as_str()).await.unwrap();
            run.is_over().then_some(run)
        })
        .await
    }

    /// Waits until a run's events have that, and returns the whole note.
    pub(crate) async fn said(&self, run: &Run, words: &str) -> String {
        let engine = &self.second.engine;
        until("it is said", || async {
            let events = engine.run_events(&run.id, 0, Span::ZERO).await.unwrap();
            let notes = events.into_iter().filter(|one| one.kind == EventKind::Note);
            let mut texts = notes.map(|event| event.message);
            texts.find(|text| text.contains(words))
        })
        .await
    }

    async fn exec(&self, plane: &OnePlane, pod: &Pod) -> Result<(), Error> {
        let spec = ExecSpec {
            argv: vec!["true".to_owned()],
            env: BTreeMap::new(),
            workdir: None,
            tty: None,
        };
        let input = Box::pin(futures_util::stream::empty());
        let engine = &plane.engine;
        let output = engine.pod_exec(&self.account, pod.id.as_str(), &spec, input);
        output.await.map(drop)
    }
}

/// A job with a directory of its own, which is at that control plane.
fn with_files(plane: &OnePlane, account: &AccountId) -> Submission {
    let store = plane.content.store();
    let tree = store.put_tree(&Manifest::new(Vec::new()).unwrap()).unwrap();
    let own = plane.content.bring_home(account, &tree, Quota::Unlimited);
    own.unwrap();
    Submission {
        workdir: Some(tree),
        ..submission(JOB_WITH_FILES)
    }
}

#[tokio::test]
async fn each_sees_to_its_own_pods_and_to_no_others() {
    let two = Two::new().await;
    let mut pods = Vec::new();
    for number in 0..3 {
        for plane in [&two.first, &two.second] {
            let pod = two.pod(plane, &format!("{}-{number}", plane.number)).await;
            pods.push(two.running(&pod).await);
        }
    }
    assert_eq!(
        [two.first.host.created(), two.second.host.created()],
        [3, 3]
    );
    two.clock.hurry(10);
    for _ in 0..8 {
        // All are looked at again: by whom they are not connected to that fails, and is said.
        two.clock.forward(6);
        for before in &mut pods {
            let seen = |pod: &Pod| pod.up_until > before.up_until;
            let after = two.pod_is("it is seen again", before, seen).await;
            assert_eq!(after.reason, None);
            *before = after;
        }
    }
}

#[tokio::test]
async fn what_needs_the_host_says_where_it_is_and_what_needs_rows_works_everywhere() {
    let two = Two::new().await;
    let pod = two.pod(&two.first, "box").await;
    let pod = two.running(&pod).await;
    two.exec(&two.first, &pod).await.unwrap();
    let error = two.exec(&two.second, &pod).await.unwrap_err();
    assert_eq!(error.code(), "HST002");
    assert!(error.to_string().ends_with(&two.first.name()), "{error}");

    let (engine, account) = (&two.second.engine, &two.account);
    engine.pod_stop(account, "box").await.unwrap();
    // Whoever waits hears of what another control plane does.
    let stopped = engine.pod_wait(account, "box", Span::from_secs(60)).await;
    assert_eq!(stopped.unwrap().phase(), Phase::Stopped);
    engine.pod_terminate(account, "box").await.unwrap();
    let id = pod.id.as_str();
    let gone = engine.pod_wait(account, id, Span::from_secs(60)).await;
    assert!(gone.unwrap().ended.is_some());
    assert_eq!(two.first.host.pod_count(), 0);
}

#[tokio::test]
async fn a_host_that_joins_the_other_control_plane_takes_its_pods_along() {
    let two = Two::new().await;
    let pod = two.pod(&two.first, "box").await;
    let pod = two.running(&pod).await;
    two.first.die().await;
    // What it was at when it died is free again when its claims have expired.
    two.clock.forward(31);
    two.second.hosts.add(host_id(1), two.first.host.clone());
    let seen = |now: &Pod| now.up_until > pod.up_until;
    two.pod_is("it is seen again", &pod, seen).await;
    until("it is reached there", || async {
        two.exec(&two.second, &pod).await.ok()
    })
    .await;
    let (engine, account) = (&two.second.engine, &two.account);
    engine.pod_terminate(account, "box").await.unwrap();
    let gone = |pod: &Pod| pod.ended.is_some();
    two.pod_is("it is gone", &pod, gone).await;
    assert_eq!(two.first.host.pod_count(), 0);
}

#[tokio::test]
async fn a_host_that_nobody_has_is_told_of_and_looked_at_as_soon_as_it_is_back() {
    let two = Two::new().await;
    let pod = two.pod(&two.first, "box").await;
    let pod = two.running(&pod).await;
    let host = two.first.hosts.remove(&host_id(1)).unwrap();
    let told = |pod: &Pod| {
        let reason = pod.reason.as_deref().unwrap_or_default();
        reason.contains("is not connected")
    };
    two.pod_is("somebody says so", &pod, told).await;
    let error = two.exec(&two.second, &pod).await.unwrap_err();
    assert_eq!(error.code(), "HST001", "{error}");
    // After hours it is looked at every few minutes, and the last look is just over.
    two.clock.forward(4 * 3_600);
    let generation = two.pod_is("it is there", &pod, |_| true).await.generation;
    let looked = |pod: &Pod| pod.generation > generation;
    two.pod_is("it is looked at still", &pod, looked).await;
    two.second.hosts.add(host_id(1), host);
    let seen = |now: &Pod| now.observed_at > pod.observed_at;
    two.pod_is("it is seen again", &pod, seen).await;
}

#[tokio::test]
async fn a_run_is_carried_out_where_its_files_are() {
    let two = Two::new().await;
    let mut runs = Vec::new();
    for number in 0..6 {
        let plane = [&two.first, &two.second][number % 2];
        let other = [&two.second, &two.first][number % 2];
        let run = two.submit(plane, with_files(plane, &two.account)).await;
        runs.push((run, plane, other));
    }
    for (run, plane, other) in runs {
        let over = two.over(&run.id).await;
        assert_eq!(over.outcome, Outcome::Succeeded, "{:?}", over.reason);
        plane.engine.run_is_here(&run).await.unwrap();
        let error = other.engine.run_is_here(&run).await.unwrap_err();
        assert_eq!(error.code(), "HST002");
        assert!(error.to_string().ends_with(&plane.name()), "{error}");
    }
    assert_eq!(
        [two.first.host.created(), two.second.host.created()],
        [3, 3]
    );
}

#[tokio::test]
async fn a_run_goes_on_where_its_host_is() {
    let two = Two::new().await;
    two.first.host.script(|script| script.run_exit = None);
    let run = two
        .submit(&two.first, with_files(&two.first, &two.account))
        .await;
    until("the run trains", || async {
        let run = two
            .second
            .engine
            .run_fetch(&two.account, run.id.as_str())
            .await;
        (run.unwrap().step == RunStep::Train).then_some(())
    })
    .await;
    // The host goes from a control plane that lives to the other.
    let host = two.first.hosts.remove(&host_id(1)).unwrap();
    two.second.hosts.add(host_id(1), host);
    until("the run is at the other", || async {
        two.second.engine.run_is_here(&run).await.ok()
    })
    .await;
    let engine = &two.second.engine;
    engine
        .run_cancel(&two.account, run.id.as_str())
        .await
        .unwrap();
    let over = two.over(&run.id).await;
    assert_eq!(over.outcome, Outcome::Cancelled, "{:?}", over.reason);
    assert_eq!(two.first.host.pod_count(), 0);
    let log = engine.run_log(&run.id, 0, Follow::No).await.unwrap();
    let log: Vec<_> = log.bytes.collect().await;
    assert!(log.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_run_whose_files_are_away_waits_says_so_and_goes_on_when_they_are_back() {
    let two = Two::new().await;
    two.first.die().await;
    let waits = two
        .submit(&two.first, with_files(&two.first, &two.account))
        .await;
    let ends = two
        .submit(&two.first, with_files(&two.first, &two.account))
        .await;
    let goes = two.submit(&two.first, submission(JOB)).await;
    // Nobody has heard of the first one for a minute.
    two.clock.forward(60);
    let over = two.over(&goes.id).await;
    assert_eq!(over.outcome, Outcome::Succeeded, "it needs no files");
    let engine = &two.second.engine;
    for run in [&waits, &ends] {
        let note = two.said(run, "The run waits for it").await;
        assert!(note.contains(&two.first.name()), "{note}");
    }
    engine
        .run_cancel(&two.account, ends.id.as_str())
        .await
        .unwrap();
    assert_eq!(two.over(&ends.id).await.outcome, Outcome::Cancelled);

    let again = two.first.back(two.dir.path(), &two.clock).await;
    let over = two.over(&waits.id).await;
    assert_eq!(over.outcome, Outcome::Succeeded, "{:?}", over.reason);
    again.run_is_here(&waits).await.unwrap();
    let live = again.pod_list(&two.account, Which::Live).await.unwrap();
    assert!(live.is_empty(), "{live:?}");
}

//! An engine over a real store, a real content store, the real hosts supplier and one simulated
//! host behind the real protocol.

mod cloud;
mod receiver;
mod sim_host;
mod sim_pod;
mod sim_volumes;

pub use cloud::{CLOUD, Cloud};
pub use receiver::{Receiver, SILENCE};
pub use sim_host::SimHost;

use livery_content::{Compression, OwnedContent};
use livery_domain::placement::Need;
use livery_domain::pod::PodPolicy;
use livery_domain::run::{Run, RunLimits, Submission};
use livery_engine::{Clock, Engine, NewPod, Options, Peers};
use livery_host_api::{Host, HostClient, HostDirectory};
use livery_store::{Credit, Store};
use livery_supplier_hosts::HostsSupplier;
use livery_units::{AccountId, Bytes, HostId, Span, Timestamp};
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// The price of the simulated host: $3.60 an hour for the whole machine.
pub const PRICE_HOURLY_NANOS: i64 = 3_600_000_000;

/// What a clock shows.
enum Hands {
    /// So many milliseconds more than the machine's.
    Running(i64),
    /// This, in milliseconds.
    Standing(i64),
}

impl Hands {
    fn millis(&self) -> i64 {
        match self {
            Self::Running(ahead) => machine_millis() + ahead,
            Self::Standing(millis) => *millis,
        }
    }
}

fn machine_millis() -> i64 {
    livery_engine::SystemClock.now().millis()
}

/// A clock that runs with the machine's and can be put forward.
pub struct ShiftedClock {
    hands: Mutex<Hands>,
    /// How many times shorter waits are than they are asked for.
    haste: AtomicU64,
}

impl ShiftedClock {
    pub fn forward(&self, secs: i64) {
        match &mut *self.hands.lock().unwrap() {
            Hands::Running(millis) | Hands::Standing(millis) => *millis += secs * 1_000,
        }
    }

    /// From now on time passes only where the clock is put forward: a slow machine loses none.
    pub fn stand_still(&self) {
        let mut hands = self.hands.lock().unwrap();
        *hands = Hands::Standing(hands.millis());
    }

    /// Time passes again, from where it stood.
    pub fn run_on(&self) {
        let mut hands = self.hands.lock().unwrap();
        *hands = Hands::Running(hands.millis() - machine_millis());
    }

    /// From now on background tasks come round so many times sooner.
    pub fn hurry(&self, times: u64) {
        self.haste.store(times, Ordering::SeqCst);
    }
}

impl Default for ShiftedClock {
    fn default() -> Self {
        Self {
            hands: Mutex::new(Hands::Running(0)),
            haste: AtomicU64::new(1),
        }
    }
}

#[async_trait::async_trait]

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.hands.lock().unwrap().millis())
    }

    async fn sleep(&self, span: Span) {
        let times = self.haste.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(span.millis().div_ceil(times))).await;
    }
}

/// Everything that one test needs; a fresh engine can be started on the same state.
pub struct Bench {
    pub engine: Engine,
    pub host: Arc<SimHost>,
    /// A second supplier; dearer than the host.
    pub cloud: Arc<Cloud>,
    pub store: Store,
    pub clock: Arc<ShiftedClock>,
    pub account: AccountId,
    /// The hosts that are connected.
    pub hosts: HostDirectory,
    content: Arc<OwnedContent>,
    dir: TempDir,
}

impl Bench {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!(
            "sqlite:{}",
            dir.path().join("livery.db").display()
        ))
        .await
        .unwrap();
        let content = OwnedContent::open(&dir.path().join("content"), Compression::Never).unwrap();
        let content = Arc::new(content);
        let host = Arc::new(SimHost::new(content.store().clone(), PRICE_HOURLY_NANOS));
        let clock = Arc::new(ShiftedClock::default());
        let account: AccountId = "acc_owner".parse().unwrap();
        store
            .account_ensure(&account, "owner", clock.now())
            .await
            .unwrap();
        store
            .account_credit_set(&account, Credit::Owner)
            .await
            .unwrap();
        let cloud = Arc::new(Cloud::default());
        cloud.script(|script| script.down = true);
        let hosts = HostDirectory::new();
        let client = Arc::new(HostClient::in_process(host.clone()));
        hosts.add(host_id(), client as Arc<dyn Host>);
        let engine = start(&store, &content, &hosts, &cloud, &clock, &dir).await;
        Self {
            engine,
            host,
            cloud,
            store,
            clock,
            account,
            hosts,
            content,
            dir,
        }
    }

    /// Connects one more host, without a wire between; it is dearer than the first.
    pub fn add_host(&self, id: &str) -> Arc<SimHost> {
        let host = Arc::new(SimHost::new(
            self.content.store().clone(),
            2 * PRICE_HOURLY_NANOS,
        ));
        self.hosts.add(id.parse().unwrap(), host.clone());
        host
    }

    /// Kills the engine as it stands and starts another one on what is stored.
    pub async fn restart(&mut self) {
        self.engine.stop();
        // As with a process that was killed, the old one claims nothing after its end.
        self.engine.stopped().await;
        self.engine = start(
            &self.store,
            &self.content,
            &self.hosts,
            &self.cloud,
            &self.clock,
            &self.dir,
        )
        .await;
    }

    /// Changes the database behind the store's back. The test goes on meanwhile: whoever holds the lock
    /// must be able to let it go.
    pub async fn sql(&self, text: &str) {
        const RUN: &str = "import sqlite3, sys\n\
             base = sqlite3.connect(sys.argv[1], timeout=60)\n\
             base.executescript(sys.argv[2])\n\
             base.close()";
        let mut python = std::process::Command::new("python3");
        python
            .args(["-c", RUN])
            .arg(self.dir.path().join("livery.db"))
            .arg(text);
        let ran = tokio::task::spawn_blocking(move || python.status());
        assert!(ran.await.unwrap().unwrap().success(), "{text}");
    }

    /// Where the engine looks for what `docker login` left; nothing is there at first.
    pub fn docker_config(&self) -> PathBuf {
        docker_config(&self.dir)
    }

    pub fn new_pod(&self) -> NewPod {
        new_pod("box")
    }

    pub async fn submit(&self, job_text: &str) -> Run {
        self.engine
            .run_submit(&self.account, submission(job_text))
            .await
            .unwrap()
    }

    pub async fn over(&self, run: &Run) -> Run {
        until("the run is over", || async {
            let run = self
                .engine
                .run_fetch(&self.account, run.id.as_str())
                .await
                .unwrap();
            run.is_over().then_some(run)
        })
        .await
    }
}

/// A pod without anything particular, as it is asked for.
pub fn new_pod(name: &str) -> NewPod {
    NewPod {
        name: Some(name.to_owned()),
        image: "ubuntu:24.04".into(),
        command: None,
        env: BTreeMap::new(),
        need: Need {
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            ..Need::default()
        },
        container_disk: None,
        network_volume: None,
        volume_disk: None,
        ports: Vec::new(),
        policy: PodPolicy::default(),
    }
}

/// A job without files, as it is submitted.
pub fn submission(job_text: &str) -> Submission {
    Submission {
        job_text: job_text.to_owned(),
        job_file: "job.yaml".into(),
        name: None,
        envs: BTreeMap::new(),
        secrets: BTreeMap::new(),
        workdir: None,
        mounts: BTreeMap::new(),
        limits: RunLimits::default(),
        volume: None,
    }
}

/// The id of the first simulated host.
pub fn host_id() -> HostId {
    "host_simulated".parse().unwrap()
}

fn docker_config(dir: &TempDir) -> PathBuf {
    dir.path().join("docker.json")
}

async fn start(
    store: &Store,
    content: &Arc<OwnedContent>,
    hosts: &HostDirectory,
    cloud: &Arc<Cloud>,
    clock: &Arc<ShiftedClock>,
    dir: &TempDir,
) -> Engine {
    Engine::start(Options {
        store: store.clone(),
        content: content.clone(),
        suppliers: vec![Arc::new(HostsSupplier::new(hosts.clone())), cloud.clone()],
        hosts: hosts.clone(),
        clock: clock.clone(),
        logs_dir: dir.path().join("logs"),
        docker_config: Some(docker_config(dir)),
        log_limit: livery_units::Bytes::mib(1),
        peers: Peers::None,
    })
    .await
    .unwrap()
}

/// Looks again and again until there is an answer; a minute without one fails the test.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    for _ in 0..3_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("in a minute it did not come to this: {what}");
}

//! An engine that lives through simulated time, dies and comes again.

use crate::clock::SimClock;
use crate::cloud::SimCloud;
use crate::host::SimHost;
use crate::volumes;
use livery_content::{Compression, OwnedContent};
use livery_engine::{Engine, Options, Peers};
use livery_host_api::HostDirectory;
use livery_store::Store;
use livery_units::Span;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How often the engine must seem to be at rest, and how long apart, to be so.
const LOOKS: u32 = 2;
const LOOK: Duration = Duration::from_micros(30);

/// Nothing that the engine does without time passing takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Drivers look again after no more than this.
const DRIVERS: Span = Span::from_millis(500);

/// Tasks that come by as often as this are always in time.
const PROMPT: Span = Span::from_secs(1);

/// Which background tasks come when time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Those that come every second.
    Prompt,
    /// All whose time it is.
    Everybody,
}

pub struct World {
    pub clock: Arc<SimClock>,
    pub cloud: Arc<SimCloud>,
    pub host: Arc<SimHost>,
    hosts: HostDirectory,
    dir: PathBuf,
    content: Arc<OwnedContent>,
    alive: Option<Alive>,
    /// When the last life of the engine began.
    pub alive_since: i64,
    /// How many background tasks an engine has, and how many others its runtime.
    loops: usize,
    extra: usize,
    pub lives: u32,
}

/// One life of the engine: everything of it is in this runtime, so that it can be killed.
struct Alive {
    runtime: Runtime,
    engine: Engine,
}

impl World {
    pub fn new(
        dir: PathBuf,
        clock: Arc<SimClock>,
        cloud: Arc<SimCloud>,
        host: Arc<SimHost>,
    ) -> Self {
        let hosts = HostDirectory::new();
        hosts.add(volumes::place(), host.clone());
        let content = OwnedContent::open(&dir.join("content"), Compression::Never).unwrap();
        let mut world = Self {
            clock,
            cloud,
            host,
            hosts,
            dir,
            content: Arc::new(content),
            alive: None,
            alive_since: 0,
            loops: 0,
            extra: 0,
            lives: 0,
        };
        world.revive();
        world.calibrate();
        world
    }

    /// Starts an engine on what the last one left.
    pub fn revive(&mut self) {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let url = format!("sqlite:{}", self.dir.join("livery.db").display());
        let engine = runtime.block_on(async {
            Engine::start(Options {
                store: Store::open(&url).await.unwrap(),
                content: self.content.clone(),
                suppliers: vec![self.cloud.clone()],
                hosts: self.hosts.clone(),
                clock: self.clock.clone(),
                logs_dir: self.dir.join("logs"),
                docker_config: None,
                log_limit: livery_units::Bytes::mib(1),
                peers: Peers::None,
            })
            .await
            .unwrap()
        });
        self.lives += 1;
        self.alive_since = self.clock.passed();
        self.alive = Some(Alive { runtime, engine });
    }

    /// Kills the engine wherever it is.
    pub fn kill(&mut self) {
        let Alive { runtime, engine } = self.alive.take().unwrap();
        drop(engine);
        // Every task ends where it waits; none is told.
        runtime.shutdown_timeout(PATIENCE);
    }

    /// Since when the engine lives and its supplier answers; none while that is silent.
    pub fn undisturbed_since(&self) -> Option<i64> {
        let answers = self.cloud.reachable_since();
        answers.map(|since| since.max(self.alive_since))
    }

    pub fn engine(&self) -> &Engine {
        &self.alive.as_ref().unwrap().engine
    }

    pub fn engine_if_alive(&self) -> Option<Engine> {
        self.alive.as_ref().map(|alive| alive.engine.clone())
    }

    pub fn store(&self) -> &Store {
        self.engine().store()
    }

    /// Does something with the engine.
    pub fn with<T>(&self, work: impl Future<Output = T>) -> T {
        self.alive.as_ref().unwrap().runtime.block_on(work)
    }

    /// Counts what sleeps when there is nothing to do: the background tasks, each in its own time.
    fn calibrate(&mut self) {
        let mut same = 0;
        while same < 50 {
            std::thread::sleep(Duration::from_millis(2));
            let (asleep, alive) = (self.clock.asleep(), self.tasks_alive());
            let before = (self.loops, self.loops + self.extra);
            same = if (asleep, alive) == before {
                same + 1
            } else {
                0
            };
            (self.loops, self.extra) = (asleep, alive - asleep);
        }
        assert_eq!(self.loops, self.engine().tasks().len());
    }

    fn tasks_alive(&self) -> usize {
        let runtime = &self.alive.as_ref().unwrap().runtime;
        runtime.metrics().num_alive_tasks()
    }

    /// Lets the engine do all that it would do now, until it only waits for time to pass.
    pub fn settle(&self) {
        loop {
            let drivers = self.until_asleep();
            if drivers == 0 {
                return;
            }
            // A driver looks again in a few milliseconds.
            self.clock.advance_to_next(DRIVERS);
        }
    }

    /// Waits until everybody sleeps; returns how many do that are no background tasks.
    fn until_asleep(&self) -> usize {
        let began = Instant::now();
        let mut looks = 0;
        loop {
            let (asleep, alive) = (self.clock.asleep(), self.tasks_alive());
            looks = if asleep >= self.loops && alive <= asleep + self.extra {
                looks + 1
            } else {
                0
            };
            if looks == LOOKS {
                return asleep.saturating_sub(self.loops);
            }
            assert!(
                began.elapsed() < PATIENCE,
                "the engine does not come to rest: {alive} tasks, {asleep} of them asleep: {:#?}",
                self.engine().tasks()
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Lets time pass until then, and the engine do what it does then.
    pub fn advance_to(&self, passed: i64, who: Who) {
        let longest = match who {
            Who::Prompt => PROMPT,
            Who::Everybody => Span::from_millis(u64::MAX),
        };
        self.clock.advance_to(passed, longest);
        self.settle();
    }
}

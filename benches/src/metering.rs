//! What charging 100,000 pods costs.

use crate::args::Args;
use crate::report::{Samples, table};
use crate::sqlite;
use anyhow::{Result, bail};
use async_trait::async_trait;
use livery_content::{Compression, ContentStore};
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_domain::pod::{Desired, Observed, Pod, PodOrder, PodPolicy};
use livery_engine::{Clock, Engine, Options, Peers};
use livery_host_api::HostDirectory;
use livery_ledger::{Book, Change, Item, Meter, Subject};
use livery_store::{Credit, Store};
use livery_units::{
    AccountId, Bytes, HostId, LaunchKey, Money, OfferId, PodId, Rate, Span, Timestamp,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

const PODS: u64 = 100_000;
const ROUNDS: usize = 5;

/// How often each meter is read, and how often the task that reads them comes by.
const INTERVAL: Span = Span::from_secs(60);
const STEP: Span = Span::from_secs(10);

const BEGAN: i64 = 1_700_000_000_000;

/// How often is looked whether something is done, and what processor time is counted in.
const LOOK: Duration = Duration::from_millis(10);
const TICK: Duration = Duration::from_millis(10);

/// Makes many of one: pods with their meters, due never, of 1,000 accounts.
const MULTIPLY: &str = r#"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
pods = int(sys.argv[2])
def columns(table):
    return [row[1] for row in db.execute("PRAGMA table_info(%s)" % table)]
def many(table, change):
    names = columns(table)
    one = dict(zip(names, db.execute("SELECT * FROM %s LIMIT 1" % table).fetchone()))
    rows = ([{**one, **change(n)}[name] for name in names] for n in range(pods))
    db.execute("DELETE FROM %s" % table)
    places = ", ".join("?" * len(names))
    db.executemany("INSERT INTO %s VALUES (%s)" % (table, places), rows)
account = db.execute("SELECT * FROM accounts LIMIT 1").fetchone()
for n in range(1000):
    row = ("acc_%d" % n,) + account[1:]
    db.execute("INSERT INTO accounts VALUES (%s)" % ", ".join("?" * len(row)), row)
def of(n):
    return {"account_id": "acc_%d" % (n % 1000)}
pod = "pod_%016d"
# Neighbours in time are no neighbours by name, as with real names.
scatter = lambda n: n * 7919 % pods
many("meters", lambda n: {**of(n), "id": "mtr_%016d" % scatter(n), "pod_id": pod % scatter(n),
    "due": 2**61})
many("pods", lambda n: {**of(n), "id": pod % n, "launch_key": "key_%d" % n, "due": 2**62})
db.commit()
"#;

/// Makes the meters due all over the next interval.
const ARM: &str = r#"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60)
pods = db.execute("SELECT COUNT(*) FROM meters").fetchone()[0]
db.execute("UPDATE meters SET due = ?1 + 1 + rowid * 59990 / ?2", (int(sys.argv[2]), pods))
db.commit()
"#;

/// What observing the pods would do, done by somebody else.
const OBSERVE: &str = r#"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60)
db.execute("UPDATE pods SET up_until = ?1, observed_at = ?1", (int(sys.argv[2]),))
db.commit()
"#;

/// A clock that stands until it is put forward, and then wakes who waits for it.
struct Stepped {
    now: AtomicI64,
    stepped: Notify,
}

#[async_trait]
impl Clock for Stepped {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    async fn sleep(&self, span: Span) {
        let until = self.now().after(span);
        loop {
            let stepped = self.stepped.notified();
            if self.now() >= until {
                return;
            }
            stepped.await;
        }
    }
}

/// Prints the processor time of whole intervals in which every meter is due once, beside intervals in
/// which none is: what the second kind takes is other tasks' work.
pub(crate) async fn measure(args: &Args) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("livery-bench-")
        .tempdir_in(&args.dir)?;
    let database = directory.path().join("livery.db");
    populate(&database).await?;
    let clock = Arc::new(Stepped {
        now: AtomicI64::new(BEGAN),
        stepped: Notify::new(),
    });
    let engine = engine(directory.path(), clock.clone()).await?;
    let rounds = args.rounds.unwrap_or(ROUNDS);
    let mut idle = Samples::new("nothing due");
    for _ in 0..rounds {
        idle.push(interval(&engine, &clock).await?);
    }
    sqlite::script(ARM, &database, clock.now().millis())?;
    let mut busy = Samples::new("every meter due once");
    for _ in 0..rounds {
        sqlite::script(OBSERVE, &database, clock.now().after(INTERVAL).millis())?;
        busy.push(interval(&engine, &clock).await?);
    }
    engine.stop();
    report(&idle, &busy);
    let store = Store::open(&format!("sqlite:{}", database.display())).await?;
    let entries = store.ledger_check().await?;
    if entries < PODS * u64::try_from(rounds)? {
        bail!("only {entries} charges were posted");
    }
    println!("  {entries} entries, and the books balance");
    Ok(())
}

fn report(idle: &Samples, busy: &Samples) {
    let seconds = INTERVAL.to_std().as_secs_f64();
    let share = |time: Duration| time.as_secs_f64() * 100.0 / seconds;
    let title = "metering: 100,000 pods for a minute, processor time of the whole process";
    println!("{}", table(title, busy, &[idle]));
    let metering = busy.median().saturating_sub(idle.median());
    println!("  metering takes {:.1} % of one core", share(metering));
}

/// Puts the clock forward by an interval, step by step, and returns the processor time that took.
async fn interval(engine: &Engine, clock: &Stepped) -> Result<Duration> {
    let before = processor_time()?;
    for _ in 0..INTERVAL.millis() / STEP.millis() {
        let activations = metering_activations(engine);
        clock
            .now
            .fetch_add(i64::try_from(STEP.millis())?, Ordering::SeqCst);
        clock.stepped.notify_waiters();
        while metering_activations(engine) == activations {
            tokio::time::sleep(LOOK).await;
        }
        settle().await?;
    }
    Ok(processor_time()?.saturating_sub(before))
}

fn metering_activations(engine: &Engine) -> u64 {
    let tasks = engine.tasks();
    let metering = tasks.iter().find(|task| task.name == "metering");
    metering.map_or(0, |task| task.activations)
}

/// Waits until the process has nothing left to do.
async fn settle() -> Result<()> {
    loop {
        let before = processor_time()?;
        tokio::time::sleep(LOOK * 10).await;
        if processor_time()? <= before + TICK {
            return Ok(());
        }
    }
}

/// Returns the processor time of this process, to the hundredth of a second.
fn processor_time() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>)
        .sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

async fn engine(directory: &Path, clock: Arc<Stepped>) -> Result<Engine> {
    let url = format!("sqlite:{}", directory.join("livery.db").display());
    let content = ContentStore::open(&directory.join("content"), Compression::Never)?;
    let engine = Engine::start(Options {
        store: Store::open(&url).await?,
        content: Arc::new(content),
        suppliers: Vec::new(),
        hosts: HostDirectory::new(),
        clock,
        logs_dir: directory.join("logs"),
        peers: Peers::Several,
    })
    .await?;
    while metering_activations(&engine) == 0 {
        tokio::time::sleep(LOOK).await;
    }
    settle().await?;
    Ok(engine)
}

/// Keeps one pod with its meter, and then many like it.
async fn populate(database: &Path) -> Result<()> {
    let store = Store::open(&format!("sqlite:{}", database.display())).await?;
    let (account, now) = (AccountId::from_entropy(1), Timestamp::from_millis(BEGAN));
    store.account_ensure(&account, "bench", now).await?;
    store.account_credit_set(&account, Credit::Owner).await?;
    let pod = pod(account.clone(), now);
    store.pod_insert(&pod).await?;
    let subject = Subject {
        account,
        item: Item::Compute,
        pod: Some(pod.id),
        run: None,
        volume: None,
        payee: Book::Earnings(HostId::from_entropy(1)),
    };
    let opened = Change {
        before: None,
        after: Meter::adopted(&subject, pod.offer.price, now, Money::ZERO),
    };
    store.meter_apply(&[opened], &[], now).await?;
    store.close().await;
    sqlite::script(MULTIPLY, database, i64::try_from(PODS)?)?;
    Ok(())
}

fn pod(account: AccountId, now: Timestamp) -> Pod {
    Pod {
        id: PodId::from_entropy(1),
        account,
        order: PodOrder {
            name: "bench".into(),
            image: "host".into(),
            command: None,
            env: BTreeMap::new(),
            gpu_count: 1,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            container_disk: Bytes::gib(1),
            volume_disk: Bytes::gib(1),
            network_volume: None,
            ports: Vec::new(),
        },
        offer: Offer {
            id: OfferId::from_entropy(1),
            supplier: SupplierName::new("local"),
            host: Some(HostId::from_entropy(1)),
            gpus: None,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            disk: Bytes::gib(10),
            region: String::new(),
            tier: Tier::Local,
            pricing: Pricing::OnDemand,
            price: Rate::hourly(Money::from_nanos(360_000_000)),
            storage: StoragePrice::FREE,
            reliability_permille: None,
        },
        policy: PodPolicy::default(),
        run: None,
        launch_key: LaunchKey::from_entropy(1),
        foreign_id: Some("1".into()),
        desired: Desired::Running,
        observed: Observed::Up,
        reason: None,
        ruled: None,
        failure: None,
        attempts: 0,
        created: now,
        started: Some(now),
        up_until: Some(now),
        ended: None,
        observed_at: Some(now),
        generation: 0,
    }
}

//! What charging 100,000 pods costs.

use crate::args::Args;
use crate::report::{Samples, table};
use crate::sqlite;
use anyhow::{Result, bail};
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_domain::pod::{Desired, Observed, Pod, PodOrder, PodPolicy};
use livery_engine::meters_read;
use livery_ledger::{Book, Change, Item, Meter, Subject};
use livery_store::{Credit, Store};
use livery_units::{
    AccountId, Bytes, HostId, LaunchKey, Money, OfferId, PodId, Rate, Span, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

const PODS: u64 = 100_000;
const ROUNDS: usize = 5;

/// How often each meter of accounts with much left is read, and how often the task that reads them comes
/// by.
const INTERVAL: Span = Span::from_secs(240);
const STEP: Span = Span::from_secs(10);

const BEGAN: i64 = 1_700_000_000_000;

/// What processor time is counted in.
const TICK: Duration = Duration::from_millis(10);

/// Makes many of one: pods with their meters, due all over the next interval, of 1,000 accounts.
const MULTIPLY: &str = r#"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
pods, SPREAD = int(sys.argv[2]), 240000
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
    row = ("acc_%d" % n, "account %d" % n) + account[2:]
    db.execute("INSERT INTO accounts VALUES (%s)" % ", ".join("?" * len(row)), row)
def of(n):
    return {"account_id": "acc_%d" % (n % 1000)}
pod, due = "pod_%016d", db.execute("SELECT due FROM meters").fetchone()[0]
# Neighbours in time are no neighbours by name, as with real names.
scatter = lambda n: n * 7919 % pods
names = columns("meters")
items = [dict(zip(names, row)) for row in db.execute("SELECT * FROM meters").fetchall()]
db.execute("DELETE FROM meters")
for number, item in enumerate(items):
    rows = ({**item, **of(scatter(n)), "id": "mtr_%d_%016d" % (number, scatter(n)),
        "pod_id": pod % scatter(n), "due": due + 1 + n * (SPREAD - 1) // pods} for n in range(pods))
    db.executemany("INSERT INTO meters VALUES (%s)" % ", ".join("?" * len(names)),
        ([row[name] for name in names] for row in rows))
many("pods", lambda n: {**of(n), "id": pod % n, "launch_key": "key_%d" % n, "due": 2**62})
db.commit()
"#;

/// What observing the pods would do, done by somebody else.
const OBSERVE: &str = r#"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60)
db.execute("UPDATE pods SET up_until = ?1, observed_at = ?1", (int(sys.argv[2]),))
db.commit()
"#;

/// Prints the processor time of intervals in which every meter is due once: of pods whose machine
/// alone costs, and of those whose disks cost too.
pub(crate) async fn measure(args: &Args) -> Result<()> {
    for (what, items) in [
        ("machines", &[Item::Compute][..]),
        ("machines and disks", &[Item::Compute, Item::Storage][..]),
    ] {
        measure_items(args, what, items).await?;
    }
    Ok(())
}

async fn measure_items(args: &Args, what: &str, items: &[Item]) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("livery-bench-")
        .tempdir_in(&args.dir)?;
    let database = directory.path().join("livery.db");
    populate(&database, items).await?;
    let store = Store::open(&format!("sqlite:{}", database.display())).await?;
    let meters = PODS * u64::try_from(items.len())?;
    let mut now = Timestamp::from_millis(BEGAN);
    let (mut idle, mut busy) = (Samples::new("nothing due"), Samples::new("all due once"));
    for _ in 0..args.rounds.unwrap_or(ROUNDS) {
        // Nothing is due in the moment after everything was read.
        let (took, read) = interval(&store, now, Span::ZERO).await?;
        idle.push(took);
        sqlite::script(OBSERVE, &database, now.after(INTERVAL).millis())?;
        let (took, all) = interval(&store, now, STEP).await?;
        busy.push(took);
        now = now.after(INTERVAL);
        if (read, all) != (0, meters) {
            bail!("{read} meters were read at once and {all} in an interval");
        }
    }
    report(what, &idle, &busy);
    let entries = store.ledger_check().await?;
    println!("  {entries} entries, and the books balance");
    Ok(())
}

fn report(what: &str, idle: &Samples, busy: &Samples) {
    let share = |time: Duration| time.as_secs_f64() * 100.0 / INTERVAL.to_std().as_secs_f64();
    let title = format!("metering: 100,000 pods ({what}) for {INTERVAL}, processor time");
    println!("{}", table(&title, busy, &[idle]));
    println!(
        "  {:.1} % of one core ({:.1} to {:.1} %)",
        share(busy.median()),
        share(busy.percentile(10)),
        share(busy.percentile(90))
    );
}

/// Reads what is due as the metering task does, as often as it does; returns the processor time that
/// took and how many meters were read.
async fn interval(store: &Store, from: Timestamp, step: Span) -> Result<(Duration, u64)> {
    let (before, mut now, mut count) = (processor_time()?, from, 0);
    for _ in 0..INTERVAL.millis() / STEP.millis() {
        now = now.after(step);
        let mut odd = BTreeSet::new();
        count += meters_read(store, now, &mut odd).await?;
        store.meter_missing(1_000).await?;
        if !odd.is_empty() {
            bail!("{} pods are odd", odd.len());
        }
    }
    Ok((processor_time()?.saturating_sub(before), count))
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

/// Keeps one pod with its meter, and then many like it.
async fn populate(database: &Path, items: &[Item]) -> Result<()> {
    let store = Store::open(&format!("sqlite:{}", database.display())).await?;
    let (account, now) = (AccountId::from_entropy(1), Timestamp::from_millis(BEGAN));
    store.account_ensure(&account, "bench", now).await?;
    store.account_credit_set(&account, Credit::Owner).await?;
    let pod = pod(account.clone(), now);
    store.pod_insert(&pod).await?;
    for item in items {
        let subject = Subject {
            account: account.clone(),
            item: *item,
            pod: Some(pod.id.clone()),
            run: None,
            volume: None,
            payee: Book::Earnings(HostId::from_entropy(1)),
        };
        let opened = Change {
            before: None,
            after: Meter::adopted(&subject, pod.offer.price, now, Money::ZERO),
        };
        store.meter_apply(&[opened], &[], None, now).await?;
    }
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
            whole: None,
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
        counted: None,
        starts: 0,
        generation: 0,
    }
}

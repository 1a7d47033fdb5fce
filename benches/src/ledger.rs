//! Entries of the ledger, beside the simplest ledger that is as safe: one insert per transaction.

use crate::args::Args;
use crate::report::{Samples, table};
use crate::sqlite;
use anyhow::{Result, bail};
use livery_ledger::{Book, Change, Item, Meter, Subject, Transfer, charge};
use livery_store::{Credit, Posted, Store};
use livery_units::{AccountId, HostId, Money, PodId, Rate, Span, Timestamp};
use std::path::Path;
use std::time::{Duration, Instant};

const ROUNDS: usize = 20;

/// Pods that are charged at once, as the metering task does it.
const BATCH: u32 = 1_000;
const BATCHES: u32 = 10;

/// Whose pods they are.
const ACCOUNTS: u32 = 100;

/// What the other ledger does: the same columns, the same durability, and nothing but the entry.
const RIVAL: &str = r#"
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for pragma in ("journal_mode = WAL", "synchronous = FULL"):
    db.execute("PRAGMA " + pragma)
db.execute("""CREATE TABLE IF NOT EXISTS transfers (id TEXT PRIMARY KEY, seq INTEGER UNIQUE,
    kind TEXT, from_book TEXT, to_book TEXT, amount INTEGER, at_ms INTEGER, account_id TEXT,
    pod_id TEXT, memo TEXT)""")
count = int(sys.argv[2])
first = db.execute("SELECT COALESCE(MAX(seq), 0) FROM transfers").fetchone()[0]
began = time.perf_counter()
for seq in range(first + 1, first + 1 + count):
    row = (os.urandom(10).hex(), seq, "charge", "balance:acc_1", "earnings:host_1", 100000, seq,
        "acc_1", "pod_%016d" % (seq % 1000), "compute, 1m 00s at $0.36/h")
    db.execute("INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
print(time.perf_counter() - began)
"#;

/// Measures both per 1,000 entries, and prints ours per second.
pub(crate) async fn measure(args: &Args) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("livery-bench-")
        .tempdir_in(&args.dir)?;
    let mut ours = Ours::open(directory.path()).await?;
    let rival = directory.path().join("rival.db");
    let mut our_times = Samples::new("livery, 1,000 at a time");
    let mut their_times = Samples::new("one INSERT per transaction");
    ours.post_all().await?;
    for _ in 0..args.rounds.unwrap_or(ROUNDS) {
        our_times.push(ours.post_all().await? / BATCHES);
        let took = sqlite::script(RIVAL, &rival, i64::from(BATCH))?;
        their_times.push(Duration::from_secs_f64(took.parse()?));
    }
    let title = "ledger: 1,000 entries with their books, durable, SQLite";
    println!("{}", table(title, &our_times, &[&their_times]));
    let rate = f64::from(BATCH) / our_times.median().as_secs_f64();
    println!("  {rate:.0} entries per second");
    let transfers = ours.store.ledger_check().await?;
    println!("  {transfers} entries, and the books balance");
    Ok(())
}

struct Ours {
    store: Store,
    meters: Vec<Meter>,
    now: Timestamp,
}

impl Ours {
    async fn open(directory: &Path) -> Result<Self> {
        let url = format!("sqlite:{}", directory.join("livery.db").display());
        let store = Store::open(&url).await?;
        let now = Timestamp::from_millis(1_700_000_000_000);
        for number in 0..ACCOUNTS {
            let account = AccountId::from_entropy(number.into());
            store
                .account_ensure(&account, account.as_str(), now)
                .await?;
            store.account_credit_set(&account, Credit::Owner).await?;
        }
        let rate = Rate::hourly(Money::from_nanos(360_000_000));
        let opened = |number| Meter::adopted(&subject(number), rate, now, Money::ZERO);
        Ok(Self {
            store,
            meters: (0..BATCH * BATCHES).map(opened).collect(),
            now,
        })
    }

    /// Charges every pod for another minute, a batch at a time, and returns how long that took.
    async fn post_all(&mut self) -> Result<Duration> {
        self.now = self.now.after(Span::from_secs(60));
        let begin = Instant::now();
        for batch in self.meters.chunks_mut(usize::try_from(BATCH)?) {
            let mut transfers: Vec<Transfer> = Vec::with_capacity(batch.len());
            for meter in batch {
                let change = Change {
                    after: meter.counted_until(self.now)?,
                    before: Some(meter.clone()),
                };
                transfers.extend(charge(&change, Money::ZERO)?);
                *meter = change.after;
            }
            if self.store.transfer_post(&transfers).await? != Posted::New {
                bail!("the ledger knows these entries already");
            }
        }
        Ok(begin.elapsed())
    }
}

fn subject(number: u32) -> Subject {
    Subject {
        account: AccountId::from_entropy((number % ACCOUNTS).into()),
        item: Item::Compute,
        pod: Some(PodId::from_entropy(number.into())),
        run: None,
        volume: None,
        payee: Book::Earnings(HostId::from_entropy((number % 1_000).into())),
    }
}

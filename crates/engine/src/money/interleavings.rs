//! Rows of a real store, workers that die or come twice, clocks that jump: what is charged is exactly
//! what an oracle adds up that is told of everything at the moment at which it happens.

use super::count;
use super::oracle::Oracle;
use super::samples::{ACCOUNT, DISKS_KEPT, DISKS_UP, machine, pod};
use super::template::store_in;
use crate::clock::Clock;
use crate::services::{Options, Peers, Services};
use crate::tasks::{BackgroundTask, Metering};
use async_trait::async_trait;
use livery_content::{Compression, OwnedContent};
use livery_domain::account::Standing;
use livery_domain::pod::{Desired, Observed, Pod};
use livery_host_api::HostDirectory;
use livery_ledger::{Book, Item};
use livery_store::Credit;
use livery_units::{AccountId, Bytes, HostId, Money, PodId, Span, Steady, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

/// Two clocks: what has passed, and by how much the one on the wall was put forward since.
pub(super) struct Watch {
    passed: AtomicI64,
    pub(super) ahead: AtomicI64,
}

/// What the clock on the wall shows when nothing has passed.
const BEGINS: i64 = 1_000_000_000;

#[async_trait]
impl Clock for Watch {
    fn now(&self) -> Timestamp {
        let (passed, ahead) = (&self.passed, &self.ahead);
        let shows = passed.load(Ordering::SeqCst) + ahead.load(Ordering::SeqCst);
        Timestamp::from_millis(BEGINS + shows)
    }

    fn steady(&self) -> Option<Steady> {
        let passed = self.passed.load(Ordering::SeqCst).unsigned_abs();
        Some(Steady {
            clock: 1,
            shows: Span::from_millis(passed),
        })
    }
}

#[derive(Debug, Clone)]
enum Act {
    /// Time passes, and the supplier says how the pod is.
    Seen(i64),
    /// Time passes without a word.
    Silence(i64),
    /// The clock on the wall is put forward or back, and no time passes.
    Jump(i64),
    /// The user stops or starts it.
    Toggle,
    /// Its command ends, or it comes back by itself.
    Flip,
    /// A worker counts, or two at once.
    Count,
    CountTwice,
    /// The metering task comes by.
    Metering,
    /// Whoever looks at it while it is down gives back what is held.
    Settle,
    /// Workers that saw it stopped or started long ago go on where they were held up.
    Late,
    /// The account's credit is used up, or there is some again.
    Credit,
}

fn acts(jumps: u32, credit: u32) -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0_i64..100_000).prop_map(Act::Seen),
        1 => (0_i64..4_000_000).prop_map(Act::Silence),
        jumps => (-300_000_i64..3_000_000).prop_map(Act::Jump),
        3 => Just(Act::Toggle),
        2 => Just(Act::Flip),
        2 => Just(Act::Count),
        1 => Just(Act::CountTwice),
        3 => Just(Act::Metering),
        5 => prop_oneof![3 => Just(Act::Settle), 2 => Just(Act::Late)],
        credit => Just(Act::Credit),
    ]
}

pub(super) struct World {
    pub(super) services: Arc<Services>,
    pub(super) watch: Arc<Watch>,
    pod: PodId,
    is_up: bool,
    compute: Oracle,
    disks: Oracle,
    standing: Standing,
    /// Every row that there was.
    past: Vec<Pod>,
    _dir: TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store_in(dir.path()).await;
        let account: AccountId = ACCOUNT.parse().unwrap();
        let watch = Arc::new(Watch {
            passed: AtomicI64::new(0),
            ahead: AtomicI64::new(0),
        });
        let made = store.account_ensure(&account, "x", watch.now()).await;
        made.unwrap();
        store
            .account_credit_set(&account, Credit::Owner)
            .await
            .unwrap();
        let mut pod = pod(watch.now());
        pod.saw(Observed::Up, watch.moment());
        store.pod_insert(&pod).await.unwrap();
        let content = OwnedContent::open(&dir.path().join("content"), Compression::Never);
        let services = Services::new(Options {
            store,
            content: Arc::new(content.unwrap()),
            suppliers: Vec::new(),
            hosts: HostDirectory::new(),
            clock: watch.clone(),
            logs_dir: dir.path().join("logs"),
            docker_config: None,
            log_limit: Bytes::mib(1),
            peers: Peers::None,
        });
        super::hold(&services, &pod).await.unwrap();
        let mut world = Self {
            services: Arc::new(services),
            watch,
            pod: pod.id,
            is_up: true,
            compute: Oracle::default(),
            disks: Oracle::default(),
            standing: Standing::Good,
            past: Vec::new(),
            _dir: dir,
        };
        let now = world.now();
        world.came_up(now);
        world
    }

    /// The time by what has passed, whatever the clock on the wall shows.
    pub(super) fn now(&self) -> i64 {
        BEGINS + self.watch.passed.load(Ordering::SeqCst)
    }

    pub(super) fn pass(&self, millis: i64) {
        self.watch.passed.fetch_add(millis, Ordering::SeqCst);
    }

    async fn row(&self) -> Pod {
        self.services.store.pod_fetch(&self.pod).await.unwrap()
    }

    async fn count(&self) {
        count(&self.services, &self.pod).await.unwrap();
    }

    fn came_up(&mut self, now: i64) {
        self.compute.begin(machine(), now);
        if self.disks.open.is_some() {
            self.disks.seen(now);
            self.disks.end();
        }
        if self.standing == Standing::Good {
            self.disks.begin_where_it_ended(DISKS_UP, now);
        }
    }

    fn went_down(&mut self, up_until: i64, now: i64) {
        self.compute.seen(up_until);
        self.compute.end();
        if self.disks.open.is_some() {
            self.disks.seen(up_until);
            self.disks.end();
            self.disks.begin_where_it_ended(DISKS_KEPT, up_until);
            self.disks.seen(now);
        }
    }

    /// The supplier says how the pod is, and whoever heard it dies before counting anything.
    async fn seen(&mut self) {
        let mut row = self.row().await;
        let (before, now) = (row.observed, self.now());
        let seen = if self.is_up {
            Observed::Up
        } else {
            Observed::Down
        };
        if before == Observed::Down && self.is_up && row.started.is_some() {
            self.count().await;
        }
        let starts = row.starts;
        row.saw(seen, self.watch.moment());
        self.write(&row).await;
        if row.starts != starts {
            super::hold(&self.services, &row).await.unwrap();
        }
        let up_until = row.up_until.map_or(now, Timestamp::millis);
        match (before == Observed::Up, self.is_up) {
            (true, true) => {
                self.compute.seen(now);
                self.disks.seen(now);
            }
            (false, true) => self.came_up(now),
            (true, false) => self.went_down(up_until, now),
            (false, false) => self.disks.seen(now),
        }
    }

    /// The user stops it or starts it, as the engine does it.
    async fn toggle(&mut self) {
        self.seen().await;
        let mut row = self.row().await;
        if self.is_up {
            row.want(Desired::Stopped).unwrap();
            self.write(&row).await;
            self.is_up = false;
            self.seen().await;
            return;
        }
        super::settle(&self.services, &row).await.unwrap();
        row.want(Desired::Running).unwrap();
        let hold = super::first_hold(&self.services, &row).unwrap();
        let start = self.services.store.pod_start(&row, hold.as_ref(), &[]);
        self.past.push(start.await.unwrap());
        assert_eq!(self.held().await, hold.unwrap().amount);
        self.pass(1);
        self.is_up = true;
        self.seen().await;
    }

    async fn write(&mut self, row: &Pod) {
        let row = self.services.store.pod_update(row).await.unwrap();
        self.past.push(row);
    }

    async fn held(&self) -> Money {
        let store = &self.services.store;
        let held = store.pod_held(&self.pod).await.unwrap();
        let book = Book::Held(ACCOUNT.parse().unwrap());
        assert_eq!(store.balance(&book).await, Ok(held));
        held
    }

    async fn settle(&self) {
        let row = self.row().await;
        if !row.is_confirmed_down() {
            return;
        }
        let (one, other) = (&self.services, &self.services);
        let settled = tokio::join!(super::settle(one, &row), super::settle(other, &row));
        assert!(settled.0.is_ok() && settled.1.is_ok());
        assert_eq!(self.held().await, Money::ZERO, "nothing runs");
    }

    /// What belongs to an earlier start neither takes from what is held for this one nor adds to it.
    async fn late(&self) {
        self.count().await;
        let (starts, held) = (self.row().await.starts, self.held().await);
        for row in self.past.iter().filter(|row| row.starts < starts) {
            super::settle(&self.services, row).await.unwrap();
            super::hold(&self.services, row).await.unwrap();
            assert_eq!(self.held().await, held, "{row:?}");
        }
    }

    async fn credit(&mut self) {
        self.count().await;
        let since = self.watch.now();
        self.standing = match self.standing {
            Standing::Good => Standing::Out { since },
            Standing::Out { .. } => Standing::Good,
        };
        let account = ACCOUNT.parse().unwrap();
        let store = &self.services.store;
        store
            .account_standing_set(&account, self.standing)
            .await
            .unwrap();
        self.count().await;
        let row = self.row().await;
        let (confirmed, rate) = if row.observed == Observed::Up {
            (row.up_until, DISKS_UP)
        } else {
            (row.known_until(), DISKS_KEPT)
        };
        match self.standing {
            Standing::Out { .. } => self.disks.end(),
            Standing::Good => self.disks.begin(rate, confirmed.unwrap().millis()),
        }
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Seen(millis) => {
                self.pass(millis);
                self.seen().await;
            }
            Act::Silence(millis) => self.pass(millis),
            Act::Jump(millis) => drop(self.watch.ahead.fetch_add(millis, Ordering::SeqCst)),
            Act::Toggle => self.toggle().await,
            Act::Flip => {
                self.seen().await;
                self.pass(1);
                self.is_up = !self.is_up;
            }
            Act::Count => self.count().await,
            Act::CountTwice => {
                tokio::join!(self.count(), self.count());
            }
            Act::Metering => {
                let (one, other) = (Metering, Metering);
                tokio::join!(one.activate(&self.services), other.activate(&self.services));
            }
            Act::Settle => self.settle().await,
            Act::Late => self.late().await,
            // A second of grace: credit that ends where it began is no credit.
            Act::Credit => {
                self.pass(1_000);
                self.seen().await;
                self.credit().await;
            }
        }
    }

    async fn check(mut self) {
        self.count().await;
        let mut row = self.row().await;
        row.observed = Observed::Absent;
        let mut row = self.services.store.pod_update(&row).await.unwrap();
        super::settle(&self.services, &row).await.unwrap();
        row.ended = Some(self.watch.now());
        let row = self.services.store.pod_close(&row).await.unwrap();
        for row in &self.past {
            super::hold(&self.services, row).await.unwrap();
        }
        self.compute.end();
        self.disks.end();
        let store = &self.services.store;
        let mut charged: BTreeMap<Item, i128> = BTreeMap::new();
        for meter in store.meter_list_of_pod(&self.pod).await.unwrap() {
            assert!(meter.closed.is_some(), "{meter:?}");
            *charged.entry(meter.item).or_default() += i128::from(meter.charged.nanos());
        }
        let of = |item| charged.get(&item).copied().unwrap_or(0);
        assert_eq!(of(Item::Compute), self.compute.sum, "compute");
        assert_eq!(of(Item::Storage), self.disks.sum, "storage");
        let paid = store
            .balance(&Book::Earnings(HostId::from_entropy(6)))
            .await;
        let sum = self.compute.sum + self.disks.sum;
        assert_eq!(i128::from(paid.unwrap().nanos()), sum);
        assert_eq!(store.pod_held(&self.pod).await, Ok(Money::ZERO));
        let transfers = store.ledger_check().await.unwrap();
        count(&self.services, &self.pod).await.unwrap();
        super::settle(&self.services, &row).await.unwrap();
        Metering.activate(&self.services).await;
        assert_eq!(store.ledger_check().await, Ok(transfers), "a replay");
    }
}

fn run(acts: Vec<Act>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut world = World::new().await;
        for act in acts {
            world.act(act).await;
        }
        world.check().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_pod_is_billed_for_exactly_what_is_confirmed(
        acts in prop::collection::vec(acts(2, 0), 1..40),
    ) {
        run(acts);
    }

    #[test]
    fn disks_of_who_has_no_credit_cost_nothing(
        acts in prop::collection::vec(acts(2, 2), 1..40),
    ) {
        run(acts);
    }
}

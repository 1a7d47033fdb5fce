//! Whatever is silent for however long, and in whichever order it is counted: an account that pays
//! before owes an interval at most, and a pod costs what it may and an interval at most.

use super::cap::in_interval;
use super::samples::{ACCOUNT, DISKS_UP, machine, pod};
use super::template::store_in;
use super::{METERING_INTERVAL, cost_so_far, count, settle};
use crate::clock::Clock;
use crate::services::{Options, Peers, Services};
use crate::tasks::{BackgroundTask, Metering};
use async_trait::async_trait;
use livery_content::{Compression, OwnedContent};
use livery_domain::pod::{Desired, Observed, Pod};
use livery_host_api::HostDirectory;
use livery_ledger::top_up;
use livery_store::Credit;
use livery_units::{AccountId, LaunchKey, Money, PodId, Span, Timestamp};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

pub(super) struct Watch(AtomicI64);

#[async_trait]
impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub(super) const HOUR: i64 = 3_600_000;

pub(super) struct World {
    pub(super) services: Arc<Services>,
    pub(super) watch: Arc<Watch>,
    pub(super) pods: Vec<PodId>,
    _dir: TempDir,
}

pub(super) fn account() -> AccountId {
    ACCOUNT.parse().unwrap()
}

pub(super) fn dollars(dollars: i64) -> Money {
    Money::from_nanos(dollars * 1_000_000_000)
}

/// What a pod costs in an interval.
pub(super) fn minute() -> Money {
    in_interval(machine()).saturating_plus(in_interval(DISKS_UP))
}

impl World {
    /// An account with so much, and two pods of it that have just come up.
    pub(super) async fn new(credit: Credit, has: Money, max_cost: Option<Money>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store_in(dir.path()).await;
        let watch = Arc::new(Watch(AtomicI64::new(1_000_000_000)));
        let now = watch.now();
        store.account_ensure(&account(), "x", now).await.unwrap();
        store.account_credit_set(&account(), credit).await.unwrap();
        let payment = top_up(&account(), has, "first", now);
        store.account_top_up(&payment).await.unwrap();
        let content = OwnedContent::open(&dir.path().join("content"), Compression::Never);
        let services = Arc::new(Services::new(Options {
            store,
            content: Arc::new(content.unwrap()),
            suppliers: Vec::new(),
            hosts: HostDirectory::new(),
            clock: watch.clone(),
            logs_dir: dir.path().join("logs"),
            docker_config: None,
            log_limit: livery_units::Bytes::mib(1),
            peers: Peers::None,
        }));
        let mut pods = Vec::new();
        for number in 1..=2 {
            let mut pod = Pod {
                id: PodId::from_entropy(number),
                launch_key: LaunchKey::from_entropy(number),
                ..pod(now)
            };
            pod.policy.max_cost = max_cost;
            pod.saw(Observed::Up, now);
            services.store.pod_insert(&pod).await.unwrap();
            super::hold(&services, &pod).await.unwrap();
            count(&services, &pod.id).await.unwrap();
            pods.push(pod.id);
        }
        Self {
            services,
            watch,
            pods,
            _dir: dir,
        }
    }

    pub(super) fn pass(&self, millis: i64) {
        self.watch.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(super) async fn row(&self, nth: usize) -> Pod {
        let row = self.services.store.pod_fetch(&self.pods[nth]).await;
        row.unwrap()
    }

    /// A supplier answers that a pod is so.
    pub(super) async fn seen(&self, nth: usize, observed: Observed) {
        let store = &self.services.store;
        let mut row = self.row(nth).await;
        if row.observed == Observed::Down && observed == Observed::Up {
            return;
        }
        row.saw(observed, self.watch.now());
        store.pod_update(&row).await.unwrap();
    }

    async fn left(&self) -> Money {
        let stand = self.services.store.account_stand(&account()).await.unwrap();
        stand.balance.saturating_plus(stand.held)
    }

    async fn charged(&self, nth: usize) -> Money {
        let charged = self.services.store.pod_charged(&self.pods[nth]).await;
        charged.unwrap()
    }

    async fn act(&self, act: Act) {
        match act {
            Act::Pass(millis) => self.pass(millis),
            Act::Seen(nth) => self.seen(nth, Observed::Up).await,
            Act::Down(nth) => self.seen(nth, Observed::Down).await,
            Act::Count(nth) => count(&self.services, &self.pods[nth]).await.unwrap(),
            Act::CountBoth => {
                let (one, other) = (&self.pods[0], &self.pods[1]);
                let counted =
                    tokio::join!(count(&self.services, one), count(&self.services, other));
                assert!(counted.0.is_ok() && counted.1.is_ok());
            }
            Act::Metering => drop(Metering.activate(&self.services).await),
            Act::TopUp(number) => {
                let payment = top_up(
                    &account(),
                    dollars(3),
                    &number.to_string(),
                    self.watch.now(),
                );
                self.services.store.account_top_up(&payment).await.unwrap();
            }
        }
    }

    /// The pods are gone, and everything that there is to count is counted.
    pub(super) async fn end(&self) {
        for nth in 0..self.pods.len() {
            let store = &self.services.store;
            let mut row = store.pod_fetch(&self.pods[nth]).await.unwrap();
            row.desired = Desired::Gone;
            row.observed = Observed::Absent;
            let row = store.pod_update(&row).await.unwrap();
            settle(&self.services, &row).await.unwrap();
        }
        self.services.store.ledger_check().await.unwrap();
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Pass(i64),
    Seen(usize),
    Down(usize),
    Count(usize),
    CountBoth,
    Metering,
    TopUp(u32),
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_i64..100_000).prop_map(Act::Pass),
        1 => (0_i64..9 * HOUR).prop_map(Act::Pass),
        5 => (0_usize..2).prop_map(Act::Seen),
        1 => (0_usize..2).prop_map(Act::Down),
        3 => (0_usize..2).prop_map(Act::Count),
        2 => Just(Act::CountBoth),
        4 => Just(Act::Metering),
        1 => (0_u32..1_000).prop_map(Act::TopUp),
    ]
}

pub(super) fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().unwrap().block_on(work);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_account_owes_an_interval_at_most(acts in prop::collection::vec(acts(), 1..40)) {
        run(async {
            let world = World::new(Credit::Prepaid, dollars(10), None).await;
            let least = Money::ZERO.saturating_minus(minute()).saturating_minus(minute());
            for act in acts {
                world.act(act).await;
                let left = world.left().await;
                assert!(left >= least, "{left} is left");
            }
            world.end().await;
            assert!(world.left().await >= least);
        });
    }

    #[test]
    fn a_pod_costs_what_it_may_and_an_interval_at_most(
        acts in prop::collection::vec(acts(), 1..40),
    ) {
        run(async {
            let may = dollars(2);
            let world = World::new(Credit::Owner, dollars(10), Some(may)).await;
            for act in acts {
                world.act(act).await;
                for nth in 0..2 {
                    let charged = world.charged(nth).await;
                    assert!(charged <= may.saturating_plus(minute()), "{charged}");
                }
            }
            world.end().await;
        });
    }
}

/// Both pods are seen up again after a night in which nobody answered.
async fn after_a_night(credit: Credit, max_cost: Option<Money>) -> World {
    let world = World::new(credit, dollars(12), max_cost).await;
    world.pass(8 * HOUR);
    world.seen(0, Observed::Up).await;
    world.seen(1, Observed::Up).await;
    world
}

#[test]
fn a_night_of_silence_is_charged_as_far_as_there_is_money_and_an_interval_more() {
    run(async {
        let world = after_a_night(Credit::Prepaid, None).await;
        Metering.activate(&world.services).await;
        let left = world.left().await;
        let least = Money::ZERO
            .saturating_minus(minute())
            .saturating_minus(minute());
        let second = machine().accrued(Span::from_secs(1)).unwrap();
        let second = second.saturating_plus(DISKS_UP.accrued(Span::from_secs(1)).unwrap());
        assert!(
            left >= least && left <= least.saturating_plus(second),
            "{left}"
        );
        let notices = world
            .services
            .store
            .notice_list(&account(), 10)
            .await
            .unwrap();
        let words = &notices[0].notice.message;
        assert!(words.contains("that is not billed"), "{words}");
        // Nothing more is charged, however long they stay up, until there is money again.
        world.pass(HOUR);
        world.seen(0, Observed::Up).await;
        Metering.activate(&world.services).await;
        assert_eq!(world.left().await, left);
        world.act(Act::TopUp(1)).await;
        Metering.activate(&world.services).await;
        let topped_up = world.left().await;
        assert_eq!(topped_up, left.saturating_plus(dollars(3)));
        world.pass(METERING_INTERVAL.millis().cast_signed());
        world.seen(0, Observed::Up).await;
        Metering.activate(&world.services).await;
        assert_eq!(topped_up.saturating_minus(world.left().await), minute());
        world.end().await;
    });
}

#[test]
fn who_may_owe_is_charged_for_all_of_a_night() {
    run(async {
        let world = after_a_night(Credit::Owner, None).await;
        Metering.activate(&world.services).await;
        let night = Span::from_millis((8 * HOUR).unsigned_abs());
        let cost = machine().accrued(night).unwrap();
        let cost = cost.saturating_plus(DISKS_UP.accrued(night).unwrap());
        assert_eq!(world.charged(0).await, cost);
        assert_eq!(world.charged(1).await, cost);
    });
}

#[test]
fn a_night_of_silence_costs_no_more_than_a_pod_may() {
    run(async {
        let may = dollars(5);
        let world = after_a_night(Credit::Owner, Some(may)).await;
        let row = world.row(0).await;
        let so_far = cost_so_far(&world.services, &row).await.unwrap();
        assert!(
            so_far > may && so_far <= may.saturating_plus(minute()),
            "{so_far}"
        );
        Metering.activate(&world.services).await;
        assert_eq!(world.charged(0).await, so_far);
        world.end().await;
        assert_eq!(world.charged(0).await, so_far);
    });
}

//! The year as it is lived, and what must hold in it and after it.

use crate::check::Doubt;
use crate::clock::SimClock;
use crate::cloud::SimCloud;
use crate::dice::Dice;
use crate::orders::{self, ACCOUNTS, Act, DAY, Event, Moment, Order, POOR, SECOND, YEAR};
use crate::watch::Purse;
use crate::world::{Who, World};
use livery_domain::placement::Need;
use livery_domain::pod::Pod;
use livery_engine::{Clock, NewPod, Which};
use livery_store::Credit;
use livery_units::{AccountId, Bytes, Money, PodId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// When the year begins, by the clock on the wall.
const BEGINS: i64 = 1_750_000_000_000;

/// In how many steps all background tasks come by once; in between, those that come every second.
const EVERYBODY: u64 = 16;

/// In how many steps what was told is read once.
const NOTICES: u64 = 500;

pub struct Year {
    pub seed: u64,
    pub dice: Dice,
    pub world: World,
    pub orders: Vec<Order>,
    pub events: Vec<(i64, Event)>,
    pub accounts: Vec<AccountId>,
    pub ids: Vec<Option<PodId>>,
    pub doubts: BTreeMap<usize, Vec<Doubt>>,
    /// Since when a pod is not wanted to be up.
    pub unwanted: BTreeMap<PodId, i64>,
    /// The pods that had not ended at the last look.
    pub pods: Vec<Pod>,
    pub purses: Vec<Purse>,
    /// The pods whose users were told that some of their time is not billed.
    pub not_billed: BTreeSet<String>,
    pub steps: u64,
    pub began: std::time::Instant,
    pub kills: u64,
    pub _dir: TempDir,
}

impl Year {
    pub fn new(seed: u64, pods: usize) -> Self {
        let dice = Dice::new(seed);
        // Every commit is waited for: a directory in memory makes that short.
        let in_memory = std::path::Path::new("/dev/shm");
        let dir = match in_memory.is_dir() {
            true => tempfile::tempdir_in(in_memory),
            false => tempfile::tempdir(),
        };
        let dir = dir.unwrap();
        let clock = Arc::new(SimClock::new(BEGINS));
        let outages = orders::outages(dice);
        let cloud = Arc::new(SimCloud::new(clock.clone(), dice, outages.clone()));
        let orders: Vec<Order> = (0..pods)
            .map(|nth| orders::order(dice, pods, nth))
            .collect();
        let events = orders::events(dice, &orders, &outages);
        let world = World::new(dir.path().to_owned(), clock, cloud);
        let mut year = Self {
            seed,
            dice,
            world,
            ids: vec![None; orders.len()],
            orders,
            events,
            accounts: Vec::new(),
            doubts: BTreeMap::new(),
            unwanted: BTreeMap::new(),
            pods: Vec::new(),
            purses: Vec::new(),
            not_billed: BTreeSet::new(),
            steps: 0,
            began: std::time::Instant::now(),
            kills: 0,
            _dir: dir,
        };
        year.accounts = (0..ACCOUNTS).map(|nth| year.account(nth)).collect();
        year.purses = (0..ACCOUNTS).map(|_| Purse::default()).collect();
        year
    }

    fn account(&self, nth: usize) -> AccountId {
        let id: AccountId = format!("acc_{nth}").parse().unwrap();
        let (store, now) = (self.world.store(), self.world.clock.now());
        self.world.with(async {
            store
                .account_ensure(&id, &format!("number {nth}"), now)
                .await
                .unwrap();
            if nth == 0 {
                store.account_credit_set(&id, Credit::Owner).await.unwrap();
            }
        });
        id
    }

    /// Lives through everything that happens, and ends what is left then.
    pub fn live(&mut self) {
        let events = std::mem::take(&mut self.events);
        let mut rest = events.as_slice();
        while let Some((at, _)) = rest.first() {
            let at = *at;
            let many = rest.iter().take_while(|(when, _)| *when == at).count();
            let (now, later) = rest.split_at(many);
            rest = later;
            // A part of what happens comes soon after a look, as it does in life.
            if self.dice.of("soon").nth(at.unsigned_abs()).percent(30) {
                self.until(at - 7 * SECOND);
            }
            self.until(at);
            let events: Vec<Event> = now.iter().map(|(_, event)| *event).collect();
            self.happen(&events);
        }
        self.until(YEAR - 2 * DAY);
        for pod in self.live_pods() {
            let ended = self
                .world
                .engine()
                .pod_terminate(&pod.account, pod.id.as_str());
            self.world.with(ended).unwrap();
        }
        self.world.settle();
        while !self.live_pods().is_empty() || self.world.cloud.machines() > 0 {
            let now = self.world.clock.passed();
            assert!(
                now < YEAR,
                "seed {}: something is left: {:#?}",
                self.seed,
                self.live_pods()
            );
            self.until(now + 10 * SECOND);
        }
        self.hear_what_is_not_billed();
    }

    /// Reads for which pods the engine told their users that some of their time is not billed.
    fn hear_what_is_not_billed(&mut self) {
        for account in &self.accounts {
            let told = self.world.store().notice_list(account, u32::MAX);
            for row in self.world.with(told).unwrap() {
                let key = row.notice.key;
                let pod = key
                    .strip_prefix("not-billed/")
                    .and_then(|key| key.split('/').next());
                self.not_billed.extend(pod.map(str::to_owned));
            }
        }
    }

    pub fn purse(&self, account: usize) -> &Purse {
        &self.purses[account]
    }

    /// Lets time pass until then, in steps in which nothing is missed.
    fn until(&mut self, target: i64) {
        while self.world.clock.passed() < target {
            let next = self.next_step().min(target);
            let who = match self.steps % EVERYBODY {
                0 => Who::Everybody,
                _ if self.purses[POOR].is_nearly_empty(self.world.clock.passed()) => Who::Everybody,
                _ => Who::Prompt,
            };
            self.world.advance_to(next, who);
            self.steps += 1;
            if self.steps.is_multiple_of(NOTICES) {
                self.hear_what_is_not_billed();
            }
            self.look();
            self.look_at_purses();
        }
    }

    pub fn live_pods(&self) -> Vec<Pod> {
        let live = self.world.store().pod_list(None, Which::Live);
        self.world.with(live).unwrap()
    }

    fn happen(&mut self, events: &[Event]) {
        let kill = events.iter().find_map(|event| match event {
            Event::Kill(moment) => Some(*moment),
            Event::Pod(..) | Event::Outage | Event::Jump(_) | Event::TopUp(_) => None,
        });
        let before = self.heard_so_far();
        for event in events {
            match event {
                Event::Pod(pod, act) => self.act(*pod, *act),
                Event::Outage | Event::Kill(_) => {}
                Event::Jump(by) => {
                    self.world.clock.jump(*by);
                }
                Event::TopUp(account) => self.top_up(*account),
            }
            if kill != Some(Moment::InTheMiddle) {
                self.world.settle();
            }
        }
        match kill {
            None => {}
            Some(Moment::AtRest) => self.kill(),
            Some(Moment::InTheMiddle) => {
                let at = self.world.clock.passed().unsigned_abs();
                let micros = self.dice.of("micros").nth(at).between(0, 4_000);
                std::thread::sleep(Duration::from_micros(micros.unsigned_abs()));
                self.kill();
                let heard = before.into_iter().zip(self.heard_so_far());
                for (pod, (from, to)) in heard.enumerate() {
                    if from < to {
                        self.doubts.entry(pod).or_default().push(Doubt { from, to });
                    }
                }
            }
        }
        self.world.settle();
        self.look();
        self.look_at_purses();
    }

    fn heard_so_far(&self) -> Vec<usize> {
        let pods = 0..self.orders.len();
        pods.map(|pod| self.world.cloud.heard(pod).len()).collect()
    }

    fn kill(&mut self) {
        self.world.kill();
        self.kills += 1;
    }

    fn act(&mut self, pod: usize, act: Act) {
        let account = self.accounts[self.orders[pod].account].clone();
        let engine = self.world.engine().clone();
        let id = self.ids[pod].as_ref().map(ToString::to_string);
        // What is gone already, or refused, or vanished, cannot be wished for: that is an answer too.
        match (act, id) {
            (Act::Create, _) => {
                let made = self
                    .world
                    .with(engine.pod_create(&account, self.new_pod(pod)));
                self.ids[pod] = made.ok().map(|pod| pod.id);
            }
            (Act::Vanish, _) => self.world.cloud.vanish(pod),
            (Act::Stop, Some(id)) => drop(self.world.with(engine.pod_stop(&account, &id))),
            (Act::Start, Some(id)) => drop(self.world.with(engine.pod_start(&account, &id))),
            (Act::Terminate, Some(id)) => {
                drop(self.world.with(engine.pod_terminate(&account, &id)))
            }
            (Act::Stop | Act::Start | Act::Terminate, None) => {}
        }
    }

    fn new_pod(&self, nth: usize) -> NewPod {
        let order = &self.orders[nth];
        NewPod {
            name: Some(format!("pod-{nth}")),
            image: "ubuntu:24.04".into(),
            command: None,
            env: BTreeMap::new(),
            need: Need {
                vcpu_milli: 1_000 << order.offer,
                ..Need::default()
            },
            container_disk: Some(Bytes::gib(10)),
            volume_disk: Some(Bytes::gib(20)),
            network_volume: None,
            ports: Vec::new(),
            policy: order.policy,
        }
    }

    fn top_up(&self, account: usize) {
        let week = self.world.clock.passed() / (7 * DAY);
        let dollars = if account == POOR { 12 } else { 200 };
        let (id, amount) = (
            &self.accounts[account],
            Money::from_nanos(dollars * 1_000_000_000),
        );
        let reference = format!("week {week} of {account}");
        let granted = self.world.engine().account_grant(id, amount, &reference);
        self.world.with(granted).unwrap();
    }
}

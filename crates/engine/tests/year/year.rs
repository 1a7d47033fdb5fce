//! The year as it is lived.

use crate::clock::SimClock;
use crate::cloud::SimCloud;
use crate::dice::Dice;
use crate::host::SimHost;
use crate::oracle::Doubt;
use crate::orders::{self, ACCOUNTS, DAY, Event, IDLE_RULE, IDLER, LIMITED, Moment, Order};
use crate::orders::{POOR, SECOND, YEAR};
use crate::purse::{GRACE, LIMIT_DAY, LIMIT_MONTH, Purse};
use crate::volumes::{self, VolumeWish};
use crate::watch::Wanted;
use crate::world::{Who, World};
use livery_domain::pod::Pod;
use livery_domain::volume::NetworkVolume;
use livery_engine::{Authority, Clock, SettingsChange, Which};
use livery_store::Credit;
use livery_units::{AccountId, PodId, Span, VolumeId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// When the year begins, by the clock on the wall.
pub const BEGINS: i64 = 1_750_000_000_000;

/// In how many steps all background tasks come by once; in between, those that come every second.
const EVERYBODY: u64 = 16;

/// In how many steps what was told is read once.
const NOTICES: u64 = 500;

/// What may be in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Pod(usize),
    Volume(usize),
}

pub struct Year {
    pub seed: u64,
    pub dice: Dice,
    pub world: World,
    pub orders: Vec<Order>,
    pub wishes: Vec<VolumeWish>,
    pub events: VecDeque<(i64, Event)>,
    pub accounts: Vec<AccountId>,
    pub ids: Vec<Option<PodId>>,
    pub volume_ids: Vec<Option<VolumeId>>,
    pub doubts: BTreeMap<Thing, Vec<Doubt>>,
    /// How pods are wanted, and since when.
    pub wanted: BTreeMap<PodId, Wanted>,
    /// The pods and volumes that had not ended at the last look.
    pub pods: Vec<Pod>,
    pub volumes: Vec<NetworkVolume>,
    pub purses: Vec<Purse>,
    /// The pods whose users were told that some of their time is not billed.
    pub not_billed: BTreeSet<String>,
    /// By how much the wall clock was set so far, forward or back, and when.
    pub jumps: Vec<(i64, i64)>,
    /// From when until when there was no engine.
    pub away: Vec<(i64, i64)>,
    /// How often a rule of each kind was seen to act.
    pub ruled: BTreeMap<&'static str, u64>,
    pub steps: u64,
    pub began: std::time::Instant,
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
        let wishes = volumes::wishes(dice);
        let mut orders: Vec<Order> = (0..pods)
            .map(|nth| orders::order(dice, pods, nth))
            .collect();
        orders::with_volumes(dice, &mut orders, &wishes);
        let silent = |what| orders::outages(dice.of(what), &orders);
        let outages = ["outage", "host outage"].map(silent);
        let cloud = Arc::new(SimCloud::new(clock.clone(), dice, outages[0].clone()));
        let events = orders::events(dice, &orders, &wishes, &outages);
        let host = SimHost::new(
            clock.clone(),
            cloud.clone(),
            orders.clone(),
            outages[1].clone(),
        );
        let world = World::new(dir.path().to_owned(), clock, cloud, Arc::new(host));
        let mut year = Self {
            seed,
            dice,
            world,
            ids: vec![None; orders.len()],
            volume_ids: vec![None; wishes.len()],
            orders,
            wishes,
            events: events.into(),
            accounts: Vec::new(),
            doubts: BTreeMap::new(),
            wanted: BTreeMap::new(),
            pods: Vec::new(),
            volumes: Vec::new(),
            purses: (0..ACCOUNTS).map(|_| Purse::default()).collect(),
            not_billed: BTreeSet::new(),
            jumps: Vec::new(),
            away: Vec::new(),
            ruled: BTreeMap::new(),
            steps: 0,
            began: std::time::Instant::now(),
            _dir: dir,
        };
        year.accounts = (0..ACCOUNTS).map(|nth| year.account(nth)).collect();
        year
    }

    fn account(&self, nth: usize) -> AccountId {
        let id: AccountId = format!("acc_{nth}").parse().unwrap();
        let (store, now) = (self.world.store(), self.world.clock.now());
        let mut change = SettingsChange::default();
        match nth {
            IDLER => change.idle = Some(Some(IDLE_RULE)),
            LIMITED => {
                change.limit_day = Some(Some(LIMIT_DAY));
                change.limit_month = Some(Some(LIMIT_MONTH));
            }
            POOR => change.grace = Some(GRACE),
            _ => {}
        }
        let engine = self.world.engine();
        self.world.with(async {
            let name = format!("number {nth}");
            store.account_ensure(&id, &name, now).await.unwrap();
            if nth == 0 || nth == LIMITED {
                store.account_credit_set(&id, Credit::Owner).await.unwrap();
            }
            let settled = engine.account_settle(&id, &change, Authority::Owner);
            settled.await.unwrap();
        });
        id
    }

    /// Lives through everything that happens, and ends what is left then.
    pub fn live(&mut self) {
        while let Some((at, _)) = self.events.front() {
            let at = *at;
            let together = self.events.iter().take_while(|(when, _)| *when == at);
            let many = together.count();
            let now: Vec<Event> = self.events.drain(..many).map(|(_, event)| event).collect();
            // A part of what happens comes soon after a look, as it does in life.
            if self.dice.of("soon").nth(at.unsigned_abs()).percent(30) {
                self.until(at - 7 * SECOND);
            }
            self.until(at);
            self.happen(&now);
        }
        self.until(YEAR - 2 * DAY);
        for pod in self.live_pods() {
            self.terminate(&pod);
        }
        self.world.settle();
        while self.is_something_left() {
            let now = self.world.clock.passed();
            assert!(
                now < YEAR,
                "seed {}: something is left: {:#?} {:#?}",
                self.seed,
                self.live_pods(),
                self.live_volumes()
            );
            for volume in self.live_volumes() {
                self.delete(&volume);
            }
            self.until(now + 10 * SECOND);
        }
        self.hear_what_is_not_billed();
    }

    fn is_something_left(&self) -> bool {
        let rows = self.live_pods().len() + self.live_volumes().len();
        rows + self.world.cloud.machines() + self.world.cloud.volumes_now().len() > 0
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

    /// Lets time pass until then, in steps in which nothing is missed.
    fn until(&mut self, target: i64) {
        while self.world.clock.passed() < target {
            let next = self.next_step().min(target);
            let now = self.world.clock.passed();
            let is_near = |purse: &Purse| purse.is_nearly_empty(now);
            let who = match self.steps % EVERYBODY {
                0 => Who::Everybody,
                _ if self.purses.iter().any(is_near) => Who::Everybody,
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

    pub fn live_volumes(&self) -> Vec<NetworkVolume> {
        let live = self.world.store().volume_list(None, Which::Live);
        self.world.with(live).unwrap()
    }

    fn happen(&mut self, events: &[Event]) {
        let kill = events.iter().find_map(|event| match event {
            Event::Kill(moment, away) => Some((*moment, *away)),
            Event::Pod(..) | Event::Volume(..) | Event::Outage => None,
            Event::Jump(_) | Event::TopUp(_) => None,
        });
        let in_the_middle = matches!(kill, Some((Moment::InTheMiddle, _)));
        let before = in_the_middle.then(|| self.heard_so_far());
        for event in events {
            self.event(*event);
            if !in_the_middle {
                self.world.settle();
            }
        }
        if let Some((_, away)) = kill {
            if let Some(before) = before {
                self.interrupt(before);
            } else {
                self.world.kill();
            }
            self.stay_away(away);
        }
        self.world.settle();
        self.look();
        self.look_at_purses();
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Pod(pod, act) => self.act(pod, act),
            Event::Volume(volume, act) => self.act_on_volume(volume, act),
            Event::Outage | Event::Kill(..) => {}
            Event::Jump(by) => {
                self.world.clock.jump(by);
                self.jumps.push((self.world.clock.passed(), by));
            }
            Event::TopUp(account) => self.top_up(account),
        }
    }

    /// Kills the engine while it is at work: what it heard then may be lost.
    fn interrupt(&mut self, before: BTreeMap<Thing, usize>) {
        let at = self.world.clock.passed().unsigned_abs();
        let micros = self.dice.of("micros").nth(at).between(0, 4_000);
        std::thread::sleep(Duration::from_micros(micros.unsigned_abs()));
        self.world.kill();
        self.world.host.forget_now();
        for (thing, to) in self.heard_so_far() {
            let from = before.get(&thing).copied().unwrap_or(0);
            if from < to {
                let doubts = self.doubts.entry(thing).or_default();
                doubts.push(Doubt { from, to });
            }
        }
    }

    /// There is no engine for so long. What needs none happens all the same; users come later.
    fn stay_away(&mut self, away: i64) {
        let from = self.world.clock.passed();
        let back = from + away;
        let (during, later): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.events)
            .into_iter()
            .partition(|(at, event)| *at <= back && event.needs_nobody());
        self.events = later;
        for (at, event) in during {
            self.world.clock.advance_to(at, Span::ZERO);
            self.event(event);
        }
        self.world.clock.advance_to(back, Span::ZERO);
        self.away.push((from, back));
        self.world.revive();
    }
}

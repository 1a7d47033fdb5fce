//! The year as it is lived, and what must hold in it and after it.

use crate::check::{Doubt, confirmed, possible};
use crate::clock::SimClock;
use crate::cloud::{self, SimCloud};
use crate::dice::Dice;
use crate::orders::{self, ACCOUNTS, Act, DAY, Event, HOUR, MINUTE, Moment, Order, SECOND, YEAR};
use crate::world::{Who, World};
use livery_domain::placement::Need;
use livery_domain::pod::{Desired, Observed, Pod};
use livery_engine::{Clock, NewPod, Which};
use livery_ledger::{Book, Item};
use livery_store::Credit;
use livery_units::{AccountId, Bytes, Money, PodId, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// When the year begins, by the clock on the wall.
const BEGINS: i64 = 1_750_000_000_000;

/// No step is longer while anything runs.
const STEP: i64 = 6 * HOUR;

/// In how many steps all background tasks come by once; in between, those that come every second.
const EVERYBODY: u64 = 8;

/// How long after it should a machine may still be up while its supplier answers: calls fail, and
/// are made again every two seconds.
const LATE: i64 = MINUTE;

pub struct Year {
    seed: u64,
    dice: Dice,
    world: World,
    orders: Vec<Order>,
    events: Vec<(i64, Event)>,
    accounts: Vec<AccountId>,
    ids: Vec<Option<PodId>>,
    doubts: BTreeMap<usize, Vec<Doubt>>,
    /// Since when a pod is not wanted to be up.
    unwanted: BTreeMap<PodId, i64>,
    jumps: Vec<i64>,
    steps: u64,
    began: std::time::Instant,
    kills: u64,
    _dir: TempDir,
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
            jumps: Vec::new(),
            steps: 0,
            began: std::time::Instant::now(),
            kills: 0,
            _dir: dir,
        };
        year.accounts = (0..ACCOUNTS).map(|nth| year.account(nth)).collect();
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
            // Half of what happens comes soon after a look, as it does in life.
            if self.dice.of("soon").nth(at.unsigned_abs()).percent(50) {
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
    }

    /// Lets time pass until then, in steps in which nothing is missed.
    fn until(&mut self, target: i64) {
        while self.world.clock.passed() < target {
            let next = self.next_step().min(target);
            let who = match self.steps % EVERYBODY {
                0 => Who::Everybody,
                _ => Who::Prompt,
            };
            self.world.advance_to(next, who);
            self.steps += 1;
            self.look();
        }
    }

    fn next_step(&self) -> i64 {
        let now = self.world.clock.passed();
        let pods = self.live_pods();
        let Some(most) = (!pods.is_empty()).then_some(now + STEP) else {
            return now + 3 * DAY;
        };
        let answers = self.world.cloud.reachable_since().is_some();
        let nexts = pods.iter().map(|pod| match is_settled(pod) || !answers {
            true => self.next_look(pod),
            false => now + 2 * SECOND,
        });
        nexts.min().unwrap_or(most).min(most).max(now + 1)
    }

    /// Returns when a pod's policy will have something to say.
    fn next_look(&self, pod: &Pod) -> i64 {
        let now = self.world.clock.passed();
        let offset = self.world.clock.now().millis() - now;
        let mut next = i64::MAX;
        let mut at = |moment: i64| {
            if moment > now {
                next = next.min(moment);
            }
        };
        if let Some(span) = pod.policy.terminate_after {
            at(pod.created.after(span).millis() - offset);
        }
        if let (Some(span), Some(started), Desired::Running) =
            (pod.policy.stop_after, pod.started, pod.desired)
        {
            at(started.after(span).millis() - offset);
        }
        if let (Some(most), Observed::Up) = (pod.policy.max_cost, pod.observed) {
            at(now + self.until_spent(pod, most));
        }
        next
    }

    /// Returns in how many milliseconds to look whether a pod has cost all that it may: shorter steps
    /// the nearer that is.
    fn until_spent(&self, pod: &Pod, most: Money) -> i64 {
        let view = self
            .world
            .engine()
            .pod_policy(&pod.account, pod.id.as_str());
        let spent = self.world.with(view).unwrap().so_far;
        let left = i128::from((most.nanos() - spent.nanos()).max(0));
        let hourly =
            i128::from(livery_domain::pod::burn(pod, livery_units::Span::from_secs(3_600)).nanos());
        let left = i64::try_from(left * i128::from(HOUR) / hourly.max(1)).unwrap();
        (left - 20 * SECOND).clamp(SECOND, STEP)
    }

    fn live_pods(&self) -> Vec<Pod> {
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
                    self.jumps.push(self.world.clock.passed());
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
        let (id, amount) = (&self.accounts[account], Money::from_nanos(200_000_000_000));
        let reference = format!("week {week} of {account}");
        let granted = self.world.engine().account_grant(id, amount, &reference);
        self.world.with(granted).unwrap();
    }

    /// Checks what must hold whenever the engine is at rest.
    fn look(&mut self) {
        let now = self.world.clock.passed();
        let wall = self.world.clock.now();
        let pods = self.live_pods();
        for pod in &pods {
            self.policy_is_obeyed(pod, wall);
            match pod.desired {
                Desired::Running => drop(self.unwanted.remove(&pod.id)),
                Desired::Stopped | Desired::Gone => {
                    self.unwanted.entry(pod.id.clone()).or_insert(now);
                }
            }
        }
        let Some(answers_since) = self.world.cloud.reachable_since() else {
            return;
        };
        for nth in self.world.cloud.up_now() {
            let Some(id) = &self.ids[nth] else { continue };
            let Some(since) = self.unwanted.get(id) else {
                continue;
            };
            let late = now - (*since).max(answers_since);
            assert!(
                late <= LATE,
                "seed {}: pod-{nth} runs {late} ms too long",
                self.seed
            );
        }
    }

    /// A policy is obeyed at the moment at which it says so.
    fn policy_is_obeyed(&self, pod: &Pod, wall: Timestamp) {
        let name = &pod.order.name;
        if let Some(span) = pod.policy.terminate_after {
            let over = wall.since(pod.created.after(span)).secs() >= 1;
            assert!(
                !over || pod.desired == Desired::Gone,
                "seed {}: {name} is not terminated",
                self.seed
            );
        }
        if let (Some(span), Some(started)) = (pod.policy.stop_after, pod.started) {
            let over = wall.since(started.after(span)).secs() >= 1;
            let is_lost = pod.observed == Observed::Absent;
            assert!(
                !over || is_lost || pod.desired != Desired::Running,
                "seed {}: {name} is not stopped: {pod:#?}",
                self.seed
            );
        }
    }

    /// Checks what must hold of the year that is over, and tells what it was like.
    pub fn check(&self) -> String {
        let transfers = self.world.with(self.world.store().ledger_check()).unwrap();
        let mut all = Money::ZERO;
        let (mut doubted, mut secs) = (0, 0);
        for nth in 0..self.orders.len() {
            let Some(id) = &self.ids[nth] else { continue };
            all = all.plus(self.check_pod(nth, id)).unwrap();
            doubted += usize::from(self.doubts.contains_key(&nth));
            let heard = self.world.cloud.heard(nth).into_iter();
            secs += confirmed(heard).iter().map(|span| span.secs()).sum::<u64>();
        }
        for account in &self.accounts {
            let held = Book::Held(account.clone());
            let held = self.world.store().balance(&held);
            assert_eq!(self.world.with(held).unwrap(), Money::ZERO);
        }
        let made = self.ids.iter().flatten().count();
        format!(
            "{made} pods ran for {} hours and cost {all} in {transfers} transfers; {} lives of the engine, \
             {doubted} pods with answers lost, {} steps in {:?}",
            secs / 3_600,
            self.world.lives,
            self.steps,
            self.began.elapsed()
        )
    }

    fn check_pod(&self, nth: usize, id: &PodId) -> Money {
        let order = &self.orders[nth];
        let heard = self.world.cloud.heard(nth);
        let none = Vec::new();
        let doubts = self.doubts.get(&nth).unwrap_or(&none);
        let meters = self
            .world
            .with(self.world.store().meter_list_of_pod(id))
            .unwrap();
        let compute = meters.iter().filter(|meter| meter.item == Item::Compute);
        let charged: Money = compute.map(|meter| meter.charged).sum();
        let wanted = possible(cloud::price(order.offer), &heard, doubts);
        assert!(
            wanted.contains(&charged),
            "seed {}: pod-{nth} cost {charged} instead of {wanted:?}: {heard:#?} {meters:#?}",
            self.seed
        );
        let total = self.world.with(self.world.store().pod_charged(id)).unwrap();
        let metered: Money = meters.iter().map(|meter| meter.charged).sum();
        assert_eq!(total, metered, "seed {}: pod-{nth}", self.seed);
        self.check_truth(nth);
        total
    }

    /// Not a second is billed in which the machine was not up, but for what the clock was put forward.
    fn check_truth(&self, nth: usize) {
        let ups = self.world.cloud.ups(nth);
        let (Some(first), Some(last)) = (ups.first(), ups.last()) else {
            return;
        };
        if self.jumps.iter().any(|at| (first.0..=last.1).contains(at)) {
            return;
        }
        let up: i64 = ups.iter().map(|(from, until)| until - from).sum();
        let heard = self.world.cloud.heard(nth).into_iter();
        let billed: u64 = confirmed(heard).iter().map(|span| span.millis()).sum();
        let billed = i64::try_from(billed).unwrap();
        assert!(
            billed <= up,
            "seed {}: pod-{nth} was up for {up} ms and billed for {billed}",
            self.seed
        );
    }
}

/// Returns whether nothing is to be done for a pod but to look at it now and then.
fn is_settled(pod: &Pod) -> bool {
    match (pod.desired, pod.observed) {
        (Desired::Running, Observed::Up | Observed::Absent | Observed::Lost) => pod.is_made(),
        (Desired::Stopped, Observed::Down) => true,
        (Desired::Stopped, Observed::Absent | Observed::Lost) => true,
        (Desired::Running, Observed::Unknown | Observed::Starting | Observed::Down) => false,
        (Desired::Stopped, Observed::Unknown | Observed::Starting | Observed::Up) => false,
        (Desired::Gone, _) => false,
    }
}

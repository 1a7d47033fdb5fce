//! What must hold of every pod whenever the engine is at rest.

use crate::cloud::{Heard, What};
use crate::oracle::{self, Disks};
use crate::orders::{LIMITED, MINUTE, POOR, SECOND};
use crate::world::World;
use crate::year::Year;
use livery_domain::pod::{Desired, Observed, Pod};
use livery_engine::Clock;
use livery_units::Span;

/// How long after it should a machine may still be up while its supplier answers: calls fail, and
/// are made again every two seconds.
const LATE: i64 = MINUTE;

/// How much sooner than a pod has cost what it may it is ended.
const COST_MARGIN: i64 = 20 * SECOND;

/// How long it may take to notice that a pod is idle, or dear: hosts are asked every fifteen seconds, and
/// not every answer comes.
const SLOW: i64 = 90 * SECOND;

/// How a pod is wanted.
pub struct Wanted {
    /// When it was ordered, by time that passes and by the clock on the wall.
    pub ordered: i64,
    ordered_wall: i64,
    /// Whether its user asked for it to be stopped or terminated.
    pub asked_to_end: bool,
    /// Since when it is not wanted to be up.
    unwanted: Option<i64>,
    /// Since when it has cost more than it may.
    too_dear: Option<i64>,
}

impl Wanted {
    pub fn new(world: &World) -> Self {
        Self {
            ordered: world.clock.passed(),
            ordered_wall: world.clock.now().millis(),
            asked_to_end: false,
            unwanted: None,
            too_dear: None,
        }
    }
}

pub fn millis(span: Span) -> i64 {
    i64::try_from(span.millis()).unwrap()
}

/// When a pod came up the last time, as far as anybody was told.
pub fn came_up(heard: &[Heard]) -> Option<i64> {
    let not_up = heard.iter().rposition(|word| word.what != What::Up);
    heard
        .get(not_up.map_or(0, |last| last + 1))
        .map(|word| word.at)
}

impl Year {
    /// Checks what must hold whenever the engine is at rest.
    pub fn look(&mut self) {
        let now = self.world.clock.passed();
        let pods = self.live_pods();
        let before = std::mem::replace(&mut self.pods, pods.clone());
        self.volumes = self.live_volumes();
        for pod in &pods {
            self.look_at(pod, now);
        }
        for pod in before {
            if !pods.iter().any(|one| one.id == pod.id) {
                let ended = self.world.store().pod_fetch(&pod.id);
                let ended = self.world.with(ended).unwrap();
                self.look_at(&ended, now);
            }
        }
        let is_live = |id| self.pods.iter().any(|pod| pod.id == id);
        let undisturbed = self.world.undisturbed_since();
        for (nth, id) in self.world.cloud.ids_up_now() {
            let Some(wanted) = self.wanted.get_mut(&id) else {
                continue;
            };
            if !is_live(id) {
                wanted.unwanted.get_or_insert(now);
            }
            let (Some(since), Some(undisturbed)) = (wanted.unwanted, undisturbed) else {
                continue;
            };
            let late = now - since.max(undisturbed);
            assert!(
                late <= LATE,
                "seed {}: pod-{nth} runs {late} ms too long",
                self.seed
            );
        }
    }

    fn look_at(&mut self, pod: &Pod, now: i64) {
        let nth = self.number(pod);
        let heard = self.world.cloud.heard(nth);
        self.ends_in_time(pod, nth, &heard, now);
        self.idleness_ends_in_time(pod, nth, &heard, now);
        let Some(wanted) = self.wanted.get_mut(&pod.id) else {
            return;
        };
        let is_new = match pod.desired {
            Desired::Running => {
                wanted.unwanted = None;
                false
            }
            Desired::Stopped | Desired::Gone if wanted.unwanted.is_some() => false,
            Desired::Stopped | Desired::Gone => {
                wanted.unwanted = Some(now);
                true
            }
        };
        if is_new && !wanted.asked_to_end && pod.failure.is_none() && !heard.is_empty() {
            let why = self.why_ended(pod, nth, &heard, now);
            let why = why.unwrap_or_else(|| {
                panic!(
                    "seed {}: nobody wanted pod-{nth} to end: {pod:#?}",
                    self.seed
                )
            });
            *self.ruled.entry(why).or_default() += 1;
        }
    }

    pub fn number(&self, pod: &Pod) -> usize {
        pod.order.name.trim_start_matches("pod-").parse().unwrap()
    }

    /// By how much clocks were set since then, in all.
    fn skew(&self, since: i64) -> i64 {
        let jumps = self.jumps.iter().filter(|(at, _)| *at >= since);
        jumps.map(|(_, by)| by.abs()).sum()
    }

    /// What is told by the clock acts at the moment at which it says so; what is told by the money soon
    /// after that is known.
    fn ends_in_time(&mut self, pod: &Pod, nth: usize, heard: &[Heard], now: i64) {
        let seed = self.seed;
        let policy = self.orders[nth].policy;
        let wall = self.world.clock.now().millis();
        let skew = self.skew(now - 10 * MINUTE);
        let Some(wanted) = self.wanted.get_mut(&pod.id) else {
            return;
        };
        let is_gone = pod.desired == Desired::Gone;
        if let Some(span) = policy.terminate_after {
            let late = wall - wanted.ordered_wall - millis(span);
            let is_late = late - skew >= SECOND;
            assert!(
                !is_late || is_gone,
                "seed {seed}: pod-{nth} is {late} ms old"
            );
        }
        if let (Some(span), Some(came_up)) = (policy.stop_after, came_up(heard)) {
            let late = now - came_up - millis(span);
            let may_stop = pod.desired == Desired::Running && pod.observed == Observed::Up;
            assert!(
                late - skew < SECOND || !may_stop,
                "seed {seed}: pod-{nth} is up for {late} ms too long: {pod:#?}"
            );
        }
        // What is kept for an account without credit costs nothing.
        let counts = !is_gone && self.orders[nth].account != POOR;
        let Some(most) = policy.max_cost.filter(|_| counts) else {
            return;
        };
        let disks = disks_of(self.orders[nth].volume);
        let offer = self.orders[nth].offer;
        let cost = oracle::compute(offer, heard) + oracle::disks(offer, disks, heard).0;
        if cost <= most.nanos() || self.doubts.contains_key(&crate::year::Thing::Pod(nth)) {
            return;
        }
        let since = *wanted.too_dear.get_or_insert(now);
        let late = now - since.max(self.world.alive_since);
        assert!(
            late < SLOW,
            "seed {seed}: pod-{nth} has cost {cost} for {late} ms: {pod:#?} {heard:?}"
        );
    }

    /// A pod that nobody uses is ended when its host has said so for as long as its policy says.
    fn idleness_ends_in_time(&self, pod: &Pod, nth: usize, heard: &[Heard], now: i64) {
        let is_up = pod.desired == Desired::Running && pod.observed == Observed::Up;
        let (Some(due), Some(said), Some(undisturbed)) = (
            self.idle_at(nth, heard, now).filter(|_| is_up),
            self.world.host.reachable_since(),
            self.world.undisturbed_since(),
        ) else {
            return;
        };
        let late = now - due.max(said).max(undisturbed);
        assert!(
            late < SLOW,
            "seed {}: pod-{nth} is idle for {late} ms too long: {pod:#?}",
            self.seed
        );
    }

    /// Returns when its host will have said of a pod for long enough that nobody uses it, if it goes on
    /// so; none before the host has said anything.
    pub fn idle_at(&self, nth: usize, heard: &[Heard], now: i64) -> Option<i64> {
        let order = &self.orders[nth];
        let idle = order.idle()?;
        let since = order.used_until(now).max(came_up(heard)?);
        let said = self.world.host.answered_from(since)?;
        Some(said + millis(idle.after))
    }

    /// Returns which rule may have ended a pod that its user did not end.
    fn why_ended(&self, pod: &Pod, nth: usize, heard: &[Heard], now: i64) -> Option<&'static str> {
        let order = &self.orders[nth];
        let wanted = &self.wanted[&pod.id];
        let skew = self.skew(wanted.ordered);
        let wall = self.world.clock.now().millis();
        let policy = order.policy;
        if policy
            .terminate_after
            .is_some_and(|span| wall - wanted.ordered_wall >= millis(span))
        {
            return Some("terminate-after");
        }
        // That it is down may be known already.
        let last_up = heard.iter().rposition(|word| word.what == What::Up);
        let up = came_up(&heard[..last_up.map_or(0, |last| last + 1)]);
        if let (Some(span), Some(up)) = (policy.stop_after, up)
            && now - up + skew >= millis(span)
        {
            return Some("stop-after");
        }
        if let Some(most) = policy.max_cost {
            let disks = oracle::disks(order.offer, disks_of(order.volume), heard).1;
            let soon = oracle::machine(order.offer, COST_MARGIN) + 1_000_000;
            if oracle::compute(order.offer, heard) + disks + soon >= most.nanos() {
                return Some("max-cost");
            }
        }
        if let (Some(idle), Some(up)) = (order.idle(), up)
            && now - order.used_until(now).max(up) + 2 * SECOND >= millis(idle.after)
        {
            return Some("idle");
        }
        match order.account {
            LIMITED if self.is_limit_near(now) => Some("limit"),
            POOR if self.is_money_short(now) => Some("credit"),
            POOR if pod.desired == Desired::Gone && self.purses[POOR].keeps => Some("grace"),
            _ => None,
        }
    }
}

/// What disks a pod has, with or without a network volume.
pub fn disks_of(volume: Option<usize>) -> Disks {
    Disks {
        container: 10,
        volume: if volume.is_some() { 0 } else { 20 },
    }
}

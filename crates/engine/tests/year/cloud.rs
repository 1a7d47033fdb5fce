//! The simulated supplier: it loses answers, runs out of machines, goes silent for hours, takes
//! machines back, and keeps its own account of what was up and of what it told whom.

use crate::clock::SimClock;
use crate::dice::Dice;
use crate::volumes::Kept;
use livery_domain::offer::StoragePrice;
use livery_supplier::{Error, Lease};
use livery_units::{LaunchKey, Money, Per, PodId, Rate, VolumeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// Prices per hour in thousandths of a dollar, cheapest first; the n-th has 2^n vCPUs.
pub const PRICES: [i64; 4] = [199, 690, 1_190, 2_990];

/// What the control plane was told, or failed to be told, about a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// That it is up.
    Up,
    /// That it is there and down.
    Down,
    /// That it is not there.
    Gone,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    pub what: What,
    /// When, by time that passes.
    pub at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// From then on.
    UpFrom(i64),
    Off,
}

pub struct Machine {
    pub key: LaunchKey,
    pub pod: usize,
    pub id: PodId,
    pub power: Power,
}

#[derive(Default)]
pub struct State {
    pub machines: BTreeMap<String, Machine>,
    pub volumes: BTreeMap<VolumeId, Kept>,
    heard: BTreeMap<usize, Vec<Heard>>,
    ups: BTreeMap<usize, Vec<(i64, i64)>>,
    calls: BTreeMap<(usize, &'static str), u64>,
}

pub struct SimCloud {
    clock: Arc<SimClock>,
    dice: Dice,
    outages: Vec<(i64, i64)>,
    state: Mutex<State>,
}

/// How often a call fails, in percent.
pub struct Chances {
    pub fails: i64,
    pub answer_lost: i64,
}

impl Chances {
    /// Lets a call through, or fails it. `Ok(true)` means that it goes through and is not heard.
    pub fn fall(&self, dice: Dice) -> Result<bool, Error> {
        if dice.of("fails").percent(self.fails) {
            return Err(transient("a bad day"));
        }
        Ok(dice.of("answer").percent(self.answer_lost))
    }
}

impl SimCloud {
    pub fn new(clock: Arc<SimClock>, dice: Dice, outages: Vec<(i64, i64)>) -> Self {
        Self {
            clock,
            dice,
            outages,
            state: Mutex::default(),
        }
    }

    /// The machine of a pod vanishes, as when a spot machine is taken back.
    pub fn vanish(&self, pod: usize) {
        let mut state = self.lock();
        self.power_off(&mut state, &id_of(pod));
        state.machines.remove(&id_of(pod));
    }

    /// Pods whose machine is up now.
    pub fn up_now(&self) -> Vec<usize> {
        let (state, now) = (self.lock(), self.clock.passed());
        let up = state
            .machines
            .values()
            .filter(|machine| match machine.power {
                Power::UpFrom(from) => from <= now,
                Power::Off => false,
            });
        up.map(|machine| machine.pod).collect()
    }

    /// How many machines there are.
    pub fn machines(&self) -> usize {
        self.lock().machines.len()
    }

    /// Pods whose machine is up now, with their ids.
    pub fn ids_up_now(&self) -> Vec<(usize, PodId)> {
        let up = self.up_now();
        let state = self.lock();
        let machines = state.machines.values();
        let up = machines.filter(|machine| up.contains(&machine.pod));
        up.map(|machine| (machine.pod, machine.id.clone()))
            .collect()
    }

    /// Since when it has answered; none while it is silent.
    pub fn reachable_since(&self) -> Option<i64> {
        answers_since(&self.outages, self.clock.passed())
    }

    /// Whether it was silent at any time in between.
    pub fn was_silent(&self, from: i64, until: i64) -> bool {
        self.outages
            .iter()
            .any(|(begins, ends)| *begins < until && from < *ends)
    }

    /// Everything that was said about a pod, in order.
    pub fn heard(&self, pod: usize) -> Vec<Heard> {
        self.lock().heard.get(&pod).cloned().unwrap_or_default()
    }

    /// When a pod's machines were up.
    pub fn ups(&self, pod: usize) -> Vec<(i64, i64)> {
        self.lock().ups.get(&pod).cloned().unwrap_or_default()
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Fails while it is silent.
    pub fn reach(&self) -> Result<(), Error> {
        match self.reachable_since() {
            Some(_) => Ok(()),
            None => Err(transient("the simulated network is cut")),
        }
    }

    pub fn now(&self) -> i64 {
        self.clock.passed()
    }

    pub fn dice(&self) -> Dice {
        self.dice
    }

    /// Lets a call through, or fails it. `Ok(true)` means that it goes through and is not heard.
    pub fn call(&self, pod: usize, what: &'static str, chances: &Chances) -> Result<bool, Error> {
        self.reach()?;
        let nth = {
            let mut state = self.lock();
            let calls = state.calls.entry((pod, what)).or_default();
            *calls += 1;
            *calls
        };
        let pod = u64::try_from(pod).unwrap();
        chances.fall(self.dice.of(what).nth(pod).nth(nth))
    }

    pub fn tell(&self, state: &mut State, pod: usize, what: What) {
        let heard = Heard {
            what,
            at: self.clock.passed(),
        };
        state.heard.entry(pod).or_default().push(heard);
    }

    fn power_off(&self, state: &mut State, id: &str) {
        let now = self.clock.passed();
        let Some(machine) = state.machines.get_mut(id) else {
            return;
        };
        if let Power::UpFrom(from) = machine.power {
            machine.power = Power::Off;
            let pod = machine.pod;
            if from < now {
                state.ups.entry(pod).or_default().push((from, now));
            }
        }
    }

    /// Stops or terminates.
    pub fn end(
        &self,
        lease: &Lease,
        what: &'static str,
        end: impl FnOnce(&mut State),
    ) -> Result<(), Error> {
        let pod = pod_of(&lease.foreign_id);
        let chances = Chances {
            fails: 6,
            answer_lost: 4,
        };
        let lost = self.call(pod, what, &chances)?;
        let mut state = self.lock();
        self.power_off(&mut state, &lease.foreign_id);
        end(&mut state);
        match lost {
            true => Err(ambiguous()),
            false => Ok(()),
        }
    }

    /// How long a machine takes to come up: mostly next to nothing, as from a cached image.
    pub fn boot_millis(&self, pod: usize) -> i64 {
        let dice = self.dice.of("boot").nth(u64::try_from(pod).unwrap());
        match dice.of("slow").percent(5) {
            true => dice.between(20, 90),
            false => dice.between(0, 10),
        }
    }
}

/// Since when somebody has answered who is silent at times; none while that is so.
pub fn answers_since(outages: &[(i64, i64)], now: i64) -> Option<i64> {
    let silent = |(from, to): &(i64, i64)| *from <= now && now < *to;
    if outages.iter().any(silent) {
        return None;
    }
    let over = outages.iter().filter(|(_, to)| *to <= now);
    Some(over.map(|(_, to)| *to).max().unwrap_or(0))
}

pub fn id_of(pod: usize) -> String {
    format!("m-{pod}")
}

pub fn pod_of(id: &str) -> usize {
    id.trim_start_matches("m-").parse().unwrap()
}

fn transient(why: &str) -> Error {
    Error::Transient {
        message: why.to_owned(),
    }
}

pub fn ambiguous() -> Error {
    Error::Ambiguous {
        message: "the answer was lost".to_owned(),
    }
}

/// What a GB of a disk costs in a month in cents, while its pod is up and while it is kept.
pub const DISKS: [(i64, i64); 4] = [(0, 0), (10, 20), (0, 0), (10, 20)];

/// What disks cost at the n-th offer.
pub fn storage(offer: usize) -> StoragePrice {
    let monthly = |cents: i64| Rate {
        amount: Money::from_nanos(cents * 10_000_000),
        per: Per::Month,
    };
    let (running, stopped) = DISKS[offer];
    StoragePrice {
        running: monthly(running),
        stopped: monthly(stopped),
    }
}

pub fn price(offer: usize) -> Rate {
    Rate::hourly(Money::from_nanos(PRICES[offer] * 1_000_000))
}

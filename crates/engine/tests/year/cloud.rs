//! The simulated supplier: it loses answers, runs out of machines, goes silent for hours, takes
//! machines back, and keeps its own account of what was up and of what it told whom.

use crate::clock::SimClock;
use crate::dice::Dice;
use async_trait::async_trait;
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_domain::orphan::Tenants;
use livery_domain::pod::Observed;
use livery_supplier::{
    Error, Lease, Listing, Observation, Order, Stopping, Supplier, SupplierInfo,
};
use livery_units::{Bytes, LaunchKey, Money, OfferId, Per, Rate, Span};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

pub const NAME: &str = "simulated";

/// Prices per hour in thousandths of a dollar, cheapest first; the n-th has 2^n vCPUs.
pub const PRICES: [i64; 4] = [199, 690, 1_190, 2_990];

/// What the control plane was told, or failed to be told, about a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// That it is up.
    Up,
    /// That it is down, or not there.
    NotUp,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    pub what: What,
    /// When, by time that passes.
    pub at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    /// From then on.
    UpFrom(i64),
    Off,
}

struct Machine {
    key: LaunchKey,
    pod: usize,
    power: Power,
}

#[derive(Default)]
struct State {
    machines: BTreeMap<String, Machine>,
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
struct Chances {
    fails: i64,
    answer_lost: i64,
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

    /// Since when it has answered; none while it is silent.
    pub fn reachable_since(&self) -> Option<i64> {
        let now = self.clock.passed();
        let silent = |(from, to): &&(i64, i64)| *from <= now && now < *to;
        if self.outages.iter().any(|outage| silent(&outage)) {
            return None;
        }
        let over = self.outages.iter().filter(|(_, to)| *to <= now);
        Some(over.map(|(_, to)| *to).max().unwrap_or(0))
    }

    /// Everything that was said about a pod, in order.
    pub fn heard(&self, pod: usize) -> Vec<Heard> {
        self.lock().heard.get(&pod).cloned().unwrap_or_default()
    }

    /// When a pod's machines were up.
    pub fn ups(&self, pod: usize) -> Vec<(i64, i64)> {
        self.lock().ups.get(&pod).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets a call through, or fails it. `Ok(true)` means that it goes through and is not heard.
    fn call(&self, pod: usize, what: &'static str, chances: &Chances) -> Result<bool, Error> {
        if self.reachable_since().is_none() {
            return Err(transient("the simulated network is cut"));
        }
        let nth = {
            let mut state = self.lock();
            let calls = state.calls.entry((pod, what)).or_default();
            *calls += 1;
            *calls
        };
        let pod = u64::try_from(pod).unwrap();
        let dice = self.dice.of(what).nth(pod).nth(nth);
        if dice.of("fails").percent(chances.fails) {
            return Err(transient("a bad day"));
        }
        Ok(dice.of("answer").percent(chances.answer_lost))
    }

    fn tell(&self, state: &mut State, pod: usize, what: What) {
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
    fn end(
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
    fn boot_millis(&self, pod: usize) -> i64 {
        let dice = self.dice.of("boot").nth(u64::try_from(pod).unwrap());
        match dice.of("slow").percent(5) {
            true => dice.between(20, 90),
            false => dice.between(0, 10),
        }
    }
}

fn id_of(pod: usize) -> String {
    format!("m-{pod}")
}

fn pod_of(id: &str) -> usize {
    id.trim_start_matches("m-").parse().unwrap()
}

fn transient(why: &str) -> Error {
    Error::Transient {
        message: why.to_owned(),
    }
}

fn ambiguous() -> Error {
    Error::Ambiguous {
        message: "the answer was lost".to_owned(),
    }
}

/// What disks cost at the n-th offer; half of them are free.
pub fn storage(offer: usize) -> StoragePrice {
    let monthly = |cents: i64| Rate {
        amount: Money::from_nanos(cents * 10_000_000),
        per: Per::Month,
    };
    match offer % 2 {
        0 => StoragePrice::FREE,
        _ => StoragePrice {
            running: monthly(10),
            stopped: monthly(20),
        },
    }
}

pub fn price(offer: usize) -> Rate {
    Rate::hourly(Money::from_nanos(PRICES[offer] * 1_000_000))
}

#[async_trait]
impl Supplier for SimCloud {
    fn info(&self) -> SupplierInfo {
        SupplierInfo {
            name: SupplierName::new(NAME),
            description: "a simulated supplier".into(),
            tenants: Tenants::OthersToo,
        }
    }

    /// Prices are known also while it is silent, so that orders come in all the time.
    async fn offers(&self) -> Result<Vec<Offer>, Error> {
        let offer = |n: usize| Offer {
            id: OfferId::from_entropy(u128::try_from(n).unwrap() + 1),
            supplier: SupplierName::new(NAME),
            host: None,
            gpus: None,
            vcpu_milli: 1_000 << n,
            memory: Bytes::gib(4),
            disk: Bytes::gib(100),
            region: "nowhere".into(),
            tier: Tier::Secure,
            pricing: Pricing::OnDemand,
            price: price(n),
            storage: storage(n),
            reliability_permille: None,
        };
        Ok((0..PRICES.len()).map(offer).collect())
    }

    async fn launch(&self, key: &LaunchKey, order: &Order) -> Result<Lease, Error> {
        let pod: usize = order.spec.name.trim_start_matches("pod-").parse().unwrap();
        let chances = Chances {
            fails: 6,
            answer_lost: 8,
        };
        let lost = self.call(pod, "launch", &chances)?;
        let dice = self.dice.of("capacity").nth(u64::try_from(pod).unwrap());
        if dice.percent(4) {
            return Err(Error::NoCapacity {
                message: "all taken".into(),
            });
        }
        let up_from = self.clock.passed() + self.boot_millis(pod);
        let mut state = self.lock();
        state.machines.entry(id_of(pod)).or_insert_with(|| Machine {
            key: key.clone(),
            pod,
            power: Power::UpFrom(up_from),
        });
        match lost {
            true => Err(ambiguous()),
            false => Ok(Lease {
                key: key.clone(),
                foreign_id: id_of(pod),
            }),
        }
    }

    async fn observe(&self, lease: &Lease) -> Result<Observation, Error> {
        let pod = pod_of(&lease.foreign_id);
        let chances = Chances {
            fails: 3,
            answer_lost: 0,
        };
        self.call(pod, "observe", &chances)?;
        let mut state = self.lock();
        let power = state
            .machines
            .get(&lease.foreign_id)
            .map(|machine| machine.power);
        let (observed, what) = match power {
            None => (Observed::Absent, Some(What::NotUp)),
            Some(Power::Off) => (Observed::Down, Some(What::NotUp)),
            Some(Power::UpFrom(from)) if from > self.clock.passed() => (Observed::Starting, None),
            Some(Power::UpFrom(_)) => (Observed::Up, Some(What::Up)),
        };
        if let Some(what) = what {
            self.tell(&mut state, pod, what);
        }
        Ok(Observation {
            state: observed,
            detail: None,
            access: None,
        })
    }

    async fn list(&self) -> Result<Listing<Lease>, Error> {
        let chances = Chances {
            fails: 4,
            answer_lost: 0,
        };
        self.call(usize::MAX, "list", &chances)?;
        let state = self.lock();
        let lease = |(id, machine): (&String, &Machine)| Lease {
            key: machine.key.clone(),
            foreign_id: id.clone(),
        };
        Ok(Listing::whole(state.machines.iter().map(lease).collect()))
    }

    async fn terminate(&self, lease: &Lease) -> Result<(), Error> {
        self.end(lease, "terminate", |state| {
            state.machines.remove(&lease.foreign_id);
        })
    }

    fn stopping(&self) -> Option<&dyn Stopping> {
        Some(self)
    }
}

#[async_trait]
impl Stopping for SimCloud {
    async fn stop(&self, lease: &Lease, _: Span) -> Result<(), Error> {
        self.end(lease, "stop", |_| {})
    }

    async fn start(&self, lease: &Lease) -> Result<(), Error> {
        let pod = pod_of(&lease.foreign_id);
        let chances = Chances {
            fails: 6,
            answer_lost: 0,
        };
        self.call(pod, "start", &chances)?;
        let now = self.clock.passed();
        let mut state = self.lock();
        if let Some(machine) = state.machines.get_mut(&lease.foreign_id)
            && machine.power == Power::Off
        {
            machine.power = Power::UpFrom(now);
        }
        Ok(())
    }
}

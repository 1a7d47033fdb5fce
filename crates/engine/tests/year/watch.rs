//! What must hold whenever the engine is at rest.

use crate::cloud;
use crate::orders::{MINUTE, POOR, SECOND};
use crate::year::Year;
use livery_domain::pod::{Desired, Observed, Pod, cost_up};
use livery_engine::Clock;
use livery_units::{Bytes, Money, Rate, Span, Timestamp};

/// How long after it should a machine may still be up while its supplier answers: calls fail, and
/// are made again every two seconds.
const LATE: i64 = MINUTE;

/// The money of an account that pays before, as it stood at the last look.
#[derive(Default)]
pub struct Purse {
    /// Whether any of its pods may be up.
    pub burns: bool,
    /// When nothing will be left, by time that passes.
    pub empty_at: Option<i64>,
    /// What a minute of everything cost that it has had since it last had something.
    margin: Money,
    /// At how many looks less than nothing was left.
    pub ran_out: u64,
}

/// What a pod costs in a minute, with its disks.
pub fn cost_in_a_minute(offer: usize) -> Money {
    let disks = cloud::storage(offer).running;
    let disks = disks.for_size(Bytes::gib(30)).unwrap();
    let minute = |rate: Rate| rate.accrued(Span::from_secs(60)).unwrap();
    minute(cloud::price(offer)).saturating_plus(minute(disks))
}

impl Purse {
    /// Returns whether nothing will be left in a few minutes.
    pub fn is_nearly_empty(&self, now: i64) -> bool {
        let soon = self.empty_at.is_some_and(|at| at < now + 3 * MINUTE);
        self.burns && soon
    }

    /// Returns when to look again: often while it runs out.
    pub fn next_look(&self, now: i64) -> i64 {
        match self.empty_at.filter(|_| self.burns) {
            Some(at) => (at - 2 * MINUTE).max(now + 10 * SECOND),
            None => i64::MAX,
        }
    }
}

impl Year {
    /// Checks what must hold whenever the engine is at rest.
    pub fn look(&mut self) {
        let now = self.world.clock.passed();
        let wall = self.world.clock.now();
        self.pods = self.live_pods();
        let pods = &self.pods;
        let poor = &self.accounts[POOR];
        self.purses[POOR].burns = pods.iter().any(|pod| {
            let may_be_up = match pod.observed {
                Observed::Up | Observed::Starting | Observed::Unknown => true,
                Observed::Down | Observed::Lost | Observed::Absent => false,
            };
            pod.account == *poor && may_be_up
        });
        for pod in pods {
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

    /// Looks at the money of those who pay before: none ever owes more than what a minute costs of what it
    /// has had, whatever was silent or killed for however long.
    pub fn look_at_purses(&mut self) {
        let store = self.world.store();
        let left = self.world.with(store.account_left(&self.accounts)).unwrap();
        for (nth, account) in self.accounts.iter().enumerate() {
            let Some(left) = left.get(account) else {
                continue;
            };
            let purse = &mut self.purses[nth];
            let its = self.pods.iter().filter(|pod| pod.account == *account);
            let minute: Money = its.map(|pod| cost_up(pod, Span::from_secs(60))).sum();
            purse.margin = purse.margin.max(minute);
            let least = Money::ZERO.saturating_minus(purse.margin);
            assert!(
                *left >= least,
                "seed {}: {left} is left of account {nth}, and not {least}",
                self.seed
            );
            match left.is_negative() {
                true => purse.ran_out += 1,
                false => purse.margin = minute,
            }
        }
        let poor = &self.accounts[POOR];
        if !self.purses[POOR].burns {
            return;
        }
        let sheet = self.world.with(self.world.engine().balance(poor)).unwrap();
        let offset = self.world.clock.now().millis() - self.world.clock.passed();
        self.purses[POOR].empty_at = sheet.empty_at.map(|at| at.millis() - offset);
    }
}

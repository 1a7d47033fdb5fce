//! What must hold whenever the engine is at rest.

use crate::orders::{HOUR, MINUTE, POOR, SECOND};
use crate::year::Year;
use livery_domain::pod::{Desired, Observed, Pod};
use livery_engine::Clock;
use livery_units::Timestamp;

/// What ten of the dearest pods use in a metering interval and a half, in nano-dollars.
const TOLERANCE: i128 = 10 * 2_990_000_000 * 90 / 3_600;

/// How long after it should a machine may still be up while its supplier answers: calls fail, and
/// are made again every two seconds.
const LATE: i64 = MINUTE;

/// The money of the account that pays too little, as it stood at the last look.
#[derive(Default)]
pub struct Purse {
    /// Whether any of its pods may be up.
    pub burns: bool,
    /// When nothing will be left, by time that passes.
    pub empty_at: Option<i64>,
    /// What may have been used while the supplier was silent, in nano-dollars.
    pub excused: i128,
    /// At how many looks less than nothing was left.
    pub ran_out: u64,
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
        self.purse.burns = pods.iter().any(|pod| {
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

    /// Looks at the money of the account that pays too little: it never owes more than what is used
    /// in a metering interval, unless its supplier was silent about what it used.
    pub fn look_at_purse(&mut self, stood: i64) {
        let account = &self.accounts[POOR];
        let now = self.world.clock.passed();
        let burns = self.purse.burns;
        if !burns {
            return;
        }
        let sheet = self
            .world
            .with(self.world.engine().balance(account))
            .unwrap();
        let hour = i128::from(HOUR);
        let used = |millis: i64| i128::from(sheet.hourly.nanos()) * i128::from(millis) / hour;
        if self
            .world
            .cloud
            .reachable_since()
            .is_none_or(|since| since > now - stood - LATE)
        {
            self.purse.excused += used(stood + LATE).max(0);
        }
        let left = i128::from(sheet.left.nanos());
        assert!(
            left >= -TOLERANCE - self.purse.excused,
            "seed {}: {left} nano-dollars are left after {stood} ms at {now}, {} excused: {sheet:#?}",
            self.seed,
            self.purse.excused
        );
        if left >= 0 {
            self.purse.excused = 0;
        } else {
            self.purse.ran_out += 1;
        }
        let offset = self.world.clock.now().millis() - now;
        self.purse.empty_at = sheet.empty_at.map(|at| at.millis() - offset);
    }
}

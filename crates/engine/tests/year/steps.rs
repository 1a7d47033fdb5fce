//! How far time may pass at once, so that nothing is missed.

use crate::oracle;
use crate::orders::{DAY, HOUR, MINUTE, SECOND};
use crate::watch::disks_of;
use crate::year::Year;
use livery_domain::pod::{Desired, OBSERVATION_FRESH, Observed, Pod, burn};
use livery_domain::volume::{NetworkVolume, VolumePhase};
use livery_engine::Clock;
use livery_units::{Money, Span, Timestamp};

/// No step is longer while anything runs.
pub const STEP: i64 = 8 * HOUR;

impl Year {
    /// Returns until when time may pass now.
    pub fn next_step(&self) -> i64 {
        let now = self.world.clock.passed();
        let answers = self.world.cloud.reachable_since().is_some();
        let most = match self.pods.is_empty() && self.volumes.is_empty() {
            false => now + STEP,
            true => now + 3 * DAY,
        };
        if answers && !self.volumes.iter().all(is_kept) {
            return now + 2 * SECOND;
        }
        let wall = self.world.clock.now();
        let purses = self.purses.iter().map(|purse| purse.next_look(now));
        let most = most.min(purses.min().unwrap_or(most));
        let nexts = self
            .pods
            .iter()
            .map(|pod| match is_settled(pod, wall) || !answers {
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
            (pod.policy.stop_after, pod.came_up(), pod.desired)
        {
            at(started.after(span).millis() - offset);
        }
        let is_up = pod.desired == Desired::Running && pod.observed == Observed::Up;
        if is_up && self.world.host.reachable_since().is_some() {
            at(self.next_use(pod, now));
        }
        let answers = self.world.cloud.reachable_since().is_some();
        if let (Some(most), Observed::Up, true) = (pod.policy.max_cost, pod.observed, answers) {
            at(now + self.until_spent(pod, most));
        }
        next
    }

    /// Returns when it will be seen that a pod is not used any more, or that it was not for long enough.
    fn next_use(&self, pod: &Pod, now: i64) -> i64 {
        let nth = self.number(pod);
        let order = &self.orders[nth];
        if order.idle().is_none() {
            return i64::MAX;
        }
        let ends = order.used.iter().map(|(_, to)| *to);
        let next_end = ends.filter(|to| *to > now).min().unwrap_or(i64::MAX);
        let is_used = order.used_until(now) == now;
        // Of one that vanished nobody says anything until its supplier does.
        let soon = match self.world.cloud.reachable_since() {
            Some(_) => 2 * SECOND,
            None => 10 * MINUTE,
        };
        match self.idle_at(nth, &self.world.cloud.heard(nth), now) {
            _ if is_used => next_end,
            Some(due) => due.max(now + soon).min(next_end),
            None => now + 2 * SECOND,
        }
    }

    /// Returns in how many milliseconds to look whether a pod has cost all that it may: shorter steps
    /// the nearer that is.
    fn until_spent(&self, pod: &Pod, most: Money) -> i64 {
        let nth = self.number(pod);
        let order = &self.orders[nth];
        let heard = self.world.cloud.heard(nth);
        let disks = oracle::disks(order.offer, disks_of(order.volume), &heard).1;
        let spent = oracle::compute(order.offer, &heard) + disks;
        let left = i128::from((most.nanos() - spent).max(0));
        let hourly = i128::from(burn(pod, Span::from_secs(3_600)).nanos());
        let left = i64::try_from(left * i128::from(HOUR) / hourly.max(1)).unwrap();
        (left - 20 * SECOND).clamp(5 * SECOND, STEP)
    }
}

/// Returns whether nothing is to be done for a volume but to look at it now and then.
fn is_kept(volume: &NetworkVolume) -> bool {
    match volume.phase() {
        VolumePhase::Ready | VolumePhase::Missing | VolumePhase::Deleted => true,
        VolumePhase::Creating | VolumePhase::Growing => false,
        // It may wait for its pod.
        VolumePhase::Deleting => false,
    }
}

/// Returns whether nothing is to be done for a pod but to look at it now and then. A look that failed
/// is followed by another one soon.
fn is_settled(pod: &Pod, wall: Timestamp) -> bool {
    let seen_now = pod
        .observed_at
        .is_some_and(|at| wall.since(at) < OBSERVATION_FRESH);
    match (pod.desired, pod.observed) {
        (Desired::Running, Observed::Up) => seen_now,
        (Desired::Running, Observed::Absent | Observed::Lost) => pod.is_made(),
        (Desired::Stopped, Observed::Down) => true,
        (Desired::Stopped, Observed::Absent | Observed::Lost) => true,
        (Desired::Running, Observed::Unknown | Observed::Starting | Observed::Down) => false,
        (Desired::Stopped, Observed::Unknown | Observed::Starting | Observed::Up) => false,
        (Desired::Gone, _) => false,
    }
}

//! How far time may pass at once, so that nothing is missed.

use crate::orders::{DAY, HOUR, POOR, SECOND};
use crate::year::Year;
use livery_domain::pod::{Desired, OBSERVATION_FRESH, Observed, Pod, burn};
use livery_engine::Clock;
use livery_units::{Money, Span, Timestamp};

/// No step is longer while anything runs.
const STEP: i64 = 8 * HOUR;

impl Year {
    /// Returns until when time may pass now.
    pub fn next_step(&self) -> i64 {
        let now = self.world.clock.passed();
        let pods = &self.pods;
        let Some(most) = (!pods.is_empty()).then_some(now + STEP) else {
            return now + 3 * DAY;
        };
        let wall = self.world.clock.now();
        let answers = self.world.cloud.reachable_since().is_some();
        let most = most.min(self.purses[POOR].next_look(now));
        let nexts = pods
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
        let hourly = i128::from(burn(pod, Span::from_secs(3_600)).nanos());
        let left = i64::try_from(left * i128::from(HOUR) / hourly.max(1)).unwrap();
        (left - 20 * SECOND).clamp(SECOND, STEP)
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

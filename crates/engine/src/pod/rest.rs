//! Which pods do not rest, and how long one rests that could not be taken further for now.

use crate::services::Services;
use livery_domain::pod::{Desired, OBSERVATION_FRESH, Observed, Pod};
use livery_units::Span;

/// How long a pod on its way rests after a failed step.
const FAILURE_REST: Span = Span::from_secs(2);

/// A pod whose host is connected to no control plane rests for this part of the time for which it has
/// not been seen, and for no longer than that.
const SILENCE_PART: u64 = 8;
const SILENCE_REST_MAX: Span = Span::from_secs(300);

/// Returns whether a pod is between two states, so that a fresh observation is always worth it.
pub(super) fn in_motion(pod: &Pod) -> bool {
    match (pod.desired, pod.observed) {
        (_, Observed::Starting | Observed::Unknown) | (Desired::Gone, _) => true,
        (Desired::Stopped, Observed::Up) => true,
        (
            Desired::Running | Desired::Stopped,
            Observed::Down | Observed::Lost | Observed::Absent,
        ) => false,
        (Desired::Running, Observed::Up) => false,
    }
}

/// One that was last seen as it is to be is not asked for more often than when its host answers.
///
/// With several control planes, one whose host is connected to none of them is tried by all: ever more
/// seldom, so that they keep their time for their own. Whoever gets the host makes it due at once.
pub(super) fn after_failure(services: &Services, pod: &Pod) -> Span {
    let rest = match pod.observed {
        Observed::Unknown | Observed::Absent | Observed::Starting => FAILURE_REST,
        Observed::Up | Observed::Down | Observed::Lost if in_motion(pod) => FAILURE_REST,
        Observed::Up | Observed::Down | Observed::Lost => OBSERVATION_FRESH,
    };
    if !is_away(services, pod) {
        return rest;
    }
    let silent = services.now().since(pod.observed_at.unwrap_or(pod.created));
    Span::from_millis(silent.millis() / SILENCE_PART).clamp(rest, SILENCE_REST_MAX)
}

/// Returns whether the pod's host is not connected here, and may be or come to another control plane:
/// what one of several cannot reach is not its to give up.
pub(super) fn is_away(services: &Services, pod: &Pod) -> bool {
    services.is_out_of_reach(pod.offer.host.as_ref())
}

//! The function that decides what to do next with a pod, and the phase that its user is shown.

use super::{Desired, Observed, Phase, Pod};
use livery_units::{Span, Timestamp};

/// What the reconciler should do next with a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask the supplier for it under its launch key.
    Launch,
    /// Ask the supplier how it is.
    Observe,
    /// Ask the supplier to stop it.
    Stop,
    /// Ask the supplier to start it again.
    Start,
    /// Ask the supplier to remove it.
    Terminate,
    /// It is as wanted; look again at that time, which is always still to come.
    Rest(Timestamp),
    /// It is gone, as wanted: settle the bill and close the row.
    Close,
}

/// How long an observation of a pod that should be up stands before the supplier is asked again.
pub const OBSERVATION_FRESH: Span = Span::from_secs(5);

/// How long an observation stands when nothing is expected to change: the pod is stopped, or lost.
pub const QUIET_FRESH: Span = Span::from_secs(60);

/// Decides the next step for a pod, from what is wanted, what was seen and the time.
///
/// A launch is repeated under the same key while nothing has been seen: suppliers treat the key as
/// one order however often it comes. What was made and then vanished is never launched again: its
/// disks are gone, and a user must know.
pub fn plan(pod: &Pod, observed: Observed, now: Timestamp) -> Step {
    match (pod.desired, observed) {
        (Desired::Running, Observed::Unknown | Observed::Absent) if !pod.is_made() => Step::Launch,
        (Desired::Gone, Observed::Absent) => Step::Close,
        (Desired::Gone, Observed::Unknown | Observed::Starting | Observed::Up) => Step::Terminate,
        (Desired::Gone, Observed::Down | Observed::Lost) => Step::Terminate,
        (Desired::Running | Desired::Stopped, Observed::Unknown) => Step::Observe,
        (Desired::Stopped, Observed::Starting | Observed::Up) => Step::Stop,
        (Desired::Running, Observed::Down) if pod.started.is_none() => Step::Start,
        (Desired::Running, Observed::Starting | Observed::Up | Observed::Down) => {
            look_again(pod, OBSERVATION_FRESH, now)
        }
        (Desired::Stopped, Observed::Down) => look_again(pod, QUIET_FRESH, now),
        (Desired::Running | Desired::Stopped, Observed::Absent | Observed::Lost) => {
            look_again(pod, QUIET_FRESH, now)
        }
    }
}

/// Rests until what was seen is no longer fresh. An observation from the future says only that the
/// clock was set back, so it is not fresh.
fn look_again(pod: &Pod, fresh: Span, now: Timestamp) -> Step {
    match pod.observed_at {
        Some(at) if at <= now && now.since(at) < fresh => Step::Rest(at.after(fresh)),
        Some(_) | None => Step::Observe,
    }
}

impl Pod {
    /// Returns what is shown to the user.
    pub fn phase(&self) -> Phase {
        match (self.desired, self.observed) {
            (Desired::Running, Observed::Unknown | Observed::Absent) if !self.is_made() => {
                Phase::Pending
            }
            // Stopped before anything was made: it holds nothing, and it can still be started.
            (Desired::Stopped, Observed::Absent) if !self.is_made() => Phase::Stopped,
            (Desired::Running, Observed::Unknown | Observed::Starting) => Phase::Starting,
            (Desired::Running, Observed::Up) => Phase::Running,
            // Asked to start again, and not seen since.
            (Desired::Running, Observed::Down) if self.started.is_none() => Phase::Starting,
            (Desired::Running, Observed::Down) => Phase::Exited,
            (Desired::Stopped, Observed::Down) => Phase::Stopped,
            (Desired::Stopped, Observed::Unknown | Observed::Starting | Observed::Up) => {
                Phase::Stopping
            }
            (Desired::Running | Desired::Stopped, Observed::Absent | Observed::Lost) => Phase::Lost,
            (Desired::Gone, Observed::Absent) => Phase::Terminated,
            (Desired::Gone, Observed::Unknown | Observed::Starting | Observed::Up) => {
                Phase::Terminating
            }
            (Desired::Gone, Observed::Down | Observed::Lost) => Phase::Terminating,
        }
    }
}

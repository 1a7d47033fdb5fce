//! What becomes of a wish to stop a pod whose supplier cannot stop machines.

use super::{Desired, IdleAction, IdlePolicy, PodPolicy};

/// Whether a pod's supplier can stop it and keep its volume disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopPower {
    /// It can.
    Has,
    /// It can only end it, and its disks with it.
    Lacks,
}

impl StopPower {
    /// Returns what a rule that nobody can be asked about (an empty balance, a limit) does: what costs
    /// money that is not there ends one way or the other.
    pub fn ruled(self, desired: Desired) -> Desired {
        match (self, desired) {
            (Self::Lacks, Desired::Stopped) => Desired::Gone,
            (Self::Has | Self::Lacks, desired) => desired,
        }
    }
}

impl PodPolicy {
    /// Returns whether it has the pod stopped by and by.
    pub fn stops(&self) -> bool {
        let idle_stops = self
            .idle
            .is_some_and(|idle| idle.action == IdleAction::Stop);
        self.stop_after.is_some() || idle_stops
    }

    /// Returns what can be kept of it. An idle pod that cannot be stopped is not ended with all that is
    /// on its disks, because its account's rule says no such thing: its user is reminded of it.
    pub fn within(self, power: StopPower) -> Self {
        let idle = self.idle.map(|idle| {
            let action = if idle.action == IdleAction::Stop && power == StopPower::Lacks {
                IdleAction::Remind
            } else {
                idle.action
            };
            IdlePolicy { action, ..idle }
        });
        Self { idle, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_units::Span;

    #[test]
    fn what_cannot_be_stopped_is_reminded_of_when_idle_and_ended_when_it_must_be() {
        let idle = |action| PodPolicy {
            idle: Some(IdlePolicy {
                after: Span::from_secs(60),
                action,
            }),
            ..PodPolicy::default()
        };
        let (stop, remind) = (idle(IdleAction::Stop), idle(IdleAction::Remind));
        let terminate = idle(IdleAction::Terminate);
        assert_eq!(stop.within(StopPower::Lacks), remind);
        assert_eq!(stop.within(StopPower::Has), stop);
        assert_eq!(terminate.within(StopPower::Lacks), terminate);
        let stop_after = PodPolicy {
            stop_after: Some(Span::from_secs(60)),
            ..PodPolicy::default()
        };
        assert!(stop.stops() && stop_after.stops());
        assert!(!remind.stops() && !terminate.stops() && !PodPolicy::default().stops());
        assert_eq!(StopPower::Lacks.ruled(Desired::Stopped), Desired::Gone);
        assert_eq!(StopPower::Has.ruled(Desired::Stopped), Desired::Stopped);
        assert_eq!(StopPower::Lacks.ruled(Desired::Running), Desired::Running);
    }
}

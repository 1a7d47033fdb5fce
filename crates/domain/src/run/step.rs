//! The eight steps, and the functions that decide where a run goes.

use crate::offer::words;

/// The eight steps of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunStep {
    /// Rank the offers that fit.
    Choose,
    /// Place the hold and have the supplier make the pod.
    Launch,
    /// Prove that the pod is what was offered, before anything is sent to it.
    Validate,
    /// Send `workdir` and run `setup`.
    Deploy,
    /// Send `file_mounts`.
    Transfer,
    /// Run `run`.
    Train,
    /// Bring `outputs` home.
    Pull,
    /// End the pod, confirm that it is gone, settle the bill.
    Teardown,
}

words!(
    RunStep,
    "step",
    "choose, launch, validate, deploy, transfer, train, pull, teardown",
    Choose = "choose",
    Launch = "launch",
    Validate = "validate",
    Deploy = "deploy",
    Transfer = "transfer",
    Train = "train",
    Pull = "pull",
    Teardown = "teardown"
);

impl RunStep {
    /// All steps in order.
    pub const ALL: [Self; 8] = [
        Self::Choose,
        Self::Launch,
        Self::Validate,
        Self::Deploy,
        Self::Transfer,
        Self::Train,
        Self::Pull,
        Self::Teardown,
    ];

    /// Returns the number that users see, 1 to 8.
    pub fn number(self) -> usize {
        Self::ALL
            .iter()
            .position(|step| *step == self)
            .map_or(0, |index| index + 1)
    }
}

/// How a run ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Still going.
    Pending,
    /// `run` ended with 0 and everything came home.
    Succeeded,
    /// A step failed, or `run` ended with another code.
    Failed,
    /// The user cancelled it.
    Cancelled,
    /// It would have passed its budget or its hours.
    OverBudget,
}

words!(
    Outcome,
    "outcome",
    "pending, succeeded, failed, cancelled, over-budget",
    Pending = "pending",
    Succeeded = "succeeded",
    Failed = "failed",
    Cancelled = "cancelled",
    OverBudget = "over-budget"
);

/// What one step led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEnd {
    /// It is done.
    Done,
    /// The pod or its offer is no good (no capacity, gate failed, lost before training began): try
    /// the next offer.
    NextOffer(String),
    /// The run cannot go on; what there is should still be pulled if the pod is usable.
    Failed(String),
    /// The pod is gone, so there is nothing to pull.
    PodGone(String),
}

/// Why a run is being ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Halt {
    /// The user said so.
    Cancelled,
    /// Money or hours are used up.
    OverBudget,
    /// The user wants nothing more of it, results neither: it ends at once.
    Now,
}

/// Where a run goes after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Go to this step with the same pod.
    Step(RunStep),
    /// Terminate this pod, exclude its offer and choose again.
    ChooseAgain,
    /// Nothing is left to do.
    Finished,
}

/// Decides where a run goes after `step` ended with `end`, and how the run's outcome changes.
///
/// Every path leads to teardown. Whatever happens after training began (a failed `run`, a
/// cancellation, a spent budget) passes through pull first, because results are what was paid for.
/// Another offer is only tried for a run that has not failed or been ended yet.
pub fn after(step: RunStep, end: &StepEnd, outcome: Outcome) -> (Next, Outcome) {
    let failed = match outcome {
        Outcome::Pending => Outcome::Failed,
        Outcome::Succeeded | Outcome::Failed | Outcome::Cancelled | Outcome::OverBudget => outcome,
    };
    match (step, end) {
        (RunStep::Choose, StepEnd::Done) => (Next::Step(RunStep::Launch), outcome),
        (RunStep::Launch, StepEnd::Done) => (Next::Step(RunStep::Validate), outcome),
        (RunStep::Validate, StepEnd::Done) => (Next::Step(RunStep::Deploy), outcome),
        (RunStep::Deploy, StepEnd::Done) => (Next::Step(RunStep::Transfer), outcome),
        (RunStep::Transfer, StepEnd::Done) => (Next::Step(RunStep::Train), outcome),
        (RunStep::Train, StepEnd::Done) => (Next::Step(RunStep::Pull), outcome),
        (RunStep::Pull, StepEnd::Done) => {
            let ended = if outcome == Outcome::Pending {
                Outcome::Succeeded
            } else {
                outcome
            };
            (Next::Step(RunStep::Teardown), ended)
        }
        (RunStep::Teardown, StepEnd::Done) => (Next::Finished, failed),
        (RunStep::Launch | RunStep::Validate, StepEnd::NextOffer(_) | StepEnd::PodGone(_)) => {
            (another_offer(outcome), outcome)
        }
        (RunStep::Deploy | RunStep::Transfer, StepEnd::NextOffer(_) | StepEnd::PodGone(_)) => {
            (another_offer(outcome), outcome)
        }
        (RunStep::Choose | RunStep::Launch | RunStep::Validate, StepEnd::Failed(_)) => {
            (Next::Step(RunStep::Teardown), failed)
        }
        (RunStep::Deploy | RunStep::Transfer | RunStep::Train, StepEnd::Failed(_)) => {
            (Next::Step(RunStep::Pull), failed)
        }
        (RunStep::Pull, StepEnd::Failed(_)) => (Next::Step(RunStep::Teardown), failed),
        // A teardown that failed is tried again: there is no way out of a run around it.
        (RunStep::Teardown, StepEnd::Failed(_) | StepEnd::NextOffer(_) | StepEnd::PodGone(_)) => {
            (Next::Step(RunStep::Teardown), failed)
        }
        (RunStep::Choose | RunStep::Train | RunStep::Pull, StepEnd::NextOffer(_)) => {
            (Next::Step(RunStep::Teardown), failed)
        }
        (RunStep::Choose | RunStep::Train | RunStep::Pull, StepEnd::PodGone(_)) => {
            (Next::Step(RunStep::Teardown), failed)
        }
    }
}

/// A run whose outcome stands rents nothing more.
fn another_offer(outcome: Outcome) -> Next {
    match outcome {
        Outcome::Pending => Next::ChooseAgain,
        Outcome::Succeeded | Outcome::Failed | Outcome::Cancelled | Outcome::OverBudget => {
            Next::Step(RunStep::Teardown)
        }
    }
}

/// Decides where a halted run goes from `step`: to pull once the pod may hold results, else to
/// teardown. A step past that point is left to finish, unless the run is to end now.
pub fn halted(step: RunStep, halt: Halt) -> RunStep {
    match halt {
        Halt::Now => return RunStep::Teardown,
        Halt::Cancelled | Halt::OverBudget => {}
    }
    match step {
        RunStep::Choose | RunStep::Launch | RunStep::Validate => RunStep::Teardown,
        RunStep::Deploy | RunStep::Transfer | RunStep::Train => RunStep::Pull,
        RunStep::Pull => RunStep::Pull,
        RunStep::Teardown => RunStep::Teardown,
    }
}

impl From<Halt> for Outcome {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Cancelled | Halt::Now => Self::Cancelled,
            Halt::OverBudget => Self::OverBudget,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> [StepEnd; 4] {
        [
            StepEnd::Done,
            StepEnd::NextOffer("x".into()),
            StepEnd::Failed("x".into()),
            StepEnd::PodGone("x".into()),
        ]
    }

    #[test]
    fn only_a_finished_teardown_finishes_a_run() {
        for step in RunStep::ALL {
            for end in ends() {
                let (next, outcome) = after(step, &end, Outcome::Pending);
                let finished = step == RunStep::Teardown && end == StepEnd::Done;
                assert_eq!(next == Next::Finished, finished, "{step} {end:?}");
                if finished {
                    assert_ne!(outcome, Outcome::Pending);
                }
            }
        }
    }

    #[test]
    fn the_happy_path_visits_every_step_once() {
        let (mut step, mut outcome) = (RunStep::Choose, Outcome::Pending);
        let mut visited = vec![step];
        loop {
            let (next, changed) = after(step, &StepEnd::Done, outcome);
            outcome = changed;
            match next {
                Next::Step(to) => step = to,
                Next::Finished => break,
                Next::ChooseAgain => panic!("no failure happened"),
            }
            visited.push(step);
        }
        assert_eq!(visited, RunStep::ALL);
        assert_eq!(outcome, Outcome::Succeeded);
    }

    #[test]
    fn a_failed_training_is_pulled_before_it_is_torn_down() {
        let (next, outcome) = after(
            RunStep::Train,
            &StepEnd::Failed("exit 3".into()),
            Outcome::Pending,
        );
        assert_eq!(
            (next, outcome),
            (Next::Step(RunStep::Pull), Outcome::Failed)
        );
        let (next, outcome) = after(RunStep::Pull, &StepEnd::Done, outcome);
        assert_eq!(
            (next, outcome),
            (Next::Step(RunStep::Teardown), Outcome::Failed)
        );
    }

    #[test]
    fn a_cancelled_run_stays_cancelled() {
        let (_, outcome) = after(
            RunStep::Pull,
            &StepEnd::Failed("x".into()),
            Outcome::Cancelled,
        );
        assert_eq!(outcome, Outcome::Cancelled);
        assert_eq!(halted(RunStep::Train, Halt::Cancelled), RunStep::Pull);
        assert_eq!(
            halted(RunStep::Validate, Halt::OverBudget),
            RunStep::Teardown
        );
    }

    #[test]
    fn a_run_that_is_to_end_now_brings_nothing_home() {
        for step in RunStep::ALL {
            assert_eq!(halted(step, Halt::Now), RunStep::Teardown, "{step}");
        }
    }
}

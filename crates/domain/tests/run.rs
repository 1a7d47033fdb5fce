//! Every way that a run can go, walked to its end: teardown is reached, and nothing goes around it.

use livery_domain::run::{Halt, Next, Outcome, RunStep, StepEnd, after, halted};
use std::collections::{HashMap, HashSet};

const OUTCOMES: [Outcome; 5] = [
    Outcome::Pending,
    Outcome::Succeeded,
    Outcome::Failed,
    Outcome::Cancelled,
    Outcome::OverBudget,
];

/// Offers that there are to try after the first one.
const ATTEMPTS: usize = 5;

/// Where a run can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    step: RunStep,
    outcome: Outcome,
    attempts: usize,
}

fn ends() -> [StepEnd; 4] {
    let why = || "why".to_owned();
    [
        StepEnd::Done,
        StepEnd::NextOffer(why()),
        StepEnd::Failed(why()),
        StepEnd::PodGone(why()),
    ]
}

fn places() -> impl Iterator<Item = Place> {
    RunStep::ALL.into_iter().flat_map(|step| {
        OUTCOMES.into_iter().flat_map(move |outcome| {
            (0..=ATTEMPTS).map(move |attempts| Place {
                step,
                outcome,
                attempts,
            })
        })
    })
}

/// All places that a run can come to from one: by any end of its step, or by being halted.
fn onward(place: Place) -> Vec<Place> {
    let by_end = ends().into_iter().filter_map(|end| {
        let (next, outcome) = after(place.step, &end, place.outcome);
        match next {
            Next::Step(step) => Some(Place {
                step,
                outcome,
                ..place
            }),
            // Offers run out, and then there is nothing to choose from.
            Next::ChooseAgain if place.attempts == 0 => Some(Place {
                step: RunStep::Teardown,
                outcome: Outcome::Failed,
                ..place
            }),
            Next::ChooseAgain => Some(Place {
                step: RunStep::Choose,
                outcome,
                attempts: place.attempts - 1,
            }),
            Next::Finished => None,
        }
    });
    let mut all: Vec<Place> = by_end.collect();
    if place.outcome == Outcome::Pending && place.step != RunStep::Teardown {
        all.extend([Halt::Cancelled, Halt::OverBudget].map(|halt| Place {
            step: halted(place.step, halt),
            outcome: halt.into(),
            ..place
        }));
    }
    if place.step != RunStep::Teardown {
        all.push(Place {
            step: halted(place.step, Halt::Now),
            ..place
        });
    }
    all
}

/// Returns the longest way from a place to teardown; a way that comes back to itself fails the test.
fn longest(
    place: Place,
    on_the_way: &mut HashSet<Place>,
    known: &mut HashMap<Place, usize>,
) -> usize {
    if place.step == RunStep::Teardown {
        return 0;
    }
    if let Some(length) = known.get(&place) {
        return *length;
    }
    assert!(
        on_the_way.insert(place),
        "a run could go round for ever: {place:?}"
    );
    let lengths = onward(place)
        .into_iter()
        .map(|next| 1 + longest(next, on_the_way, known));
    let length = lengths.max().expect("every place but teardown leads on");
    on_the_way.remove(&place);
    known.insert(place, length);
    length
}

#[test]
fn every_way_leads_to_teardown() {
    let mut known = HashMap::new();
    for place in places() {
        let length = longest(place, &mut HashSet::new(), &mut known);
        // Seven steps per attempt, and one more look at the step in which it was halted.
        let bound = 7 * (place.attempts + 1) + 1;
        assert!(length <= bound, "{length} steps from {place:?}");
    }
}

#[test]
fn only_a_teardown_that_is_done_finishes_a_run() {
    for place in places() {
        for end in ends() {
            let (next, outcome) = after(place.step, &end, place.outcome);
            let torn_down = place.step == RunStep::Teardown && end == StepEnd::Done;
            assert_eq!(next == Next::Finished, torn_down, "{place:?} {end:?}");
            if place.step == RunStep::Teardown && !torn_down {
                assert_eq!(next, Next::Step(RunStep::Teardown), "{end:?}");
            }
            assert!(next != Next::Finished || outcome != Outcome::Pending);
        }
    }
}

#[test]
fn how_a_run_ended_is_said_once() {
    for place in places().filter(|place| place.outcome != Outcome::Pending) {
        for end in ends() {
            let (next, outcome) = after(place.step, &end, place.outcome);
            // Results that did not come home make a failure of a success; nothing else changes.
            assert_eq!(outcome, place.outcome, "{place:?} {end:?}");
            assert_ne!(
                next,
                Next::ChooseAgain,
                "{place:?} rents again after its end"
            );
        }
    }
}

#[test]
fn what_may_have_results_is_pulled_before_it_is_torn_down() {
    for step in [RunStep::Deploy, RunStep::Transfer, RunStep::Train] {
        assert_eq!(halted(step, Halt::Cancelled), RunStep::Pull);
        assert_eq!(halted(step, Halt::Now), RunStep::Teardown);
        let failed = StepEnd::Failed("exit 3".into());
        let (next, outcome) = after(step, &failed, Outcome::Pending);
        assert_eq!(
            (next, outcome),
            (Next::Step(RunStep::Pull), Outcome::Failed)
        );
    }
    let lost = after(
        RunStep::Train,
        &StepEnd::PodGone("lost".into()),
        Outcome::Pending,
    );
    assert_eq!(lost, (Next::Step(RunStep::Teardown), Outcome::Failed));
}

#[test]
fn a_run_succeeds_only_by_bringing_its_results_home() {
    for place in places() {
        for end in ends() {
            let (_, outcome) = after(place.step, &end, place.outcome);
            let succeeds = outcome == Outcome::Succeeded && place.outcome != Outcome::Succeeded;
            let home = place.step == RunStep::Pull && end == StepEnd::Done;
            assert!(!succeeds || home, "{place:?} {end:?}");
        }
    }
}

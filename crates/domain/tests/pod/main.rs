//! Pods driven by the planner against a model of a supplier that delays, loses and forgets.

mod costs;
mod driver;
mod idleness;
mod orphans;
mod policies;
mod seen;
mod tables;
mod wishes;
mod world;

use driver::Driver;
use livery_domain::pod::{Desired, Observed, Phase, Wish, WishError};
use livery_units::Span;
use proptest::prelude::*;
use world::{Answering, Fault};

/// What happens to a pod from outside.
#[derive(Debug, Clone)]
enum Act {
    /// Its user wants something else.
    Want(Desired),
    /// The supplier misbehaves, or the machine does.
    Fault(Fault),
    /// The control plane is killed: what is not in the row is forgotten.
    Crash,
    /// Nothing.
    Wait,
}

/// Whether a history may have the user terminate the pod.
#[derive(Debug, Clone, Copy)]
enum Ends {
    Perhaps,
    Never,
}

fn act(ends: Ends) -> impl Strategy<Value = Act> {
    let mut wishes = vec![
        Desired::Running,
        Desired::Stopped,
        Desired::Running,
        Desired::Stopped,
    ];
    match ends {
        Ends::Perhaps => wishes.push(Desired::Gone),
        Ends::Never => {}
    }
    prop_oneof![
        4 => prop::sample::select(wishes).prop_map(Act::Want),
        4 => fault().prop_map(Act::Fault),
        1 => Just(Act::Crash),
        2 => Just(Act::Wait),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        (1_u64..30).prop_map(|secs| Fault::Silence(Span::from_secs(secs))),
        Just(Fault::LoseNextAnswer),
        Just(Fault::ForgetNextAnswer),
        Just(Fault::CommandEnds),
        Just(Fault::MachineDies),
        Just(Fault::MachineVanishes),
    ]
}

/// Acts, each with the number of steps that the driver makes after it.
fn history(ends: Ends) -> impl Strategy<Value = Vec<(Act, usize)>> {
    prop::collection::vec((act(ends), 0_usize..6), 0..24)
}

fn delays() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0_u64..4_000, 1..8)
}

fn live(driver: &mut Driver, history: &[(Act, usize)]) {
    for (act, steps) in history {
        match act {
            // What is refused is refused without a trace, which the driver checks.
            Act::Want(desired) => drop(driver.want(*desired)),
            Act::Fault(fault) => driver.world.suffer(*fault),
            Act::Crash => driver.crash(),
            Act::Wait => driver.world.pass(Span::from_secs(3)),
        }
        for _ in 0..*steps {
            driver.step();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_wanted_gone_ends_absent_and_closed(
        history in history(Ends::Perhaps), delays in delays()) {
        let mut driver = Driver::new(delays);
        live(&mut driver, &history);
        prop_assert!(driver.want(Desired::Gone).is_ok());
        driver.world.recover();
        let launches = driver.world.launch_calls;
        // Each look at a machine on its way out lets half a second pass, and it takes at most four.
        let steps = driver.steps_until_closed(20);
        prop_assert!(steps.is_some(), "still {:?}", driver.row);
        prop_assert_eq!(driver.row.phase(), Phase::Terminated);
        prop_assert_eq!(driver.world.machines(), 0, "something is left running");
        prop_assert_eq!(driver.world.launch_calls, launches, "launched after it was to be gone");
    }

    #[test]
    fn what_is_wanted_running_comes_up_or_says_why_not(
        history in history(Ends::Never),
        delays in delays(),
    ) {
        let mut driver = Driver::new(delays);
        live(&mut driver, &history);
        driver.world.recover();
        let at_once = driver.want(Desired::Running);
        driver.steps(100);
        match driver.row.phase() {
            Phase::Running | Phase::Lost => {}
            Phase::Exited => prop_assert!(driver.world.commands_ended > 0, "it was to be up"),
            Phase::Stopped => prop_assert_eq!(at_once, Err(WishError::Stopping)),
            other => prop_assert!(false, "it is {} for ever: {:?}", other, driver.row),
        }
        let wish = driver.want(Desired::Running);
        driver.steps(100);
        match driver.row.phase() {
            Phase::Running => prop_assert!(driver.world.is_up() && wish.is_ok()),
            Phase::Lost => prop_assert!(driver.world.losses > 0 && driver.row.reason.is_some()),
            other => prop_assert!(false, "it is {} for ever: {:?}", other, driver.row),
        }
    }

    #[test]
    fn what_is_wanted_stopped_goes_down(history in history(Ends::Never), delays in delays()) {
        let mut driver = Driver::new(delays);
        live(&mut driver, &history);
        driver.world.recover();
        let wish = driver.want(Desired::Stopped);
        driver.steps(100);
        prop_assert!(!driver.world.is_up());
        match driver.row.phase() {
            Phase::Stopped => prop_assert!(wish.is_ok()),
            Phase::Lost => prop_assert!(driver.world.losses > 0 && driver.row.reason.is_some()),
            other => prop_assert!(false, "it is {} for ever: {:?}", other, driver.row),
        }
    }
}

#[test]
fn a_launch_whose_answer_was_lost_is_one_pod() {
    let mut driver = Driver::new(vec![1_000]);
    driver.world.suffer(Fault::LoseNextAnswer);
    driver.steps(60);
    assert_eq!(driver.row.phase(), Phase::Running);
    assert_eq!((driver.world.made, driver.world.launch_calls), (1, 2));
}

#[test]
fn a_pod_ended_before_the_answer_to_its_launch_leaves_nothing() {
    // Stopped before it was launched, so that the row says absent; then wanted again.
    let mut driver = Driver::new(vec![1_000]);
    assert_eq!(driver.want(Desired::Stopped), Ok(Wish::Changed));
    assert_eq!(driver.want(Desired::Running), Err(WishError::Stopping));
    driver.steps(2);
    assert_eq!(driver.row.observed, Observed::Absent);
    assert_eq!(driver.row.phase(), Phase::Stopped);
    assert_eq!(driver.want(Desired::Running), Ok(Wish::Changed));
    driver.world.answering = Answering::ActsAndIsNotHeard;
    driver.step();
    assert_eq!(driver.world.machines(), 1);
    assert_eq!(driver.want(Desired::Gone), Ok(Wish::Changed));
    assert!(driver.steps_until_closed(20).is_some());
    assert_eq!(driver.world.machines(), 0);
}

#[test]
fn a_pod_that_vanished_before_it_was_up_is_lost() {
    let mut driver = Driver::new(vec![60_000]);
    driver.steps(2);
    assert_eq!(driver.row.phase(), Phase::Starting);
    driver.world.suffer(Fault::MachineVanishes);
    driver.steps(10);
    assert_eq!(driver.row.phase(), Phase::Lost);
    assert_eq!(
        driver.world.launch_calls, 1,
        "its disks are gone: it is not made again"
    );
}

//! What may be wanted of a pod in each phase.

use crate::driver::pod;
use livery_domain::pod::{Desired, Observed, Phase, Pod, Wish, WishError};
use livery_units::{RunId, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(10_000_000);

/// One pod in each phase; it was made unless it is pending.
fn in_each_phase() -> Vec<Pod> {
    use Desired::{Gone, Running, Stopped};
    let made = |desired, observed| Pod {
        desired,
        observed,
        foreign_id: Some("machine".into()),
        started: Some(NOW),
        ..pod(NOW)
    };
    vec![
        pod(NOW),
        made(Running, Observed::Starting),
        made(Running, Observed::Up),
        made(Stopped, Observed::Up),
        made(Stopped, Observed::Down),
        made(Running, Observed::Down),
        made(Gone, Observed::Up),
        made(Gone, Observed::Absent),
        made(Running, Observed::Lost),
    ]
}

type Answer = Result<Wish, WishError>;

/// The answers to wanting it running, stopped and gone.
fn answers(phase: Phase) -> [Answer; 3] {
    const CHANGED: Answer = Ok(Wish::Changed);
    const AS_BEFORE: Answer = Ok(Wish::AsBefore);
    match phase {
        Phase::Pending | Phase::Starting | Phase::Running => [AS_BEFORE, CHANGED, CHANGED],
        Phase::Stopping => [Err(WishError::Stopping), AS_BEFORE, CHANGED],
        Phase::Stopped => [CHANGED, AS_BEFORE, CHANGED],
        Phase::Exited => [CHANGED; 3],
        Phase::Terminating | Phase::Terminated => {
            let refused = Err(WishError::Terminated);
            [refused, refused, AS_BEFORE]
        }
        Phase::Lost => [Err(WishError::Lost), Err(WishError::Lost), CHANGED],
    }
}

#[test]
fn every_phase_answers_every_wish() {
    let mut phases = Vec::new();
    for before in in_each_phase() {
        phases.push(before.phase());
        let wishes = [Desired::Running, Desired::Stopped, Desired::Gone];
        for (wish, answer) in wishes.into_iter().zip(answers(before.phase())) {
            let mut after = before.clone();
            assert_eq!(after.want(wish), answer, "{wish} while {}", before.phase());
            if answer == Ok(Wish::Changed) {
                assert_eq!(after.desired, wish);
                assert_eq!(after.starts, u32::from(wish == Desired::Running));
                // Its time up is counted anew from when it is seen up again.
                assert_eq!(
                    after.started.is_none(),
                    wish == Desired::Running || before.started.is_none()
                );
            } else {
                assert_eq!(after, before);
            }
        }
    }
    phases.dedup();
    assert_eq!(phases.len(), 9, "{phases:?}");
}

#[test]
fn a_lost_pod_stays_lost_whatever_was_wanted_of_it() {
    let mut lost = in_each_phase().pop().unwrap();
    lost.desired = Desired::Stopped;
    assert_eq!(lost.phase(), Phase::Lost);
    assert_eq!(lost.want(Desired::Running), Err(WishError::Lost));
}

#[test]
fn the_pod_of_a_run_is_terminated_but_not_stopped() {
    for pod in in_each_phase() {
        let mut pod = Pod {
            run: Some(RunId::from_entropy(1)),
            ..pod
        };
        if pod.desired == Desired::Running {
            assert_eq!(pod.want(Desired::Stopped), Err(WishError::ServesRun));
            assert_eq!(pod.want(Desired::Gone), Ok(Wish::Changed));
        }
    }
}

#[test]
fn money_is_held_while_something_of_a_pod_runs_or_is_about_to() {
    let down: Vec<Phase> = in_each_phase()
        .into_iter()
        .filter(Pod::is_confirmed_down)
        .map(|pod| pod.phase())
        .collect();
    let wanted = [
        Phase::Stopped,
        Phase::Exited,
        Phase::Terminated,
        Phase::Lost,
    ];
    assert_eq!(down, wanted);
    // Asked to start again, and never launched.
    let mut stopped = in_each_phase().remove(4);
    stopped.want(Desired::Running).unwrap();
    assert!(!stopped.is_confirmed_down());
    let absent = |desired| Pod {
        desired,
        observed: Observed::Absent,
        ..pod(NOW)
    };
    assert!(!absent(Desired::Running).is_confirmed_down());
    assert!(absent(Desired::Stopped).is_confirmed_down());
}

#[test]
fn a_pod_that_comes_back_by_itself_was_started_again() {
    let mut row = pod(NOW);
    let mut seen = |observed| {
        row.saw(observed, NOW);
        row.starts
    };
    assert_eq!(seen(Observed::Absent), 0);
    assert_eq!(seen(Observed::Starting), 0);
    assert_eq!(seen(Observed::Up), 0);
    assert_eq!(seen(Observed::Unknown), 0);
    assert_eq!(seen(Observed::Up), 0);
    assert_eq!(seen(Observed::Lost), 0);
    assert_eq!(seen(Observed::Up), 1);
    assert_eq!(seen(Observed::Down), 1);
    row.want(Desired::Running).unwrap();
    assert_eq!(row.starts, 2);
    row.saw(Observed::Up, NOW);
    assert_eq!(row.starts, 2, "that is the start that was wanted");
}

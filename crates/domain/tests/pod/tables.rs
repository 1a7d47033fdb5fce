//! Every state with its phase and its step, one row each.

use crate::driver::pod;
use livery_domain::pod::{
    Desired, OBSERVATION_FRESH, Observed, Phase, Pod, QUIET_FRESH, Step, plan,
};
use livery_units::{Span, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(10_000_000);

/// How far a pod has come.
#[derive(Debug, Clone, Copy)]
enum History {
    /// No supplier has answered yet.
    Unmade,
    /// A supplier makes it; it was not up yet since it was last started.
    Made,
    /// It was up.
    WasUp,
}

const HISTORIES: [History; 3] = [History::Unmade, History::Made, History::WasUp];

fn with(desired: Desired, observed: Observed, history: History) -> Pod {
    let (foreign_id, started) = match history {
        History::Unmade => (None, None),
        History::Made => (Some("machine".to_owned()), None),
        History::WasUp => (Some("machine".to_owned()), Some(NOW)),
    };
    Pod {
        desired,
        observed,
        foreign_id,
        started,
        observed_at: Some(NOW),
        ..pod(NOW)
    }
}

#[test]
fn every_pair_has_its_phase() {
    use Desired::{Gone, Running, Stopped};
    use Observed::{Absent, Down, Lost, Starting, Unknown, Up};
    // The phase when nothing was made yet, when it is being made, and when it was up.
    let table = [
        (
            Running,
            Unknown,
            [Phase::Pending, Phase::Starting, Phase::Starting],
        ),
        (Running, Absent, [Phase::Pending, Phase::Lost, Phase::Lost]),
        (Running, Starting, [Phase::Starting; 3]),
        (Running, Up, [Phase::Running; 3]),
        (
            Running,
            Down,
            [Phase::Starting, Phase::Starting, Phase::Exited],
        ),
        (Running, Lost, [Phase::Lost; 3]),
        (Stopped, Unknown, [Phase::Stopping; 3]),
        (Stopped, Absent, [Phase::Stopped, Phase::Lost, Phase::Lost]),
        (Stopped, Starting, [Phase::Stopping; 3]),
        (Stopped, Up, [Phase::Stopping; 3]),
        (Stopped, Down, [Phase::Stopped; 3]),
        (Stopped, Lost, [Phase::Lost; 3]),
        (Gone, Unknown, [Phase::Terminating; 3]),
        (Gone, Absent, [Phase::Terminated; 3]),
        (Gone, Starting, [Phase::Terminating; 3]),
        (Gone, Up, [Phase::Terminating; 3]),
        (Gone, Down, [Phase::Terminating; 3]),
        (Gone, Lost, [Phase::Terminating; 3]),
    ];
    assert_eq!(table.len(), 18);
    for (desired, observed, phases) in table {
        let shown = HISTORIES.map(|history| with(desired, observed, history).phase());
        assert_eq!(shown, phases, "{desired} and {observed}");
    }
}

#[test]
fn every_pair_has_its_step() {
    use Desired::{Gone, Running, Stopped};
    use Observed::{Absent, Down, Lost, Starting, Unknown, Up};
    let soon = || Step::Rest(NOW.after(OBSERVATION_FRESH));
    let later = || Step::Rest(NOW.after(QUIET_FRESH));
    let all = |step: fn() -> Step| [step(), step(), step()];
    let table = [
        (
            Running,
            Unknown,
            [Step::Launch, Step::Observe, Step::Observe],
        ),
        (Running, Absent, [Step::Launch, later(), later()]),
        (Running, Starting, [soon(), soon(), soon()]),
        (Running, Up, [soon(), soon(), soon()]),
        (Running, Down, [Step::Start, Step::Start, soon()]),
        (Running, Lost, [later(), later(), later()]),
        (Stopped, Unknown, all(|| Step::Observe)),
        (Stopped, Absent, [later(), later(), later()]),
        (Stopped, Starting, all(|| Step::Stop)),
        (Stopped, Up, all(|| Step::Stop)),
        (Stopped, Down, [later(), later(), later()]),
        (Stopped, Lost, [later(), later(), later()]),
        (Gone, Unknown, all(|| Step::Terminate)),
        (Gone, Absent, all(|| Step::Close)),
        (Gone, Starting, all(|| Step::Terminate)),
        (Gone, Up, all(|| Step::Terminate)),
        (Gone, Down, all(|| Step::Terminate)),
        (Gone, Lost, all(|| Step::Terminate)),
    ];
    assert_eq!(table.len(), 18);
    for (desired, observed, steps) in table {
        for (history, step) in HISTORIES.into_iter().zip(steps) {
            let pod = with(desired, observed, history);
            let planned = plan(&pod, pod.observed, NOW);
            assert_eq!(planned, step, "{desired}, {observed}, {history:?}");
        }
    }
}

fn pods() -> impl Strategy<Value = Pod> {
    let desired = vec![Desired::Running, Desired::Stopped, Desired::Gone];
    let observed = vec![
        Observed::Unknown,
        Observed::Absent,
        Observed::Starting,
        Observed::Up,
        Observed::Down,
        Observed::Lost,
    ];
    let history = prop::sample::select(HISTORIES.to_vec());
    let seen = prop::option::of(9_900_000_i64..10_100_000);
    (
        prop::sample::select(desired),
        prop::sample::select(observed),
        history,
        seen,
    )
        .prop_map(|(desired, observed, history, seen)| Pod {
            observed_at: seen.map(Timestamp::from_millis),
            ..with(desired, observed, history)
        })
}

proptest! {
    #[test]
    fn a_rest_ends_in_the_future_and_soon(pod in pods(), millis in 9_900_000_i64..10_100_000) {
        let now = Timestamp::from_millis(millis);
        if let Step::Rest(until) = plan(&pod, pod.observed, now) {
            prop_assert!(until > now);
            prop_assert!(pod.observed_at.is_some_and(|at| until > at && at <= now));
            prop_assert!(until.since(now) <= QUIET_FRESH);
        }
    }

    #[test]
    fn whatever_is_not_wanted_gone_is_looked_at_again(pod in pods(), later in 61_u64..100_000) {
        let now = Timestamp::from_millis(10_100_000).after(Span::from_secs(later));
        let step = plan(&pod, pod.observed, now);
        prop_assert!(!matches!(step, Step::Rest(_)), "{:?} is never looked at again", step);
    }

    #[test]
    fn only_what_is_wanted_running_is_launched_and_only_once(pod in pods()) {
        if plan(&pod, pod.observed, NOW) == Step::Launch {
            prop_assert_eq!(pod.desired, Desired::Running);
            prop_assert_eq!((pod.foreign_id, pod.started), (None, None));
        }
    }

    #[test]
    fn what_is_wanted_gone_is_closed_only_when_it_was_seen_absent(pod in pods()) {
        match plan(&pod, pod.observed, NOW) {
            Step::Close => {
                prop_assert_eq!((pod.desired, pod.observed), (Desired::Gone, Observed::Absent));
            }
            Step::Terminate => prop_assert_eq!(pod.desired, Desired::Gone),
            Step::Launch | Step::Observe | Step::Stop | Step::Start | Step::Rest(_) => {
                prop_assert_ne!(pod.desired, Desired::Gone);
            }
        }
    }
}

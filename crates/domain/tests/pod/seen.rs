//! What a supplier says about how long a pod ran is believed between two looks and no further.

use crate::driver::pod;
use livery_domain::pod::{Desired, Observed, Pod, Ran, Seen};
use livery_units::{Moment, Span, Steady, Timestamp};
use proptest::prelude::*;

const LAUNCHED: i64 = 1_000_000;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(LAUNCHED + secs * 1_000)
}

fn ago(secs: u64) -> Option<Span> {
    Some(Span::from_secs(secs))
}

fn seen(observed: Observed, began_ago: Option<Span>, ended_ago: Option<Span>) -> Seen {
    Seen {
        ran: Ran {
            began_ago,
            ended_ago,
        },
        ..observed.into()
    }
}

fn launched() -> Pod {
    let mut pod = pod(at(0));
    pod.launched("machine".to_owned(), at(0));
    pod
}

fn up_for(pod: &Pod) -> Span {
    let (Some(began), Some(until)) = (pod.started, pod.up_until) else {
        return Span::ZERO;
    };
    until.since(began)
}

#[test]
fn a_pod_is_up_from_when_it_came_up_until_its_command_ended() {
    // Seen up and then down: it ended in between.
    let mut pod = launched();
    pod.saw(seen(Observed::Up, ago(1), None), at(3));
    assert_eq!(pod.started, Some(at(2)));
    pod.saw(seen(Observed::Down, ago(9), ago(2)), at(11));
    assert_eq!((pod.started, pod.up_until), (Some(at(2)), Some(at(9))));
    // What is seen again changes nothing.
    pod.saw(seen(Observed::Down, ago(20), ago(1)), at(22));
    assert_eq!(pod.up_until, Some(at(9)));

    // Never seen up: all of it lies between the launch and the look.
    let mut pod = launched();
    pod.saw(seen(Observed::Down, ago(7), ago(2)), at(8));
    assert_eq!((pod.started, pod.up_until), (Some(at(1)), Some(at(6))));

    // Started again, and over before anybody looked.
    pod.want(Desired::Running).unwrap();
    pod.saw(seen(Observed::Down, ago(5), ago(1)), at(100));
    assert_eq!((pod.started, pod.up_until), (Some(at(95)), Some(at(99))));
}

#[test]
fn a_supplier_that_says_nothing_or_too_much_is_believed_as_far_as_looks_reach() {
    // Nothing: as if it had ended at the last look, and come up at the first.
    let mut pod = launched();
    pod.saw(Observed::Up, at(3));
    pod.saw(Observed::Down, at(11));
    assert_eq!((pod.started, pod.up_until), (Some(at(3)), Some(at(3))));
    let mut pod = launched();
    pod.saw(seen(Observed::Down, ago(5), None), at(8));
    assert_eq!(up_for(&pod), Span::ZERO);

    // It came up before it was launched, and ended before it was last seen up.
    let mut pod = launched();
    pod.saw(seen(Observed::Up, ago(10_000), None), at(3));
    assert_eq!(pod.started, Some(at(0)));
    pod.saw(seen(Observed::Down, ago(10_000), ago(9_000)), at(11));
    assert_eq!(pod.up_until, Some(at(3)));
    // The end of the last time, told again after a start.
    pod.want(Desired::Running).unwrap();
    pod.saw(seen(Observed::Down, ago(30), ago(12)), at(15));
    assert_eq!(up_for(&pod), Span::ZERO);
}

#[test]
fn what_a_silent_pod_ran_is_known_when_its_host_answers() {
    let mut pod = launched();
    pod.saw(Observed::Up, at(3));
    pod.observed = Observed::Unknown;
    pod.saw(seen(Observed::Down, ago(5_000), ago(3_000)), at(4_000));
    assert_eq!(pod.up_until, Some(at(1_000)));
}

#[test]
fn a_clock_that_is_set_between_two_looks_moves_no_end() {
    let moment = |wall: i64, shows: u64| Moment {
        wall: at(wall),
        steady: Some(Steady {
            clock: 1,
            shows: Span::from_secs(shows),
        }),
    };
    let mut pod = pod(at(0));
    pod.launched("machine".to_owned(), moment(0, 10));
    pod.saw(seen(Observed::Up, ago(1), None), moment(2, 12));
    pod.saw(seen(Observed::Down, ago(9), ago(2)), moment(86_400, 20));
    assert_eq!(up_for(&pod), Span::from_secs(7));
}

proptest! {
    /// Whatever a supplier says, what is billed lies between the launch and the last look, and nothing
    /// that was confirmed is taken back.
    #[test]
    fn nothing_outside_of_two_looks_is_ever_believed(
        looks in prop::collection::vec(
            (0_i64..50, prop::option::of(0_u64..200), prop::option::of(0_u64..200), 0_usize..4),
            1..12,
        )
    ) {
        let mut pod = launched();
        let (mut now, mut last_up, mut last_start) = (0, None, pod.starts);
        for (wait, began, ended, what) in looks {
            let before = pod.clone();
            let last = at(now);
            now += wait;
            let observed =
                [Observed::Up, Observed::Down, Observed::Starting, Observed::Lost][what];
            let span = |secs: Option<u64>| secs.map(Span::from_secs);
            pod.saw(seen(observed, span(began), span(ended)), at(now));
            if pod.starts != last_start {
                (last_up, last_start) = (None, pod.starts);
            }
            if observed == Observed::Up {
                last_up = Some(at(now));
            }
            if let (Some(began), Some(until)) = (pod.started, pod.up_until) {
                prop_assert!(began >= at(0) && until <= at(now));
                prop_assert!(until >= began);
                prop_assert!(last_up.is_none_or(|last| until >= last));
            }
            if pod.started != before.started {
                prop_assert!(pod.started.is_none_or(|began| began >= last));
            }
            if pod.up_until != before.up_until && pod.up_until.is_some() {
                prop_assert!(pod.up_until >= Some(last));
            }
        }
    }
}

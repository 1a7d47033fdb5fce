//! Policies: what is due when, and that it comes neither early nor late.

use crate::driver::pod;
use livery_domain::pod::{
    ACTIVITY_FRESH, Activity, COST_MARGIN, Cause, Desired, IdleAction, IdlePolicy, LOOK_LEAST,
    LOOK_MOST, Observed, Pod, PodPolicy, PolicyAct, Seen, Usage, Wish, WishError, burn, due,
    outlook,
};
use livery_units::{Money, Rate, RunId, Span, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(10_000_000);

/// A dollar an hour.
const PRICE: Money = Money::from_nanos(1_000_000_000);

fn secs(secs: u64) -> Span {
    Span::from_secs(secs)
}

fn up(desired: Desired, observed: Observed) -> Pod {
    let mut pod = Pod {
        desired,
        observed,
        foreign_id: Some("machine".to_owned()),
        started: Some(NOW.after(secs(60))),
        ..pod(NOW)
    };
    pod.offer.price = Rate::hourly(PRICE);
    pod
}

fn idle(action: IdleAction) -> PodPolicy {
    PodPolicy {
        idle: Some(IdlePolicy {
            after: secs(600),
            action,
        }),
        ..PodPolicy::default()
    }
}

fn seen_idle(span: Span, sampled: Timestamp) -> Activity {
    Activity {
        idle: span,
        ..Activity::first(Usage::default(), sampled)
    }
}

fn act(pod: &Pod, policy: &PodPolicy, activity: Option<&Activity>, now: u64) -> Option<PolicyAct> {
    due(pod, policy, activity, Money::ZERO, NOW.after(secs(now))).act
}

#[test]
fn a_pod_is_stopped_so_long_after_it_came_up() {
    let policy = PodPolicy {
        stop_after: Some(secs(3_600)),
        ..PodPolicy::default()
    };
    let stop = Some(PolicyAct::Stop(Cause::StopAfter(secs(3_600))));
    for (desired, observed, wanted) in [
        (Desired::Running, Observed::Up, stop),
        (Desired::Running, Observed::Unknown, stop),
        (Desired::Running, Observed::Starting, stop),
        (Desired::Running, Observed::Down, stop),
        (Desired::Running, Observed::Lost, None),
        (Desired::Running, Observed::Absent, None),
        (Desired::Stopped, Observed::Up, None),
        (Desired::Stopped, Observed::Down, None),
        (Desired::Gone, Observed::Up, None),
        (Desired::Gone, Observed::Absent, None),
    ] {
        let pod = up(desired, observed);
        assert_eq!(act(&pod, &policy, None, 3_659), None);
        assert_eq!(
            act(&pod, &policy, None, 3_660),
            wanted,
            "{desired} {observed}"
        );
    }
    let starting = Pod {
        started: None,
        ..up(Desired::Running, Observed::Starting)
    };
    assert_eq!(act(&starting, &policy, None, 99_999), None);
}

#[test]
fn a_pod_is_terminated_so_long_after_it_was_accepted_also_a_stopped_one() {
    let policy = PodPolicy {
        terminate_after: Some(secs(100)),
        stop_after: Some(secs(10)),
        ..PodPolicy::default()
    };
    let terminate = Some(PolicyAct::Terminate(Cause::TerminateAfter(secs(100))));
    for (desired, observed, wanted) in [
        (Desired::Running, Observed::Up, terminate),
        (Desired::Running, Observed::Unknown, terminate),
        (Desired::Running, Observed::Lost, terminate),
        (Desired::Stopped, Observed::Down, terminate),
        (Desired::Gone, Observed::Up, None),
        (Desired::Gone, Observed::Absent, None),
    ] {
        let pod = up(desired, observed);
        assert_eq!(
            act(&pod, &policy, None, 100),
            wanted,
            "{desired} {observed}"
        );
        let before = act(&pod, &policy, None, 99);
        assert!(!matches!(before, Some(PolicyAct::Terminate(_))));
    }
}

#[test]
fn an_idle_pod_is_reminded_of_stopped_or_terminated() {
    let pod = up(Desired::Running, Observed::Up);
    let now = NOW.after(secs(5_000));
    let at = |action, span| {
        let activity = seen_idle(span, now);
        due(&pod, &idle(action), Some(&activity), Money::ZERO, now).act
    };
    let cause = |span| Cause::Idle(secs(span));
    assert_eq!(at(IdleAction::Stop, secs(599)), None);
    let stop = PolicyAct::Stop(cause(600));
    assert_eq!(at(IdleAction::Stop, secs(600)), Some(stop));
    let terminate = PolicyAct::Terminate(cause(601));
    assert_eq!(at(IdleAction::Terminate, secs(601)), Some(terminate));
    for (span, nth) in [(600, 0), (1_199, 0), (1_200, 1), (2_399, 1), (4_900, 3)] {
        let remind = PolicyAct::Remind {
            cause: cause(span),
            nth,
        };
        assert_eq!(at(IdleAction::Remind, secs(span)), Some(remind));
    }
}

#[test]
fn silence_makes_no_pod_idle() {
    let pod = up(Desired::Running, Observed::Up);
    let policy = idle(IdleAction::Stop);
    let now = 5_000;
    assert_eq!(act(&pod, &policy, None, now), None, "never looked at");
    let long = secs(4_000);
    let old = NOW.after(secs(now - ACTIVITY_FRESH.secs() - 1));
    let stale = seen_idle(long, old);
    assert_eq!(act(&pod, &policy, Some(&stale), now), None);
    let before_it_came_up = seen_idle(long, NOW.after(secs(59)));
    assert_eq!(act(&pod, &policy, Some(&before_it_came_up), 61), None);
    for observed in [Observed::Unknown, Observed::Starting, Observed::Down] {
        let fresh = seen_idle(long, NOW.after(secs(now)));
        let pod = up(Desired::Running, observed);
        assert_eq!(act(&pod, &policy, Some(&fresh), now), None, "{observed}");
    }
}

#[test]
fn a_pod_ends_before_it_has_cost_more_than_it_may() {
    let pod = up(Desired::Running, Observed::Up);
    let most = Money::from_nanos(2_000_000_000);
    let policy = PodPolicy {
        max_cost: Some(most),
        ..PodPolicy::default()
    };
    let margin = burn(&pod, COST_MARGIN);
    let so_far = most.saturating_minus(margin);
    let at = |so_far| due(&pod, &policy, None, so_far, NOW);
    assert_eq!(at(so_far).act, None);
    assert_eq!(at(so_far).again, Some(NOW.after(LOOK_LEAST)));
    let more = so_far.saturating_plus(Money::from_nanos(1));
    let cause = Cause::MaxCost { most, so_far: more };
    assert_eq!(at(more).act, Some(PolicyAct::Terminate(cause)));
    assert_eq!(at(Money::ZERO).again, Some(NOW.after(LOOK_MOST)));
}

#[test]
fn without_a_policy_nothing_is_ever_due() {
    let pod = up(Desired::Running, Observed::Up);
    let found = due(&pod, &PodPolicy::default(), None, PRICE, NOW);
    assert_eq!((found.act, found.again), (None, None));
    let gone = up(Desired::Gone, Observed::Up);
    assert_eq!(
        due(&gone, &idle(IdleAction::Stop), None, PRICE, NOW).again,
        None
    );
}

#[test]
fn the_outlook_says_what_comes_soonest_first() {
    let pod = up(Desired::Running, Observed::Up);
    let policy = PodPolicy {
        stop_after: Some(secs(600)),
        terminate_after: Some(secs(7_200)),
        max_cost: Some(PRICE),
        ..idle(IdleAction::Remind)
    };
    let now = NOW.after(secs(60));
    let half = Money::from_nanos(500_000_000);
    let coming = outlook(&pod, &policy, None, half, now);
    let at: Vec<u64> = coming.iter().map(|one| one.at.since(now).secs()).collect();
    assert_eq!(at, [600, 600, 1_800 - COST_MARGIN.secs(), 7_140]);
    let stopped = up(Desired::Stopped, Observed::Down);
    let coming = outlook(&stopped, &policy, None, half, now);
    assert_eq!(coming.len(), 1, "only its end is to come: {coming:?}");
}

#[test]
fn a_rule_leaves_its_words_until_the_pod_is_started_again() {
    let mut pod = up(Desired::Running, Observed::Up);
    assert_eq!(
        pod.rule(Desired::Stopped, "stopped: idle"),
        Ok(Wish::Changed)
    );
    assert_eq!(pod.rule(Desired::Stopped, "again"), Ok(Wish::AsBefore));
    assert_eq!(pod.ruled.as_deref(), Some("stopped: idle"));
    pod.saw(
        Seen {
            detail: Some("exit code 143".into()),
            ..Observed::Down.into()
        },
        NOW,
    );
    assert_eq!(pod.ruled.as_deref(), Some("stopped: idle"));
    pod.want(Desired::Running).unwrap();
    assert_eq!(pod.ruled, None);

    pod.run = Some(RunId::from_entropy(1));
    pod.observed = Observed::Up;
    let refused = pod.rule(Desired::Stopped, "stopped: idle");
    assert_eq!((refused, pod.ruled), (Err(WishError::ServesRun), None));
}

fn policy() -> impl Strategy<Value = PodPolicy> {
    let span = || prop::option::of((1_u64..500_000).prop_map(Span::from_millis));
    let action = prop::sample::select(vec![IdleAction::Stop, IdleAction::Terminate]);
    let money = prop::option::of((20_000_000_i64..500_000_000).prop_map(Money::from_nanos));
    (span(), span(), span(), action, money).prop_map(|(stop, end, idle, action, max_cost)| {
        PodPolicy {
            idle: idle.map(|after| IdlePolicy { after, action }),
            stop_after: stop,
            terminate_after: end,
            max_cost,
        }
    })
}

/// When each of a policy's parts is due for a pod that nobody uses from when it came up.
fn deadlines(pod: &Pod, policy: &PodPolicy) -> Vec<Timestamp> {
    let started = pod.started.unwrap();
    let mut all = Vec::new();
    all.extend(policy.stop_after.map(|span| started.after(span)));
    all.extend(policy.terminate_after.map(|span| pod.created.after(span)));
    all.extend(policy.idle.map(|idle| started.after(idle.after)));
    all
}

proptest! {
    #[test]
    fn policies_act_neither_early_nor_late(
        policy in policy(),
        late in prop::collection::vec(0_u64..2_000, 1..50),
    ) {
        let pod = up(Desired::Running, Observed::Up);
        let started = pod.started.unwrap();
        let mut late = late.into_iter().cycle();
        let most_late = Span::from_millis(2_000);
        let mut now = started;
        // No deadline is further away, and the money lasts no longer.
        for _ in 0..3_000 {
            let idle = seen_idle(now.since(started), now);
            let so_far = pod.offer.price.accrued(now.since(started)).unwrap();
            let found = due(&pod, &policy, Some(&idle), so_far, now);
            let earliest = deadlines(&pod, &policy).into_iter().min();
            if let Some(act) = found.act {
                let timely = earliest.is_some_and(|at| at <= now);
                let dear = policy.max_cost.is_some_and(|most| {
                    so_far <= most && so_far.saturating_plus(burn(&pod, COST_MARGIN)) > most
                });
                prop_assert!(timely || dear, "{act:?} came early");
                return Ok(());
            }
            let limit = LOOK_LEAST.millis() + most_late.millis();
            if let Some(at) = earliest {
                prop_assert!(now.since(at).millis() <= limit, "nothing came of {at:?}");
            }
            if let Some(most) = policy.max_cost {
                prop_assert!(so_far <= most);
            }
            let Some(again) = found.again else {
                prop_assert!(policy.is_empty());
                return Ok(());
            };
            prop_assert!(again > now && again <= now.after(LOOK_MOST));
            now = again.after(Span::from_millis(late.next().unwrap_or(0)));
        }
        prop_assert!(false, "nothing ever came of {policy:?}");
    }
}

//! The schedule, by tables and properties.

use super::*;
use crate::gpu::{GpuModel, GpuReality, Gpus};
use crate::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use crate::pod::{Desired, Observed, PodOrder, PodPolicy};
use livery_units::{Bytes, LaunchKey, OfferId, Rate, RunId};
use proptest::prelude::*;
use std::collections::BTreeSet;

const HOUR: u64 = 3_600_000;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(0).after(Span::from_millis(millis))
}

fn money(nanos: i64) -> Money {
    Money::from_nanos(nanos)
}

pub(in crate::reminder) fn pod() -> Pod {
    Pod {
        id: PodId::from_entropy(7),
        account: AccountId::from_entropy(1),
        order: PodOrder {
            name: "train".to_owned(),
            image: "host".to_owned(),
            command: None,
            env: [].into(),
            gpu_count: 1,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            container_disk: Bytes::gib(1),
            volume_disk: Bytes::new(0),
            network_volume: None,
            ports: Vec::new(),
        },
        offer: Offer {
            id: OfferId::from_entropy(1),
            supplier: SupplierName::new("local"),
            host: None,
            gpus: Some(Gpus {
                model: GpuModel::parse("RTX 4090"),
                count: 2,
                vram: Bytes::gib(24),
                reality: GpuReality::Real,
            }),
            vcpu_milli: 8_000,
            memory: Bytes::gib(32),
            disk: Bytes::gib(100),
            region: "here".to_owned(),
            tier: Tier::Local,
            pricing: Pricing::OnDemand,
            price: Rate::hourly(money(690_000_000)),
            storage: StoragePrice::FREE,
            reliability_permille: None,
            whole: None,
        },
        policy: PodPolicy::default(),
        run: None,
        launch_key: LaunchKey::from_entropy(1),
        foreign_id: Some("x".to_owned()),
        desired: Desired::Running,
        observed: Observed::Up,
        reason: None,
        ruled: None,
        failure: None,
        attempts: 0,
        created: at(0),
        started: Some(at(1_000)),
        up_until: Some(at(1_000)),
        ended: None,
        observed_at: None,
        counted: None,
        starts: 0,
        generation: 1,
    }
}

fn first() -> Span {
    Span::from_millis(HOUR)
}

#[test]
fn reminders_come_after_1_2_4_and_8_hours_and_then_daily() {
    for (hours, mark) in [
        (0, None),
        (1, Some(1)),
        (2, Some(2)),
        (3, Some(2)),
        (4, Some(4)),
        (8, Some(8)),
        (23, Some(8)),
        (24, Some(24)),
        (47, Some(24)),
        (48, Some(48)),
        (24 * 365, Some(24 * 365)),
    ] {
        let found = last_mark(first(), Span::from_millis(hours * HOUR));
        assert_eq!(
            found,
            mark.map(|mark| Span::from_millis(mark * HOUR)),
            "{hours} h"
        );
    }
}

#[test]
fn the_first_interval_can_be_as_long_as_a_day() {
    let six = Span::from_millis(6 * HOUR);
    let marks: Vec<u64> = [5, 6, 12, 23, 24, 47, 48]
        .map(|hours| last_mark(six, Span::from_millis(hours * HOUR)))
        .map(|mark| mark.map_or(0, |mark| mark.millis() / HOUR))
        .to_vec();
    assert_eq!(marks, [0, 6, 12, 12, 24, 24, 48]);
    let day = Span::from_millis(24 * HOUR);
    assert_eq!(last_mark(day, Span::from_millis(23 * HOUR)), None);
    assert_eq!(last_mark(day, day), Some(day));
}

#[test]
fn a_running_pods_notice_says_what_it_costs_and_how_to_end_it() {
    let pod = pod();
    let id = &pod.id;
    let tell = |elapsed: u64, so_far: i64| {
        let notice = running(&pod, money(so_far), first(), at(1_000 + elapsed)).unwrap();
        (notice.kind, notice.message)
    };
    let text = format!(
        "pod train is running on RTX 4090 at $0.69/h. It costs until it is ended: livery pod stop {id}"
    );
    assert_eq!(tell(0, 0), (NoticeKind::Started, text));
    let text = format!(
        "pod train has run for 2h on RTX 4090 at $0.69/h: $1.38 so far. Stop it: livery pod stop {id}"
    );
    assert_eq!(
        tell(2 * HOUR, 1_380_000_000),
        (NoticeKind::StillRunning, text)
    );
}

#[test]
fn the_price_of_a_running_pod_has_its_disks_in_it() {
    let mut pod = pod();
    pod.order.volume_disk = Bytes::gib(99);
    // A cent an hour for each of the 100 GB.
    pod.offer.storage.running = Rate::hourly(money(10_000_000));
    for elapsed in [0, HOUR] {
        let notice = running(&pod, money(0), first(), at(1_000 + elapsed)).unwrap();
        assert!(notice.message.contains(" at $1.69/h"), "{notice:?}");
    }
}

#[test]
fn a_runs_pod_is_ended_by_cancelling_the_run() {
    let run = RunId::from_entropy(3);
    let pod = Pod {
        run: Some(run.clone()),
        order: PodOrder {
            gpu_count: 0,
            ..pod().order
        },
        ..pod()
    };
    let notice = running(&pod, money(0), first(), at(1_000 + HOUR)).unwrap();
    let text = format!(
        "pod train of run {run} has run for 1h on a CPU machine of local at $0.69/h: $0.00 so far. \
         Cancel it: livery cancel {run}"
    );
    assert_eq!(notice.message, text);
}

#[test]
fn a_pod_that_is_not_running_gives_no_notice() {
    for (desired, observed) in [
        (Desired::Stopped, Observed::Down),
        (Desired::Gone, Observed::Down),
        (Desired::Running, Observed::Starting),
        (Desired::Running, Observed::Down),
        (Desired::Running, Observed::Lost),
    ] {
        let pod = Pod {
            desired,
            observed,
            ..pod()
        };
        assert_eq!(running(&pod, money(0), first(), at(9 * HOUR)), None);
    }
}

#[test]
fn a_pod_started_again_is_told_of_again() {
    let before = running_key(&pod(), first(), at(2_000));
    let again = Pod {
        started: Some(at(5_000)),
        ..pod()
    };
    assert_ne!(before, running_key(&again, first(), at(6_000)));
}

fn budget(scope: Scope, limit: i64, spent: i64) -> Budget {
    Budget {
        account: AccountId::from_entropy(1),
        scope,
        limit: money(limit),
        spent: money(spent),
    }
}

fn day() -> Scope {
    Scope::Day(Day::of(at(0)))
}

#[test]
fn budgets_have_marks_at_50_80_and_100_percent() {
    for (limit, spent, mark) in [
        (1_000, 0, None),
        (1_000, 499, None),
        (1_000, 500, Some(50)),
        (1_000, 799, Some(50)),
        (1_000, 800, Some(80)),
        (1_000, 999, Some(80)),
        (1_000, 1_000, Some(100)),
        (1_000, 9_000, Some(100)),
        (0, 0, None),
        (0, 1, Some(100)),
        (i64::MAX, i64::MAX, Some(100)),
        (1_000, -1, None),
    ] {
        assert_eq!(
            budget(day(), limit, spent).mark(),
            mark,
            "{spent} of {limit}"
        );
    }
}

#[test]
fn a_budgets_notice_names_what_is_spent_of_what() {
    let id = PodId::from_entropy(7);
    let of_pod = budget(Scope::of_pod(&pod()), 5_000_000_000, 4_100_000_000);
    let notice = of_pod.notice(at(9)).unwrap();
    assert_eq!(
        notice.message,
        format!(
            "the limit of pod train: $4.10 of $5.00 is spent (82 %). It is terminated at its limit; \
             end it now: livery pod stop {id}"
        )
    );
    assert_eq!(notice.pod, Some(id));
    let run = RunId::from_entropy(3);
    let of_run = Pod {
        run: Some(run.clone()),
        ..pod()
    };
    let notice = budget(Scope::of_pod(&of_run), 10, 9).notice(at(9)).unwrap();
    let end = format!("livery cancel {run}");
    assert!(notice.message.ends_with(&end), "{}", notice.message);
    let month = budget(Scope::Month(Day::of(at(0))), 1_000, 1_000);
    let message = month.notice(at(9)).unwrap().message;
    assert!(
        message.starts_with("this month's spending limit (1970-01): "),
        "{message}"
    );
}

#[test]
fn a_limit_that_was_raised_has_marks_of_its_own() {
    let key = |limit| budget(day(), limit, 900).notice(at(0)).unwrap().key;
    assert_ne!(key(1_000), key(1_001));
    let other_day = budget(Scope::Day(Day::of(at(0)).next()), 1_000, 900);
    assert_ne!(key(1_000), other_day.notice(at(0)).unwrap().key);
}

proptest! {
    /// Looked at every so often, late or twice: every mark is told at most once, never before it is
    /// due, and never later than the first look after it.
    #[test]
    fn looks_at_any_times_tell_each_mark_at_most_once(
        mut looks in proptest::collection::vec(0_u64..200 * HOUR, 1..60),
        first_minutes in 1_u64..=1_440,
        twice in any::<bool>(),
    ) {
        let first = Span::from_millis(first_minutes * 60_000);
        looks.sort_unstable();
        let pod = pod();
        let mut told = BTreeSet::new();
        let mut marks = Vec::new();
        for look in &looks {
            for _ in 0..=u8::from(twice) {
                let notice = running(&pod, money(0), first, at(1_000 + look)).unwrap();
                let elapsed = Span::from_millis(*look);
                if told.insert(notice.key.clone()) {
                    let mark = last_mark(first, elapsed).unwrap_or(Span::ZERO);
                    prop_assert!(mark <= elapsed);
                    marks.push((mark, notice.kind));
                }
            }
        }
        for pair in marks.windows(2) {
            prop_assert!(pair[0].0 < pair[1].0);
            prop_assert_eq!(pair[1].1, NoticeKind::StillRunning);
        }
        let last = Span::from_millis(*looks.last().unwrap());
        prop_assert_eq!(marks.last().unwrap().0, last_mark(first, last).unwrap_or(Span::ZERO));
    }

    /// However spending grows, the marks are told in order and each once.
    #[test]
    fn marks_of_a_budget_are_told_in_order(
        limit in 0_i64..10_000,
        steps in proptest::collection::vec(0_i64..4_000, 1..30),
    ) {
        let mut spent = 0;
        let mut told = BTreeSet::new();
        let mut marks = Vec::new();
        for step in steps {
            spent += step;
            let budget = budget(day(), limit, spent);
            if let Some(notice) = budget.notice(at(0)) && told.insert(notice.key) {
                marks.push(budget.mark().unwrap());
            }
        }
        prop_assert!(marks.is_sorted());
        prop_assert!(marks.len() <= MARKS.len());
        prop_assert_eq!(marks.last() == Some(&100), spent > 0 && spent >= limit);
    }
}

#[test]
fn a_pod_that_was_asked_to_end_is_told_of_until_somebody_says_that_it_did() {
    let with = |desired, observed| Pod {
        desired,
        observed,
        reason: Some("host host_1 is not connected".to_owned()),
        ..pod()
    };
    let told = |pod: &Pod, elapsed: u64| {
        let notice = running(pod, money(10), first(), at(1_000 + elapsed));
        let key = running_key(pod, first(), at(1_000 + elapsed));
        assert_eq!(key, notice.as_ref().map(|notice| notice.key.clone()));
        notice.map(|notice| notice.message)
    };
    for desired in [Desired::Stopped, Desired::Gone] {
        for observed in [Observed::Up, Observed::Unknown] {
            let pod = with(desired, observed);
            assert_eq!(told(&pod, HOUR - 1), None);
            let text = "pod train was asked to end and may still be running on RTX 4090 at $0.69/h: \
                        nobody has confirmed it (host host_1 is not connected); $0.00000001 so far. How it \
                        is: livery pods";
            assert_eq!(told(&pod, HOUR).as_deref(), Some(text));
        }
        for observed in [Observed::Down, Observed::Lost, Observed::Absent] {
            assert_eq!(told(&with(desired, observed), HOUR), None);
        }
    }
}

#[test]
fn what_is_ended_by_its_limit_is_told_at_the_last_mark() {
    let budget = Budget {
        account: AccountId::from_entropy(1),
        scope: Scope::of_pod(&pod()),
        limit: money(1_200_000_000),
        spent: money(1_030_000_000),
    };
    assert_eq!(budget.mark(), Some(80));
    let reached = budget.reached(at(5));
    assert!(reached.key.ends_with("/1200000000/100"), "{}", reached.key);
    assert_eq!(
        reached.message,
        "the limit of pod train: $1.03 of $1.20 is spent (85 %). It is being terminated"
    );
    let all = Budget {
        spent: money(1_300_000_000),
        ..budget
    };
    assert_eq!(
        all.notice(at(6)).map(|notice| notice.key),
        Some(reached.key)
    );
}

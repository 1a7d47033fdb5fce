//! What happens when an account's money runs short: a table of cases, and accounts that are drained
//! in every way without ever owing anything.

use livery_domain::account::{AccountSettings, AutoPay, SpendingLimits, Standing};
use livery_domain::credit::{Act, Allowance, Facts, Has, Shortage, Spent, decide, lasts, may_pull};
use livery_units::{Money, Span, Timestamp};
use proptest::prelude::*;

const DAY: i64 = 86_400_000;

fn dollars(amount: i64) -> Money {
    Money::from_nanos(amount * 1_000_000_000)
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// An account that burns a dollar per interval, with a pod, a run and a stopped pod.
fn facts(left: i64) -> Facts {
    Facts {
        left: Some(dollars(left)),
        burn: dollars(1),
        silent: Money::ZERO,
        spent: Spent::default(),
        settings: AccountSettings::default(),
        standing: Standing::Good,
        last_warned: None,
        allowance: Allowance::default(),
        has: Has {
            pods: 1,
            runs: 1,
            kept: 1,
        },
    }
}

#[test]
fn little_money_is_warned_of_then_ends_runs_then_stops_pods() {
    let end_runs = Act::EndRuns(Shortage::Credit);
    let stop_pods = Act::StopPods(Shortage::Credit);
    assert_eq!(decide(&facts(100), at(0)), []);
    // Up to here the default low balance of five dollars has nothing to say.
    assert_eq!(decide(&facts(5), at(0)), []);
    assert_eq!(decide(&facts(4), at(0)), [end_runs, Act::WarnLow]);
    assert_eq!(decide(&facts(1), at(0)), [end_runs, Act::WarnLow]);
    assert_eq!(decide(&facts(0), at(0)), [Act::RunOut, end_runs, stop_pods]);
    assert_eq!(
        decide(&facts(-1), at(0)),
        [Act::RunOut, end_runs, stop_pods]
    );
}

#[test]
fn what_is_silent_ends_when_it_would_have_used_everything_up() {
    let silent = |silent| Facts {
        silent: dollars(silent),
        ..facts(10)
    };
    let ends = [
        Act::EndRuns(Shortage::Silence),
        Act::StopPods(Shortage::Silence),
    ];
    assert_eq!(decide(&silent(9), at(0)), []);
    assert_eq!(decide(&silent(10), at(0)), ends);
    // Only who has seen it used knows that nothing is left.
    assert_eq!(decide(&silent(1_000), at(0)), ends);
}

#[test]
fn an_account_with_nothing_or_that_may_owe_never_runs_out() {
    let nothing = Facts {
        has: Has::default(),
        burn: Money::ZERO,
        ..facts(0)
    };
    assert_eq!(decide(&nothing, at(0)), []);
    let owing = Facts {
        left: None,
        ..facts(0)
    };
    assert_eq!(decide(&owing, at(0)), []);
    let out = Standing::Out { since: at(0) };
    let changed = Facts {
        standing: out,
        ..owing
    };
    assert_eq!(decide(&changed, at(0)), [Act::Restore]);
}

#[test]
fn a_pod_on_its_way_up_is_stopped_too_when_nothing_is_left() {
    let starting = Facts {
        burn: Money::ZERO,
        ..facts(0)
    };
    assert!(decide(&starting, at(0)).contains(&Act::StopPods(Shortage::Credit)));
}

fn kept(last_warned: Option<i64>) -> Facts {
    Facts {
        standing: Standing::Out { since: at(0) },
        last_warned: last_warned.map(at),
        burn: Money::ZERO,
        has: Has {
            kept: 2,
            ..Has::default()
        },
        ..facts(0)
    }
}

#[test]
fn what_is_kept_waits_for_the_grace_period_and_a_day_after_the_last_warning() {
    let deletion = at(7 * DAY);
    assert_eq!(decide(&kept(None), at(6 * DAY - 1)), []);
    let warning = decide(&kept(None), at(6 * DAY));
    assert_eq!(warning, [Act::WarnLast { deletion }]);
    assert_eq!(decide(&kept(Some(6 * DAY)), at(7 * DAY - 1)), []);
    assert_eq!(decide(&kept(Some(6 * DAY)), at(7 * DAY)), [Act::Delete]);
    // Nobody looked for weeks: the warning still comes a whole day before.
    let late = decide(&kept(None), at(30 * DAY));
    assert_eq!(
        late,
        [Act::WarnLast {
            deletion: at(31 * DAY)
        }]
    );
    assert_eq!(decide(&kept(Some(30 * DAY)), at(31 * DAY - 1)), []);
    assert_eq!(decide(&kept(Some(30 * DAY)), at(31 * DAY)), [Act::Delete]);
    // With nothing kept there is nothing to warn of.
    let nothing = Facts {
        has: Has::default(),
        ..kept(None)
    };
    assert_eq!(decide(&nothing, at(30 * DAY)), []);
}

#[test]
fn a_grace_period_shorter_than_a_day_is_warned_of_at_its_beginning() {
    let mut short = kept(None);
    short.settings.grace = Span::from_secs(3_600);
    let deletion = at(3_600_000);
    assert_eq!(decide(&short, at(0)), [Act::WarnLast { deletion }]);
    short.last_warned = Some(at(0));
    assert_eq!(decide(&short, at(3_599_999)), []);
    assert_eq!(decide(&short, at(3_600_000)), [Act::Delete]);
}

#[test]
fn limits_hold_for_everybody_and_leave_room_for_an_interval() {
    for left in [Some(dollars(100)), None] {
        let limited = |day: i64, month: i64| {
            let mut facts = Facts {
                left,
                spent: Spent {
                    day: dollars(day),
                    month: dollars(month),
                },
                ..facts(0)
            };
            facts.settings.limits = SpendingLimits {
                day: Some(dollars(10)),
                month: Some(dollars(50)),
            };
            decide(&facts, at(0))
        };
        assert_eq!(limited(9, 49), []);
        for (spent, why) in [
            ((10, 10), Shortage::DayLimit),
            ((11, 11), Shortage::DayLimit),
            ((0, 50), Shortage::MonthLimit),
            ((10, 50), Shortage::MonthLimit),
        ] {
            let acts = [Act::EndRuns(why), Act::StopPods(why)];
            assert_eq!(limited(spent.0, spent.1), acts);
        }
    }
}

#[test]
fn auto_pay_is_off_until_it_is_allowed_and_stays_within_its_cap() {
    assert_eq!(AccountSettings::default().auto_pay, AutoPay::Off);
    let paying = |cap: Option<i64>, used: i64, left: i64| {
        let mut facts = facts(left);
        facts.settings.auto_pay = AutoPay::On {
            amount: dollars(20),
            below: dollars(5),
        };
        facts.allowance = Allowance {
            cap: cap.map(dollars),
            used: dollars(used),
        };
        decide(&facts, at(0)).contains(&Act::TopUp(dollars(20)))
    };
    assert!(paying(Some(100), 0, 4) && paying(Some(100), 80, -3));
    assert!(!paying(Some(100), 81, 4), "the cap is used up");
    assert!(!paying(Some(100), 0, 5), "there is enough");
    assert!(!paying(None, 0, 0), "nobody allowed it");
}

#[test]
fn an_amount_lasts_as_long_as_its_rate_says() {
    assert_eq!(lasts(dollars(3), dollars(2)), Some(Span::from_secs(5_400)));
    assert_eq!(lasts(dollars(-3), dollars(2)), Some(Span::ZERO));
    assert_eq!(lasts(dollars(3), Money::ZERO), None);
    assert!(may_pull(at(0), at(299_999)) && !may_pull(at(0), at(300_000)));
}

proptest! {
    /// Time in seconds: the task looks every ten, charges lag by up to a minute, and a stop takes up
    /// to thirty.
    #[test]
    fn a_drained_account_never_owes(
        start in 1_i64..500_000,
        rates in prop::collection::vec(1_i64..50, 1..6),
        stop_takes in 0_i64..30,
        offset in 0_i64..10,
    ) {
        let per_second: i64 = rates.iter().sum();
        let (mut left, mut stopping) = (start, None);
        let mut facts = Facts { burn: Money::from_nanos(per_second * 60), ..facts(0) };
        facts.has = Has { pods: rates.len(), ..Has::default() };
        facts.settings.low_balance = None;
        for second in 0.. {
            if stopping.is_some_and(|since| second >= since + stop_takes) {
                break;
            }
            if stopping.is_none() && second % 10 == offset {
                facts.left = Some(Money::from_nanos(left));
                let acts = decide(&facts, at(second * 1_000));
                if acts.contains(&Act::StopPods(Shortage::Credit)) {
                    stopping = Some(second);
                }
            }
            left -= per_second;
        }
        // A launch is refused unless an hour is paid for, so it never begins within an interval.
        if start >= per_second * 60 {
            prop_assert!(left >= 0, "it owes {left}");
        }
    }

    /// Whenever anybody looks, nothing is deleted before the grace period is over, nor within a day
    /// (or the whole of a shorter grace period) of the last warning; and it is deleted in the end.
    #[test]
    fn nothing_is_deleted_unwarned(
        grace_hours in 0_u64..300,
        looks in prop::collection::vec(1_i64..40, 1..60),
    ) {
        let mut facts = kept(None);
        facts.settings.grace = Span::from_secs(grace_hours * 3_600);
        let notice = Span::from_secs(86_400).min(facts.settings.grace);
        let mut now = 0;
        let mut deleted = None;
        for hours in looks.into_iter().chain([400, 400, 400]) {
            now += hours * 3_600_000;
            match decide(&facts, at(now)).as_slice() {
                [] => {}
                [Act::WarnLast { deletion }] => {
                    prop_assert!(facts.last_warned.is_none());
                    prop_assert!(*deletion >= at(now).after(notice));
                    facts.last_warned = Some(at(now));
                }
                [Act::Delete] => {
                    deleted = Some(at(now));
                    break;
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        let deleted = deleted.expect("it is deleted in the end");
        prop_assert!(deleted.since(at(0)) >= facts.settings.grace);
        prop_assert!(deleted.since(facts.last_warned.unwrap()) >= notice);
    }
}

//! Policies act in time, once, and also when the control plane was away; silence makes no pod idle.

use crate::support::{Bench, until};
use livery_domain::account::AccountSettings;
use livery_domain::pod::{Desired, IdleAction, IdlePolicy, Phase, Pod, PodPolicy};
use livery_domain::reminder::{Notice, NoticeKind};
use livery_domain::run::{Outcome, RunStep};
use livery_engine::Error;
use livery_units::{Money, Span};

/// How many times sooner background tasks come round in these tests.
const HASTE: u64 = 20;

fn secs(secs: u64) -> Span {
    Span::from_secs(secs)
}

fn idle(after: Span, action: IdleAction) -> PodPolicy {
    PodPolicy {
        idle: Some(IdlePolicy { after, action }),
        ..PodPolicy::default()
    }
}

/// A pod with a policy that has come up.
async fn pod(bench: &Bench, policy: PodPolicy) -> Pod {
    bench.clock.hurry(HASTE);
    let mut order = bench.new_pod();
    order.policy = policy;
    let created = bench.engine.pod_create(&bench.account, order).await;
    let pod = created.unwrap();
    comes_to(bench, &pod, Phase::Running).await
}

async fn now(bench: &Bench, pod: &Pod) -> Pod {
    let fetched = bench.engine.pod_fetch(&bench.account, pod.id.as_str());
    fetched.await.unwrap()
}

async fn comes_to(bench: &Bench, pod: &Pod, wanted: Phase) -> Pod {
    until(&format!("the pod is {wanted}"), || async {
        let pod = now(bench, pod).await;
        (pod.phase() == wanted && (wanted != Phase::Terminated || pod.ended.is_some()))
            .then_some(pod)
    })
    .await
}

/// Waits until every task that has to do with policies came round after this.
async fn come_round(bench: &Bench) {
    tasks_come_round(bench, &["pod-reconciler", "activity", "policy"]).await;
}

pub async fn tasks_come_round(bench: &Bench, names: &[&str]) {
    for name in names {
        let count = || {
            let tasks = bench.engine.tasks();
            let task = tasks.iter().find(|task| task.name == *name);
            task.map_or(0, |task| task.activations)
        };
        let before = count();
        until(&format!("{name} came round"), || async {
            // One may have begun before.
            (count() >= before + 2).then_some(())
        })
        .await;
    }
}

/// Lets time pass for everybody, a look at a time: first pods' use is seen, then policies are looked
/// at.
async fn pass(bench: &Bench, span: Span, look: Span) {
    /// A policy that could not tell is looked at again by then, and a pod's use is not.
    const LAST: i64 = 12;
    for _ in 0..span.secs() / look.secs() {
        let step = i64::try_from(look.secs()).unwrap();
        bench.host.script(|script| {
            script.uptime = Span::from_millis(script.uptime.millis() + look.millis());
        });
        bench.clock.forward(step - LAST);
        tasks_come_round(bench, &["pod-reconciler", "activity"]).await;
        bench.clock.forward(LAST);
        tasks_come_round(bench, &["policy"]).await;
    }
}

async fn notices(bench: &Bench, kind: NoticeKind) -> Vec<Notice> {
    let rows = bench.store.notice_list(&bench.account, 100).await.unwrap();
    let notices = rows.into_iter().map(|row| row.notice);
    notices.filter(|notice| notice.kind == kind).collect()
}

#[tokio::test]
async fn a_pod_is_stopped_in_time_and_again_after_it_was_started_again() {
    let bench = Bench::new().await;
    let policy = PodPolicy {
        stop_after: Some(secs(7_200)),
        ..PodPolicy::default()
    };
    let up = pod(&bench, policy).await;
    for round in 1..=2 {
        bench.clock.forward(7_140);
        come_round(&bench).await;
        assert_eq!(now(&bench, &up).await.desired, Desired::Running, "early");
        bench.clock.forward(60);
        let stopped = comes_to(&bench, &up, Phase::Stopped).await;
        let words = stopped.ruled.unwrap();
        assert!(words.starts_with("stopped by its policy"), "{words}");
        let told = notices(&bench, NoticeKind::PolicyAction).await;
        assert_eq!(told.len(), round, "{told:?}");
        bench.clock.forward(36_000);
        come_round(&bench).await;
        assert_eq!(now(&bench, &up).await.phase(), Phase::Stopped);
        bench.engine.pod_start(&bench.account, "box").await.unwrap();
        let again = comes_to(&bench, &up, Phase::Running).await;
        assert_eq!(again.ruled, None);
    }
}

#[tokio::test]
async fn a_pod_is_terminated_although_the_control_plane_was_away_and_it_was_stopped() {
    let mut bench = Bench::new().await;
    let policy = PodPolicy {
        terminate_after: Some(secs(3_600)),
        ..PodPolicy::default()
    };
    let up = pod(&bench, policy).await;
    bench.engine.pod_stop(&bench.account, "box").await.unwrap();
    comes_to(&bench, &up, Phase::Stopped).await;
    bench.engine.stop();
    bench.clock.forward(3_600);
    assert_eq!(bench.host.pod_count(), 1);
    bench.restart().await;
    let gone = comes_to(&bench, &up, Phase::Terminated).await;
    let words = gone.ruled.unwrap();
    assert!(words.starts_with("terminated by its policy"), "{words}");
    assert_eq!(bench.host.pod_count(), 0);
}

#[tokio::test]
async fn a_clock_set_back_puts_no_policy_off_for_longer() {
    let bench = Bench::new().await;
    let policy = PodPolicy {
        stop_after: Some(secs(100)),
        ..PodPolicy::default()
    };
    let up = pod(&bench, policy).await;
    come_round(&bench).await;
    bench.clock.forward(-3_600);
    come_round(&bench).await;
    assert_eq!(now(&bench, &up).await.desired, Desired::Running);
    bench.clock.forward(3_600 + 100);
    comes_to(&bench, &up, Phase::Stopped).await;
}

#[tokio::test]
async fn a_pod_ends_before_it_has_cost_more_than_it_may() {
    let bench = Bench::new().await;
    let up = pod(&bench, PodPolicy::default()).await;
    let most = up.offer.price.accrued(secs(600)).unwrap();
    let policy = PodPolicy {
        max_cost: Some(most),
        ..PodPolicy::default()
    };
    let set = bench.engine.pod_policy_set(&bench.account, "box", policy);
    let view = set.await.unwrap();
    assert_eq!(view.coming.len(), 1, "{view:?}");
    bench.clock.forward(500);
    come_round(&bench).await;
    assert_eq!(now(&bench, &up).await.desired, Desired::Running);
    for _ in 0..100 {
        if now(&bench, &up).await.desired == Desired::Gone {
            break;
        }
        bench.clock.forward(3);
        come_round(&bench).await;
    }
    let gone = comes_to(&bench, &up, Phase::Terminated).await;
    let cost = bench.store.pod_charged(&gone.id).await.unwrap();
    assert!(cost <= most, "{cost} is more than {most}");
    let nine_tenths = Money::from_nanos(most.nanos() / 10 * 9);
    assert!(cost > nine_tenths, "{cost} of {most}: it ended too early");
    let marks = notices(&bench, NoticeKind::BudgetMark).await;
    let last = |notice: &Notice| notice.key.ends_with("/100");
    let last = marks.iter().find(|notice| last(notice)).unwrap();
    assert!(last.message.ends_with("It is being terminated"), "{last:?}");
    bench.store.ledger_check().await.unwrap();
}

#[tokio::test]
async fn an_idle_pod_is_stopped_and_a_busy_one_is_not() {
    let bench = Bench::new().await;
    let up = pod(&bench, idle(secs(600), IdleAction::Stop)).await;
    for _ in 0..12 {
        bench.host.script(|script| script.cpu_usec += 5_000_000);
        pass(&bench, secs(60), secs(60)).await;
    }
    assert_eq!(now(&bench, &up).await.desired, Desired::Running, "busy");
    pass(&bench, secs(540), secs(60)).await;
    assert_eq!(now(&bench, &up).await.desired, Desired::Running, "early");
    pass(&bench, secs(60), secs(60)).await;
    let stopped = comes_to(&bench, &up, Phase::Stopped).await;
    let words = stopped.ruled.unwrap();
    assert!(words.contains("nobody has used it for 10m"), "{words}");
}

#[tokio::test]
async fn how_long_a_pod_was_idle_outlives_the_control_plane() {
    let mut bench = Bench::new().await;
    let up = pod(&bench, idle(secs(600), IdleAction::Terminate)).await;
    // The first look says only what there is to compare with.
    pass(&bench, secs(60), secs(60)).await;
    pass(&bench, secs(300), secs(60)).await;
    bench.restart().await;
    pass(&bench, secs(240), secs(60)).await;
    assert_eq!(now(&bench, &up).await.desired, Desired::Running, "early");
    pass(&bench, secs(60), secs(60)).await;
    comes_to(&bench, &up, Phase::Terminated).await;
}

#[tokio::test]
async fn neither_silence_nor_a_clock_set_forward_makes_a_pod_idle() {
    let bench = Bench::new().await;
    let up = pod(&bench, idle(secs(600), IdleAction::Stop)).await;
    pass(&bench, secs(120), secs(60)).await;
    bench.host.script(|script| script.unreachable = true);
    for _ in 0..20 {
        bench.clock.forward(60);
        come_round(&bench).await;
    }
    assert_eq!(now(&bench, &up).await.desired, Desired::Running, "silence");
    // It answers again: it was used meanwhile.
    bench.host.script(|script| {
        script.unreachable = false;
        script.uptime = Span::from_millis(script.uptime.millis() + 1_200_000);
        script.cpu_usec += 3_000_000;
    });
    come_round(&bench).await;
    // Only our clock goes, not the host's.
    for _ in 0..20 {
        bench.clock.forward(60);
        come_round(&bench).await;
    }
    assert_eq!(now(&bench, &up).await.desired, Desired::Running, "a clock");
}

#[tokio::test]
async fn an_idle_pod_is_reminded_of_at_growing_intervals_by_its_accounts_rule() {
    let bench = Bench::new().await;
    let settings = AccountSettings {
        idle: Some(IdlePolicy {
            after: secs(300),
            action: IdleAction::Remind,
        }),
        ..AccountSettings::default()
    };
    let seen = bench.store.account_stand(&bench.account).await.unwrap();
    let set = bench.store.account_settle(&seen, &settings, None);
    set.await.unwrap();
    let up = pod(&bench, PodPolicy::default()).await;
    let mut seen = Vec::new();
    for _ in 0..21 {
        pass(&bench, secs(60), secs(60)).await;
        seen.push(notices(&bench, NoticeKind::Idle).await.len());
    }
    // After 5, 10 and 20 minutes.
    assert_eq!((seen[3], seen[5], seen[8]), (0, 1, 1), "{seen:?}");
    assert_eq!((seen[10], seen[18], seen[20]), (2, 2, 3), "{seen:?}");
    assert_eq!(now(&bench, &up).await.phase(), Phase::Running);
    let idle = bench.engine.pod_idle_since(&[up]).await.unwrap();
    assert_eq!(idle.len(), 1, "it is shown as idle");
}

#[tokio::test]
async fn a_pod_is_left_alone_although_its_account_has_a_rule() {
    let bench = Bench::new().await;
    let settings = AccountSettings {
        idle: idle(secs(300), IdleAction::Stop).idle,
        ..AccountSettings::default()
    };
    let seen = bench.store.account_stand(&bench.account).await.unwrap();
    let set = bench.store.account_settle(&seen, &settings, None);
    set.await.unwrap();
    let alone = PodPolicy {
        idle: Some(IdlePolicy::NEVER),
        ..PodPolicy::default()
    };
    let up = pod(&bench, alone).await;
    pass(&bench, secs(600), secs(60)).await;
    let policy = bench.engine.pod_policy(&bench.account, "box").await;
    assert_eq!(policy.unwrap().coming, []);
    assert_eq!(now(&bench, &up).await.phase(), Phase::Running);
    let set = bench
        .engine
        .pod_policy_set(&bench.account, "box", PodPolicy::default());
    set.await.unwrap();
    comes_to(&bench, &up, Phase::Stopped).await;
}

#[tokio::test]
async fn an_idle_run_brings_its_results_home_and_ends_its_pod() {
    let bench = Bench::new().await;
    bench.clock.hurry(HASTE);
    let run = bench
        .submit("run: sleep 1d\noutputs: ['out/**']\nidle: {after: 10m}\n")
        .await;
    until("it trains", || async {
        let run = bench.engine.run_fetch(&bench.account, run.id.as_str());
        (run.await.unwrap().step == RunStep::Train).then_some(())
    })
    .await;
    pass(&bench, secs(540), secs(60)).await;
    let fetched = bench.engine.run_fetch(&bench.account, run.id.as_str());
    assert_eq!(fetched.await.unwrap().step, RunStep::Train, "early");
    pass(&bench, secs(180), secs(60)).await;
    let over = bench.over(&run).await;
    assert_eq!(over.outcome, Outcome::OverBudget);
    let words = over.reason.unwrap();
    assert!(words.contains("nobody has used it"), "{words}");
    assert!(over.results.is_some());
    assert_eq!(bench.host.signals(), [15], "it had time to finish");
    assert_eq!(bench.host.pod_count(), 0);
}

#[tokio::test]
async fn policies_that_make_no_sense_are_refused() {
    let bench = Bench::new().await;
    let up = pod(&bench, PodPolicy::default()).await;
    let set = async |policy| {
        let set = bench.engine.pod_policy_set(&bench.account, "box", policy);
        set.await.map(|view| view.pod.policy)
    };
    let none = PodPolicy::default();
    for bad in [
        PodPolicy {
            stop_after: Some(Span::from_millis(999)),
            ..none
        },
        PodPolicy {
            max_cost: Some(Money::from_nanos(1)),
            ..none
        },
        PodPolicy {
            max_cost: Some(Money::ZERO),
            ..none
        },
        idle(Span::ZERO, IdleAction::Stop),
    ] {
        let refused = set(bad).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    let good = idle(secs(1), IdleAction::Remind);
    assert_eq!(set(good).await.unwrap(), good);
    let ended = bench.engine.pod_terminate(&bench.account, "box").await;
    ended.unwrap();
    let refused = set(none).await;
    assert!(matches!(
        refused,
        Err(Error::PodPhase { .. } | Error::PodNotFound(_))
    ));
    comes_to(&bench, &up, Phase::Terminated).await;
}

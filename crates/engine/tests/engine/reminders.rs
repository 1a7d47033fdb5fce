//! What runs and what is used up is told when it is due, each thing once.

use crate::support::{Bench, until};
use livery_domain::pod::{Phase, Pod, PodPolicy};
use livery_domain::reminder::{ClosingLine, NoticeKind, ReminderSettings, Route, Terminal};
use livery_engine::{Authority, Clock, Error, NoticeRow, SettingsChange};
use livery_units::{AccountId, Money, Secret, Span};
use std::collections::BTreeSet;

/// Has the task look now: settling wakes it.
async fn look(bench: &Bench) {
    let settings = bench
        .engine
        .reminder_settings(&bench.account)
        .await
        .unwrap();
    let settled = bench.engine.reminder_settle(&bench.account, &settings);
    settled.await.unwrap();
}

async fn listed(bench: &Bench) -> Vec<NoticeRow> {
    bench
        .engine
        .reminder_list(&bench.account, 100)
        .await
        .unwrap()
}

/// Waits until there are that many notices about pods' running, and returns all, the oldest first.
async fn told(bench: &Bench, count: usize) -> Vec<(NoticeKind, String)> {
    until(&format!("{count} notices"), || async {
        look(bench).await;
        let mut rows = listed(bench).await;
        rows.reverse();
        let rows: Vec<(NoticeKind, String)> = rows
            .into_iter()
            .map(|row| (row.notice.kind, row.notice.message))
            .collect();
        assert!(rows.len() <= count, "{rows:?}");
        (rows.len() == count).then_some(rows)
    })
    .await
}

async fn up(bench: &Bench, policy: PodPolicy) -> Pod {
    let new = livery_engine::NewPod {
        policy,
        ..bench.new_pod()
    };
    let pod = bench.engine.pod_create(&bench.account, new).await.unwrap();
    until("the pod is up", || async {
        let pod = bench.engine.pod_fetch(&bench.account, pod.id.as_str());
        let pod = pod.await.unwrap();
        (pod.phase() == Phase::Running).then_some(pod)
    })
    .await
}

/// Puts the clock forward and waits until the pod was seen up since.
async fn forward(bench: &Bench, pod: &Pod, secs: i64) {
    bench.clock.forward(secs);
    let since = bench.clock.now();
    until("the pod was seen since", || async {
        let pod = bench.engine.pod_fetch(&bench.account, pod.id.as_str());
        (pod.await.unwrap().up_until >= Some(since)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_pod_is_told_of_at_its_start_and_at_growing_intervals() {
    let mut bench = Bench::new().await;
    let pod = up(&bench, PodPolicy::default()).await;
    let first = told(&bench, 1).await;
    assert_eq!(first[0].0, NoticeKind::Started);
    forward(&bench, &pod, 7_200).await;
    let then = told(&bench, 2).await;
    assert_eq!(then[1].0, NoticeKind::StillRunning);
    let (text, id) = (&then[1].1, &pod.id);
    assert!(text.starts_with("pod box has run for 2h "), "{text}");
    assert!(
        text.ends_with(&format!("Stop it: livery pod stop {id}")),
        "{text}"
    );
    // Another control plane that starts knows what was told.
    for _ in 0..2 {
        bench.restart().await;
        told(&bench, 2).await;
    }
}

#[tokio::test]
async fn a_pod_that_came_up_for_a_moment_was_told_of() {
    let bench = Bench::new().await;
    let pod = up(&bench, PodPolicy::default()).await;
    let id = pod.id.as_str();
    bench.engine.pod_stop(&bench.account, id).await.unwrap();
    until("the pod is stopped", || async {
        let pod = bench.engine.pod_fetch(&bench.account, id).await.unwrap();
        (pod.phase() == Phase::Stopped).then_some(())
    })
    .await;
    let listed = listed(&bench).await;
    let kinds: Vec<NoticeKind> = listed.iter().map(|row| row.notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Started]);
}

#[tokio::test]
async fn a_control_plane_that_was_away_for_long_tells_once() {
    let mut bench = Bench::new().await;
    up(&bench, PodPolicy::default()).await;
    told(&bench, 1).await;
    bench.engine.stop();
    bench.clock.forward(10 * 3_600);
    bench.restart().await;
    let then = told(&bench, 2).await;
    assert!(then[1].1.contains("has run for 10h"), "{then:?}");
}

#[tokio::test]
async fn what_could_not_be_kept_is_told_by_the_next_look() {
    let bench = Bench::new().await;
    let policy = PodPolicy {
        max_cost: Some(Money::from_nanos(10_000_000_000)),
        ..PodPolicy::default()
    };
    let pod = up(&bench, policy).await;
    told(&bench, 1).await;
    bench
        .sql(
            "CREATE TRIGGER full BEFORE INSERT ON notices \
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
        )
        .await;
    // Twice as long as it takes to the mark of 50 %, and after the first interval.
    let hourly = pod.offer.price.per_hour().nanos();
    forward(&bench, &pod, 10_000_000_000 * 3_600 * 7 / 10 / hourly).await;
    let failed = || {
        let tasks = bench.engine.tasks();
        let task = tasks.into_iter().find(|task| task.name == "reminders");
        task.is_some_and(|task| task.result["failed"] == 2)
    };
    until("both were lost", || async {
        look(&bench).await;
        failed().then_some(())
    })
    .await;
    assert_eq!(listed(&bench).await.len(), 1);
    bench.sql("DROP TRIGGER full").await;
    let all = told(&bench, 3).await;
    let kinds: BTreeSet<NoticeKind> = all.into_iter().map(|(kind, _)| kind).collect();
    assert!(kinds.contains(&NoticeKind::StillRunning), "{kinds:?}");
    assert!(kinds.contains(&NoticeKind::BudgetMark), "{kinds:?}");
}

#[tokio::test]
async fn the_first_interval_is_the_accounts_own() {
    let bench = Bench::new().await;
    let settings = ReminderSettings {
        first: Span::from_secs(300),
        ..ReminderSettings::default()
    };
    let settled = bench.engine.reminder_settle(&bench.account, &settings);
    settled.await.unwrap();
    let pod = up(&bench, PodPolicy::default()).await;
    told(&bench, 1).await;
    forward(&bench, &pod, 301).await;
    let then = told(&bench, 2).await;
    assert!(then[1].1.contains("has run for 5m"), "{then:?}");
}

#[tokio::test]
async fn a_pods_limit_is_told_of_at_its_marks() {
    let bench = Bench::new().await;
    let limit = Money::from_nanos(10_000_000_000);
    let policy = PodPolicy {
        max_cost: Some(limit),
        ..PodPolicy::default()
    };
    let pod = up(&bench, policy).await;
    told(&bench, 1).await;
    let hourly = i128::from(pod.offer.price.per_hour().nanos());
    let secs = i128::from(limit.nanos()) * 3_600 / hourly;
    let part = |percent: i128| i64::try_from(secs * percent / 100).unwrap();
    forward(&bench, &pod, part(55)).await;
    until("the mark of 50 % is told", || async {
        look(&bench).await;
        let marks = marks(&bench).await;
        (marks.len() == 1 && marks[0].contains("of $10.00 is spent (5")).then_some(())
    })
    .await;
    forward(&bench, &pod, part(30)).await;
    until("the mark of 80 % is told", || async {
        look(&bench).await;
        let marks = marks(&bench).await;
        (marks.len() == 2 && marks[0].contains("of $10.00 is spent (8")).then_some(())
    })
    .await;
}

/// Returns what was told of budgets, the newest first.
async fn marks(bench: &Bench) -> Vec<String> {
    let rows = listed(bench).await.into_iter().map(|row| row.notice);
    rows.filter(|notice| notice.kind == NoticeKind::BudgetMark)
        .map(|notice| notice.message)
        .collect()
}

#[tokio::test]
async fn the_days_limit_is_told_of_at_its_marks() {
    let bench = Bench::new().await;
    // All of it on one day, whenever the test runs.
    let in_day = bench.clock.now().millis().rem_euclid(86_400_000);
    bench.clock.forward((86_400_000 - in_day) / 1_000 + 1);
    let pod = up(&bench, PodPolicy::default()).await;
    let hourly = pod.offer.price.per_hour().nanos();
    let change = SettingsChange {
        limit_day: Some(Some(Money::from_nanos(hourly * 10))),
        ..SettingsChange::default()
    };
    let settled = bench
        .engine
        .account_settle(&bench.account, &change, Authority::Owner);
    settled.await.unwrap();
    forward(&bench, &pod, 6 * 3_600).await;
    let marks = until("the mark of 50 % is told", || async {
        look(&bench).await;
        let marks = marks(&bench).await;
        (!marks.is_empty()).then_some(marks)
    })
    .await;
    assert_eq!(marks.len(), 1);
    assert!(
        marks[0].starts_with("today's spending limit ("),
        "{marks:?}"
    );
    assert!(
        marks[0].contains("is spent (60 %). Pods are stopped at the limit"),
        "{marks:?}"
    );
}

#[tokio::test]
async fn what_every_command_ends_with_is_what_runs_now() {
    let bench = Bench::new().await;
    let closing = bench.engine.closing(&bench.account).await.unwrap();
    assert_eq!(closing.running, None);
    let pod = up(&bench, PodPolicy::default()).await;
    forward(&bench, &pod, 3_600).await;
    let closing = bench.engine.closing(&bench.account).await.unwrap();
    let running = closing.running.unwrap();
    assert_eq!(running.pods, 1);
    assert!(running.longest >= Span::from_secs(3_600));
    assert!(running.hourly >= pod.offer.price.per_hour());
    assert!(running.so_far >= running.hourly, "{running:?}");

    told(&bench, 1).await;
    let closing = bench.engine.closing(&bench.account).await.unwrap();
    let keys: Vec<String> = closing
        .notices
        .into_iter()
        .map(|notice| notice.key)
        .collect();
    assert_eq!(keys.len(), 1);
    bench
        .engine
        .reminder_shown(&bench.account, &keys)
        .await
        .unwrap();
    let settings = ReminderSettings {
        closing_line: ClosingLine::Off,
        terminal: Terminal::Off,
        ..ReminderSettings::default()
    };
    let settled = bench.engine.reminder_settle(&bench.account, &settings);
    settled.await.unwrap();
    let closing = bench.engine.closing(&bench.account).await.unwrap();
    assert_eq!((closing.running, closing.resting), (None, None));
}

#[tokio::test]
async fn settings_that_would_hide_a_deletion_are_refused() {
    let bench = Bench::new().await;
    for settings in [
        ReminderSettings {
            muted: [NoticeKind::LastWarning].into(),
            ..ReminderSettings::default()
        },
        ReminderSettings {
            first: Span::from_secs(59),
            ..ReminderSettings::default()
        },
        ReminderSettings {
            first: Span::from_secs(86_401),
            ..ReminderSettings::default()
        },
    ] {
        let settled = bench.engine.reminder_settle(&bench.account, &settings);
        assert_eq!(settled.await.unwrap_err().code(), "NTC001");
    }
}

#[tokio::test]
async fn an_account_of_others_reaches_neither_this_machine_nor_others_channels() {
    let bench = Bench::new().await;
    let lab = bench.engine.account_create("lab").await.unwrap().id;
    let hook = |url: &str| Route::Slack {
        url: Secret::new(url.to_owned()),
    };
    let add = |account: AccountId, route: Route| {
        let engine = bench.engine.clone();
        async move { engine.channel_add(&account, "hook", route).await }
    };
    for route in [
        hook("http://127.0.0.1:1/"),
        hook("http://[::1]/"),
        Route::Desktop,
    ] {
        let error = add(lab.clone(), route).await.unwrap_err();
        assert_eq!(error.code(), "NTC002");
    }
    add(bench.account.clone(), hook("http://127.0.0.1:1/"))
        .await
        .unwrap();
    let again = add(bench.account.clone(), hook("http://127.0.0.1:1/")).await;
    assert!(matches!(again, Err(Error::ChannelExists(_))));
    let tested = bench.engine.channel_test(&lab, "hook").await;
    assert!(matches!(tested, Err(Error::ChannelNotFound(_))));
    // A name is looked up when the letter goes, and may lead here then.
    add(lab.clone(), hook("http://localhost:1/")).await.unwrap();
    let error = bench.engine.channel_test(&lab, "hook").await.unwrap_err();
    assert_eq!(error.code(), "NTC002");
    let removed = bench.engine.channel_remove(&lab, "nothing").await;
    assert!(matches!(removed, Err(Error::ChannelNotFound(_))));
}

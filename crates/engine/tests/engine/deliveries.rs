//! Notices are carried until they were taken: by receivers that fail, hang, refuse and come back.

use crate::support::{Bench, Receiver, SILENCE, until};
use livery_domain::reminder::{
    DeliveryState, Notice, NoticeKind, ReminderSettings, Route, Terminal,
};
use livery_engine::{Clock, DeliveryRow};
use livery_units::Secret;
use tokio::net::TcpListener;

const OK: &str = "200 OK";

/// A bench with a channel to a receiver.
async fn bench_with(url: String) -> Bench {
    let bench = Bench::new().await;
    let route = Route::Webhook {
        url: Secret::new(url),
        secret: None,
    };
    let added = bench.engine.channel_add(&bench.account, "hook", route);
    added.await.unwrap();
    bench
}

/// Has the account told of something by way of a pod's start.
async fn tell(bench: &Bench, key: &str) {
    let notice = Notice {
        key: key.to_owned(),
        account: bench.account.clone(),
        pod: None,
        kind: NoticeKind::Idle,
        message: format!("notice {key}"),
        at: bench.clock.now(),
    };
    bench.store.notice_add(&notice).await.unwrap();
}

/// Waits until a delivery is as wanted.
async fn comes_to(bench: &Bench, what: &str, wanted: impl Fn(&DeliveryRow) -> bool) -> DeliveryRow {
    until(what, || async {
        let rows = bench
            .engine
            .reminder_list(&bench.account, 10)
            .await
            .unwrap();
        let row = rows.into_iter().next()?.deliveries.into_iter().next()?;
        wanted(&row).then_some(row)
    })
    .await
}

fn id(request: &str) -> &str {
    let line = request
        .lines()
        .find(|line| line.starts_with("webhook-id: "));
    line.unwrap()
}

/// Lets the task have a good look, and finds that it sent nothing.
async fn nothing_is_sent(bench: &Bench, receiver: &Receiver) {
    let before = receiver.got().len();
    let looks = |bench: &Bench| {
        let tasks = bench.engine.tasks();
        let task = tasks.into_iter().find(|task| task.name == "deliveries");
        task.map_or(0, |task| task.activations)
    };
    let seen = looks(bench);
    until("the task has looked twice", || async {
        (looks(bench) >= seen + 2).then_some(())
    })
    .await;
    assert_eq!(receiver.got().len(), before);
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_until_it_takes_it() {
    let receiver = Receiver::start(&["500 Oops", "503 Later", OK]).await;
    let bench = bench_with(receiver.url()).await;
    let settings = ReminderSettings {
        terminal: Terminal::Off,
        ..ReminderSettings::default()
    };
    let settled = bench.engine.reminder_settle(&bench.account, &settings);
    settled.await.unwrap();
    tell(&bench, "a").await;
    let row = comes_to(&bench, "a first failure", |row| row.problem.is_some()).await;
    assert_eq!((row.attempts, row.state), (1, DeliveryState::Due));
    let closing = bench.engine.closing(&bench.account).await.unwrap();
    assert_eq!(
        closing.notices.len(),
        1,
        "it is shown at the terminal instead"
    );
    let trouble = closing.trouble.unwrap();
    assert_eq!((trouble.count, trouble.channel.as_str()), (1, "hook"));
    assert!(trouble.problem.contains("500"), "{}", trouble.problem);

    bench.clock.forward(10);
    let row = comes_to(&bench, "a second failure", |row| {
        row.attempts == 2 && row.due > row.changed
    })
    .await;
    assert_eq!(row.state, DeliveryState::Due);
    bench.clock.forward(30);
    let row = comes_to(&bench, "it is sent", |row| row.state == DeliveryState::Sent).await;
    assert_eq!((row.attempts, row.problem), (3, None));
    let got = receiver.got();
    assert_eq!(got.len(), 3);
    assert_eq!(id(&got[0]), id(&got[2]));
    let closing = bench.engine.closing(&bench.account).await.unwrap();
    assert_eq!(closing.trouble, None);
    nothing_is_sent(&bench, &receiver).await;
}

#[tokio::test]
async fn a_receiver_is_left_alone_for_as_long_as_it_asks() {
    let receiver = Receiver::start(&["429 Slow\r\nretry-after: 100", OK]).await;
    let bench = bench_with(receiver.url()).await;
    tell(&bench, "a").await;
    comes_to(&bench, "it is busy", |row| row.problem.is_some()).await;
    bench.clock.forward(60);
    nothing_is_sent(&bench, &receiver).await;
    bench.clock.forward(41);
    comes_to(&bench, "it is sent", |row| row.state == DeliveryState::Sent).await;
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn a_receiver_that_is_down_gets_it_when_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let bench = bench_with(format!("http://127.0.0.1:{port}/hook")).await;
    tell(&bench, "a").await;
    let row = comes_to(&bench, "nobody is there", |row| row.problem.is_some()).await;
    assert!(row.problem.unwrap().contains("refused"));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let receiver = Receiver::on(listener, &[OK]);
    bench.clock.forward(10);
    comes_to(&bench, "it is sent", |row| row.state == DeliveryState::Sent).await;
    assert_eq!(receiver.got().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_refuses_for_good_is_not_asked_again() {
    let receiver = Receiver::start(&["404 Gone"]).await;
    let bench = bench_with(receiver.url()).await;
    tell(&bench, "a").await;
    let row = comes_to(&bench, "it is given up", |row| {
        row.state == DeliveryState::Failed
    })
    .await;
    assert_eq!(row.attempts, 1);
    bench.clock.forward(3_600);
    nothing_is_sent(&bench, &receiver).await;
    let closing = bench.engine.closing(&bench.account).await.unwrap();
    assert_eq!(closing.trouble.unwrap().count, 1);
    bench.clock.forward(86_400);
    let closing = bench.engine.closing(&bench.account).await.unwrap();
    assert_eq!(closing.trouble, None, "what was given up is said for a day");
}

#[tokio::test]
async fn after_a_day_it_is_given_up_and_said() {
    let receiver = Receiver::start(&["500 Oops"]).await;
    let bench = bench_with(receiver.url()).await;
    tell(&bench, "a").await;
    comes_to(&bench, "a first failure", |row| row.problem.is_some()).await;
    bench.clock.forward(86_400);
    let row = comes_to(&bench, "it is given up", |row| {
        row.state == DeliveryState::Failed
    })
    .await;
    assert_eq!(row.attempts, 2);
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_no_other_up_and_a_killed_try_is_repeated() {
    let receiver = Receiver::start(&[SILENCE]).await;
    let mut bench = bench_with(receiver.url()).await;
    let other = Receiver::start(&[OK]).await;
    let route = Route::Slack {
        url: Secret::new(other.url()),
    };
    let added = bench.engine.channel_add(&bench.account, "slack", route);
    added.await.unwrap();
    tell(&bench, "a").await;
    until("both are asked", || async {
        (receiver.got().len() == 1 && other.got().len() == 1).then_some(())
    })
    .await;
    tell(&bench, "b").await;
    until("the other gets the next, and it is noted", || async {
        (noted_of(&bench, "slack").await == 2).then_some(())
    })
    .await;
    assert_eq!(other.got().len(), 2);

    // Killed between sending and noting: what was not noted is sent again, under the same id.
    receiver.answer(OK);
    let before = receiver.got();
    bench.restart().await;
    until("both are sent", || async {
        let rows = bench
            .engine
            .reminder_list(&bench.account, 10)
            .await
            .unwrap();
        let mut all = rows.iter().flat_map(|row| &row.deliveries);
        all.all(|row| row.state == DeliveryState::Sent)
            .then_some(())
    })
    .await;
    let got = receiver.got();
    let mut ids: Vec<&str> = got.iter().map(|request| id(request)).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert_eq!(got.len(), before.len() + 2);
    assert_eq!(other.got().len(), 2, "what was taken is not sent again");
}

/// Counts the deliveries to a channel that are noted as sent.
async fn noted_of(bench: &Bench, channel: &str) -> usize {
    let rows = bench.engine.reminder_list(&bench.account, 10).await;
    let rows = rows.unwrap();
    let deliveries = rows.iter().flat_map(|row| &row.deliveries);
    deliveries
        .filter(|row| row.channel == channel && row.state == DeliveryState::Sent)
        .count()
}

#[tokio::test]
async fn a_test_says_what_the_receiver_answered() {
    let receiver = Receiver::start(&[OK, "410 Gone"]).await;
    let bench = bench_with(receiver.url()).await;
    let tested = bench.engine.channel_test(&bench.account, "hook").await;
    assert_eq!(tested.unwrap(), "the server answered 200 OK");
    assert!(receiver.got()[0].contains("\"type\":\"test\""));
    let error = bench
        .engine
        .channel_test(&bench.account, "hook")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "NTC005");
    let listed = bench
        .engine
        .reminder_list(&bench.account, 10)
        .await
        .unwrap();
    assert!(listed.is_empty(), "a test is no reminder");
}

//! Notices are kept once, and carried to every channel until it has taken them.

use crate::database::{Database, on_both};
use crate::samples::{account, at, full_pod, with_account};
use livery_domain::pod::Desired;
use livery_domain::reminder::{
    Channel, ClosingLine, DeliveryState, Mail, MailLogin, MailSecurity, Notice, NoticeKind,
    ReminderSettings, Route, Terminal,
};
use livery_store::{Credit, Error, NoticeAdded, Store, Tried};
use livery_units::{AccountId, PodId, Secret, Span, Timestamp};

on_both!(
    a_notice_of_a_known_key_changes_nothing,
    every_channel_comes_back_as_it_was,
    settings_come_back_as_they_were,
    a_notice_goes_to_the_channels_of_its_account_alone,
    what_is_muted_is_listed_and_carried_nowhere,
    a_quiet_time_holds_all_but_the_urgent_back,
    what_was_shown_is_not_shown_again,
    what_no_channel_carries_is_shown_although_the_terminal_is_off,
    of_a_running_pod_only_the_last_notice_is_shown_and_while_it_runs,
    old_notices_are_forgotten_but_not_those_of_living_pods,
);

pub fn notice(key: &str) -> Notice {
    Notice {
        key: key.to_owned(),
        account: account(),
        pod: Some(PodId::from_entropy(1)),
        kind: NoticeKind::Idle,
        message: "pod train has run for 2h".to_owned(),
        at: at(1_000),
    }
}

pub fn channel(name: &str) -> Channel {
    Channel {
        account: account(),
        name: name.to_owned(),
        route: Route::Desktop,
        created: at(1),
    }
}

pub async fn store_with(database: &Database, channels: &[&str]) -> Store {
    let store = database.store().await;
    with_account(&store, Credit::Prepaid).await;
    for name in channels {
        store.channel_add(&channel(name)).await.unwrap();
    }
    store
}

pub async fn claim(store: &Store, now: i64) -> Vec<livery_store::Delivery> {
    let until = at(now + 60_000);
    let claimed = store.delivery_claim(at(now), until, 100, 100).await;
    claimed.unwrap()
}

pub async fn unshown(store: &Store, now: i64) -> Vec<String> {
    let notices = store
        .notice_unshown(&account(), at(now), 100)
        .await
        .unwrap();
    notices.into_iter().map(|notice| notice.key).collect()
}

async fn a_notice_of_a_known_key_changes_nothing(database: Database) {
    let store = store_with(&database, &["desk"]).await;
    let first = notice("a");
    assert_eq!(store.notice_add(&first).await, Ok(NoticeAdded::New));
    let later = Notice {
        message: "other words".to_owned(),
        at: at(2_000),
        ..notice("a")
    };
    assert_eq!(store.notice_add(&later).await, Ok(NoticeAdded::Known));
    let listed = store.notice_list(&account(), 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].notice, first);
    assert_eq!(listed[0].deliveries.len(), 1);
    assert_eq!(listed[0].deliveries[0].state, DeliveryState::Due);

    let mut adders = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        adders.spawn(async move { store.notice_add(&notice("b")).await.unwrap() });
    }
    let added = adders.join_all().await;
    let new = added.iter().filter(|added| **added == NoticeAdded::New);
    assert_eq!(new.count(), 1, "{added:?}");
}

async fn every_channel_comes_back_as_it_was(database: Database) {
    let store = store_with(&database, &[]).await;
    let secret = |text: &str| Secret::new(text.to_owned());
    let mail = Mail {
        server: "mail.example".to_owned(),
        port: 587,
        security: MailSecurity::StartTls,
        login: Some(MailLogin {
            user: "me".to_owned(),
            password: secret("pass \"word\""),
        }),
        from: "livery@mail.example".to_owned(),
        to: "me@mail.example".to_owned(),
    };
    let routes = [
        Route::Slack {
            url: secret("https://a/1"),
        },
        Route::Discord {
            url: secret("https://b/2"),
        },
        Route::Ntfy {
            url: secret("https://c/3"),
            token: None,
        },
        Route::Ntfy {
            url: secret("https://c/4"),
            token: Some(secret("tk")),
        },
        Route::Webhook {
            url: secret("https://d/5"),
            secret: Some(secret("hmac")),
        },
        Route::Webhook {
            url: secret("https://d/6"),
            secret: None,
        },
        Route::Email(mail.clone()),
        Route::Email(Mail {
            login: None,
            security: MailSecurity::None,
            ..mail
        }),
        Route::Desktop,
    ];
    for (number, route) in routes.into_iter().enumerate() {
        let name = format!("c{number}");
        let kept = Channel {
            route,
            ..channel(&name)
        };
        store.channel_add(&kept).await.unwrap();
        assert_eq!(
            store.channel_fetch(&account(), &name).await,
            Ok(kept.clone())
        );
        assert_eq!(store.channel_add(&kept).await, Err(Error::Exists));
    }
    let names: Vec<String> = store
        .channel_list(&account())
        .await
        .unwrap()
        .into_iter()
        .map(|channel| channel.name)
        .collect();
    assert_eq!(
        names,
        ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"]
    );
}

async fn settings_come_back_as_they_were(database: Database) {
    let store = store_with(&database, &[]).await;
    let fresh = store.reminder_settings(&account()).await.unwrap();
    assert_eq!(fresh, ReminderSettings::default());
    let settings = ReminderSettings {
        first: Span::from_secs(90),
        muted: [NoticeKind::Idle, NoticeKind::Orphan].into(),
        quiet_until: Some(at(77)),
        closing_line: ClosingLine::Off,
        terminal: Terminal::Off,
    };
    store
        .reminder_settings_set(&account(), &settings)
        .await
        .unwrap();
    assert_eq!(store.reminder_settings(&account()).await, Ok(settings));
}

async fn a_notice_goes_to_the_channels_of_its_account_alone(database: Database) {
    let store = store_with(&database, &["one", "two"]).await;
    let other = AccountId::from_entropy(2);
    store.account_ensure(&other, "other", at(1)).await.unwrap();
    let theirs = Channel {
        account: other.clone(),
        ..channel("three")
    };
    store.channel_add(&theirs).await.unwrap();
    store.notice_add(&notice("a")).await.unwrap();
    let claimed = claim(&store, 1_000).await;
    let names: Vec<&str> = claimed
        .iter()
        .map(|one| one.channel.name.as_str())
        .collect();
    assert_eq!(names, ["one", "two"]);
    assert!(store.notice_list(&other, 10).await.unwrap().is_empty());
    assert!(
        store
            .notice_unshown(&other, at(9_999), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store.channel_remove(&other, "one").await,
        Err(Error::NotFound)
    );
}

pub async fn settle(store: &Store, settings: ReminderSettings) {
    store
        .reminder_settings_set(&account(), &settings)
        .await
        .unwrap();
}

async fn what_is_muted_is_listed_and_carried_nowhere(database: Database) {
    let store = store_with(&database, &["desk"]).await;
    let settings = ReminderSettings {
        muted: NoticeKind::ALL.into(),
        ..ReminderSettings::default()
    };
    settle(&store, settings).await;
    store.notice_add(&notice("a")).await.unwrap();
    let urgent = Notice {
        kind: NoticeKind::LastWarning,
        ..notice("b")
    };
    store.notice_add(&urgent).await.unwrap();
    assert_eq!(store.notice_list(&account(), 10).await.unwrap().len(), 2);
    assert_eq!(unshown(&store, 9_000).await, ["b"]);
    let claimed = claim(&store, 9_000).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].notice, urgent);
}

async fn a_quiet_time_holds_all_but_the_urgent_back(database: Database) {
    let store = store_with(&database, &["desk"]).await;
    let settings = ReminderSettings {
        quiet_until: Some(at(5_000)),
        ..ReminderSettings::default()
    };
    settle(&store, settings).await;
    store.notice_add(&notice("a")).await.unwrap();
    let urgent = Notice {
        kind: NoticeKind::OutOfCredit,
        ..notice("b")
    };
    store.notice_add(&urgent).await.unwrap();
    assert_eq!(unshown(&store, 4_999).await, ["b"]);
    assert_eq!(claim(&store, 4_999).await.len(), 1);
    assert_eq!(unshown(&store, 5_000).await, ["a", "b"]);
    assert_eq!(claim(&store, 5_000).await[0].notice, notice("a"));
}

async fn what_was_shown_is_not_shown_again(database: Database) {
    let store = store_with(&database, &[]).await;
    for key in ["a", "b"] {
        store.notice_add(&notice(key)).await.unwrap();
    }
    assert_eq!(unshown(&store, 1_000).await, ["a", "b"]);
    let keys = ["a".to_owned(), "nonsense".to_owned()];
    store
        .notice_shown(&account(), &keys, at(2_000))
        .await
        .unwrap();
    assert_eq!(unshown(&store, 3_000).await, ["b"]);
    let other = AccountId::from_entropy(2);
    let keys = ["b".to_owned()];
    store.notice_shown(&other, &keys, at(2_000)).await.unwrap();
    assert_eq!(unshown(&store, 3_000).await, ["b"]);
    let listed = store.notice_list(&account(), 10).await.unwrap();
    let shown: Vec<Option<Timestamp>> = listed.iter().map(|row| row.shown).collect();
    assert_eq!(shown, [None, Some(at(2_000))]);
}

async fn what_no_channel_carries_is_shown_although_the_terminal_is_off(database: Database) {
    let store = store_with(&database, &["one", "two"]).await;
    let settings = ReminderSettings {
        terminal: Terminal::Off,
        ..ReminderSettings::default()
    };
    settle(&store, settings).await;
    store.notice_add(&notice("sent")).await.unwrap();
    for delivery in claim(&store, 1_000).await {
        store
            .delivery_tried(&delivery, &Tried::Sent, at(1_001))
            .await
            .unwrap();
    }
    store.notice_add(&notice("due")).await.unwrap();
    assert!(unshown(&store, 9_000).await.is_empty());
    store.channel_remove(&account(), "one").await.unwrap();
    assert_eq!(unshown(&store, 9_000).await, ["due"]);
    store.channel_remove(&account(), "two").await.unwrap();
    store.notice_add(&notice("without")).await.unwrap();
    assert_eq!(unshown(&store, 9_000).await, ["due", "without"]);
}

async fn of_a_running_pod_only_the_last_notice_is_shown_and_while_it_runs(database: Database) {
    let store = store_with(&database, &[]).await;
    let pod = |number: u128, desired| livery_domain::pod::Pod {
        desired,
        ended: None,
        ..full_pod(number)
    };
    let running = pod(1, Desired::Running);
    store.pod_insert(&running).await.unwrap();
    store.pod_insert(&pod(2, Desired::Stopped)).await.unwrap();
    let down = livery_domain::pod::Pod {
        observed: livery_domain::pod::Observed::Down,
        ..pod(3, Desired::Stopped)
    };
    store.pod_insert(&down).await.unwrap();
    for (key, number, kind, millis) in [
        ("started", 1, NoticeKind::Started, 10),
        ("an hour", 1, NoticeKind::StillRunning, 20),
        ("idle", 1, NoticeKind::Idle, 30),
        ("two hours", 1, NoticeKind::StillRunning, 40),
        ("of a stopped pod", 2, NoticeKind::StillRunning, 50),
        ("why it was stopped", 2, NoticeKind::PolicyAction, 60),
        ("a day", 3, NoticeKind::StillKept, 70),
        ("two days", 3, NoticeKind::StillKept, 80),
        ("kept and up again", 1, NoticeKind::StillKept, 15),
    ] {
        let notice = Notice {
            pod: Some(PodId::from_entropy(number)),
            kind,
            at: at(millis),
            ..notice(key)
        };
        store.notice_add(&notice).await.unwrap();
    }
    let shown = unshown(&store, 9_000).await;
    assert_eq!(
        shown,
        ["idle", "two hours", "why it was stopped", "two days"]
    );

    // Asked to end, and nobody knows whether it did.
    let silent = livery_domain::pod::Pod {
        observed: livery_domain::pod::Observed::Unknown,
        ..pod(2, Desired::Stopped)
    };
    store.pod_update(&silent).await.unwrap();
    let shown = unshown(&store, 9_000).await;
    assert!(shown.contains(&"of a stopped pod".to_owned()), "{shown:?}");
}

async fn old_notices_are_forgotten_but_not_those_of_living_pods(database: Database) {
    let store = store_with(&database, &["desk"]).await;
    let living = livery_domain::pod::Pod {
        ended: None,
        ..full_pod(1)
    };
    store.pod_insert(&living).await.unwrap();
    let ended = livery_domain::pod::Pod {
        ended: Some(at(9)),
        ..full_pod(2)
    };
    store.pod_insert(&ended).await.unwrap();
    let about = |key: &str, pod: Option<u128>, millis| Notice {
        pod: pod.map(PodId::from_entropy),
        at: at(millis),
        ..notice(key)
    };
    for one in [
        about("living", Some(1), 5),
        about("ended", Some(2), 5),
        about("none", None, 5),
    ] {
        store.notice_add(&one).await.unwrap();
    }
    for delivery in claim(&store, 10).await {
        store
            .delivery_tried(&delivery, &Tried::Sent, at(11))
            .await
            .unwrap();
    }
    for one in [about("to be sent", None, 5), about("young", None, 200)] {
        store.notice_add(&one).await.unwrap();
    }
    assert_eq!(store.notice_forget(at(100)).await, Ok(2));
    let listed = store.notice_list(&account(), 10).await.unwrap();
    let mut left: Vec<&str> = listed.iter().map(|row| row.notice.key.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, ["living", "to be sent", "young"]);
    assert_eq!(
        store.notice_add(&about("ended", Some(2), 5)).await,
        Ok(NoticeAdded::New)
    );
}

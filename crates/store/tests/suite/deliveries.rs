//! Deliveries are claimed by one worker at a time, and tried until they are given up.

use crate::database::{Database, on_both};
use crate::reminders::{channel, claim, notice, settle, store_with, unshown};
use crate::samples::{account, at};
use livery_domain::reminder::{
    Channel, DeliveryState, Notice, NoticeKind, ReminderSettings, Terminal,
};
use livery_store::{Error, Tried};
use livery_units::AccountId;

on_both!(
    of_ten_that_claim_at_once_one_gets_a_delivery,
    a_claim_that_nobody_ends_expires,
    a_try_that_somebody_else_repeated_counts_no_more,
    a_delivery_that_fails_is_shown_at_the_terminal,
    a_removed_channel_takes_its_deliveries_along,
    a_clock_that_was_set_back_puts_no_delivery_off,
    no_account_takes_more_than_its_part_and_what_is_urgent_goes_first,
);

async fn of_ten_that_claim_at_once_one_gets_a_delivery(database: Database) {
    let store = store_with(&database, &["one", "two", "three"]).await;
    for number in 0..5 {
        store
            .notice_add(&notice(&format!("n{number}")))
            .await
            .unwrap();
    }
    let mut claimers = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let store = store.clone();
        claimers.spawn(async move { claim(&store, 1_000).await });
    }
    let claimed: Vec<_> = claimers.join_all().await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 15);
    let mut names: Vec<(String, String)> = claimed
        .into_iter()
        .map(|one| (one.notice.key, one.channel.name))
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 15);
}

async fn a_claim_that_nobody_ends_expires(database: Database) {
    let store = store_with(&database, &["desk"]).await;
    store.notice_add(&notice("a")).await.unwrap();
    assert_eq!(claim(&store, 1_000).await[0].attempts, 1);
    assert!(claim(&store, 60_999).await.is_empty());
    let again = claim(&store, 61_000).await;
    assert_eq!((again[0].attempts, again[0].first_try), (2, at(1_000)));
    store.claims_forget().await.unwrap();
    assert_eq!(claim(&store, 61_001).await[0].attempts, 3);
}

async fn a_try_that_somebody_else_repeated_counts_no_more(database: Database) {
    let store = store_with(&database, &["desk"]).await;
    store.notice_add(&notice("a")).await.unwrap();
    let mine = claim(&store, 1_000).await.remove(0);
    let theirs = claim(&store, 61_000).await.remove(0);
    let tried = store.delivery_tried(&mine, &Tried::Sent, at(61_001)).await;
    assert_eq!(tried, Err(Error::Stale));
    store
        .delivery_tried(&theirs, &Tried::Sent, at(61_002))
        .await
        .unwrap();
    let tried = store
        .delivery_tried(&theirs, &Tried::Sent, at(61_003))
        .await;
    assert_eq!(tried, Err(Error::Stale));
    assert!(claim(&store, 999_999).await.is_empty());
    let listed = store.notice_list(&account(), 1).await.unwrap();
    assert_eq!(listed[0].deliveries[0].state, DeliveryState::Sent);
    assert_eq!(listed[0].deliveries[0].attempts, 2);
}

async fn a_delivery_that_fails_is_shown_at_the_terminal(database: Database) {
    let store = store_with(&database, &["desk"]).await;
    let settings = ReminderSettings {
        terminal: Terminal::Off,
        ..ReminderSettings::default()
    };
    settle(&store, settings).await;
    store.notice_add(&notice("a")).await.unwrap();
    assert!(unshown(&store, 9_000).await.is_empty());
    let delivery = claim(&store, 1_000).await.remove(0);
    let again = Tried::Again {
        due: at(11_000),
        problem: "connection refused\0".to_owned(),
    };
    store
        .delivery_tried(&delivery, &again, at(1_500))
        .await
        .unwrap();
    assert_eq!(unshown(&store, 9_000).await, ["a"]);
    let problems = store.delivery_problems(&account(), at(0)).await.unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].next_try, Some(at(11_000)));
    assert_eq!(problems[0].problem, "connection refused\u{fffd}");

    assert!(claim(&store, 10_999).await.is_empty());
    let delivery = claim(&store, 11_000).await.remove(0);
    let failed = Tried::Failed {
        problem: "gone".to_owned(),
    };
    store
        .delivery_tried(&delivery, &failed, at(12_000))
        .await
        .unwrap();
    let problems = store
        .delivery_problems(&account(), at(12_000))
        .await
        .unwrap();
    assert_eq!(
        (problems[0].next_try, problems[0].problem.as_str()),
        (None, "gone")
    );
    assert!(
        store
            .delivery_problems(&account(), at(12_001))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(claim(&store, 999_999).await.is_empty());
}

async fn a_removed_channel_takes_its_deliveries_along(database: Database) {
    let store = store_with(&database, &["one", "two"]).await;
    store.notice_add(&notice("a")).await.unwrap();
    let claimed = claim(&store, 1_000).await;
    store
        .delivery_tried(&claimed[1], &Tried::Sent, at(1_001))
        .await
        .unwrap();
    store.channel_remove(&account(), "one").await.unwrap();
    store.channel_remove(&account(), "two").await.unwrap();
    let tried = store
        .delivery_tried(&claimed[0], &Tried::Sent, at(1_002))
        .await;
    assert_eq!(tried, Err(Error::Stale));
    let listed = store.notice_list(&account(), 1).await.unwrap();
    let left: Vec<&str> = listed[0]
        .deliveries
        .iter()
        .map(|one| one.channel.as_str())
        .collect();
    assert_eq!(left, ["two"]);
    let again = store.channel_remove(&account(), "one").await;
    assert_eq!(again, Err(Error::NotFound));
}

async fn a_clock_that_was_set_back_puts_no_delivery_off(database: Database) {
    const HOURS: i64 = 5 * 3_600_000;
    let store = store_with(&database, &["desk"]).await;
    store.notice_add(&notice("a")).await.unwrap();
    let first = claim(&store, HOURS).await.remove(0);
    // Its try was never noted.
    let second = claim(&store, 1_000).await.remove(0);
    assert_eq!((first.attempts, second.attempts), (1, 2));
    assert!(claim(&store, 2_000).await.is_empty());
    let again = Tried::Again {
        due: at(HOURS + 10_000),
        problem: "busy".into(),
    };
    let tried = store.delivery_tried(&second, &again, at(HOURS)).await;
    tried.unwrap();
    let third = claim(&store, 3_000).await.remove(0);
    // What a receiver asks for is long, and is kept.
    let again = Tried::Again {
        due: at(3_000 + 86_400_000),
        problem: "busy".into(),
    };
    let tried = store.delivery_tried(&third, &again, at(3_500)).await;
    tried.unwrap();
    assert!(claim(&store, 4_000).await.is_empty());
}

async fn no_account_takes_more_than_its_part_and_what_is_urgent_goes_first(database: Database) {
    let store = store_with(&database, &["one", "two"]).await;
    let other = AccountId::from_entropy(2);
    store.account_ensure(&other, "other", at(1)).await.unwrap();
    let theirs = Channel {
        account: other.clone(),
        ..channel("theirs")
    };
    store.channel_add(&theirs).await.unwrap();
    for number in 0..5 {
        let early = notice(&format!("n{number}"));
        store.notice_add(&early).await.unwrap();
    }
    let late = |account, kind, key| Notice {
        account,
        kind,
        pod: None,
        at: at(1_001),
        ..notice(key)
    };
    for late in [
        late(account(), NoticeKind::OutOfCredit, "urgent"),
        late(other.clone(), NoticeKind::Idle, "of the other"),
    ] {
        store.notice_add(&late).await.unwrap();
    }
    let take = async |limit| {
        let taken = store.delivery_claim(at(2_000), at(60_000), limit, 3).await;
        let taken = taken.unwrap().into_iter();
        let mut keys: Vec<String> = taken.map(|one| one.notice.key).collect();
        keys.sort();
        keys
    };
    assert_eq!(take(2).await, ["urgent", "urgent"], "to both channels");
    assert_eq!(take(1).await, ["of the other"], "who has fewer under way");
    assert_eq!(take(100).await, ["n0"], "three are under way");
    assert_eq!(take(100).await, [""; 0]);
    // A try that is over makes room.
    let done = store.delivery_claim(at(60_000), at(120_000), 1, 3).await;
    let done = done.unwrap().remove(0);
    assert_eq!(done.notice.key, "urgent");
    let tried = store.delivery_tried(&done, &Tried::Sent, at(60_001)).await;
    tried.unwrap();
    let next = store.delivery_claim(at(60_002), at(120_000), 100, 3).await;
    assert_eq!(next.unwrap().len(), 4, "three, and one of the other");
}

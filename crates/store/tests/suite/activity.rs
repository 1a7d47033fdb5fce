//! What is known of pods' use survives, and policies come up for a look when something changed.

use crate::database::{Database, on_both};
use crate::samples::{at, bare_pod, full_pod, with_account};
use livery_domain::account::AccountSettings;
use livery_domain::pod::{Activity, Desired, IdleAction, IdlePolicy, PodUse, Usage};
use livery_store::{Credit, Store};
use livery_units::{Bytes, Money, PodId, Span};

on_both!(
    what_is_known_survives_and_is_replaced,
    a_pod_without_a_policy_of_its_own_has_its_accounts,
    a_look_is_due_at_its_time_and_when_something_changed,
    a_look_is_due_when_the_accounts_idle_rule_is_another,
);

fn known(idle_ms: u64) -> Activity {
    Activity {
        active_at: at(1_000),
        used: PodUse::Network,
        idle: Span::from_millis(idle_ms),
        sampled: at(2_000),
        base: Usage {
            host_uptime: Span::from_millis(70_000),
            cpu_micros: u64::MAX >> 1,
            network: Bytes::new(6),
            written: Bytes::new(7),
            gpu_at: None,
            session_at: None,
        },
        idle_at_base: Span::from_millis(3),
    }
}

async fn what_is_known_survives_and_is_replaced(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let mut all = Vec::new();
    for number in 1..=70_u64 {
        let pod = bare_pod(number.into());
        store.pod_insert(&pod).await.unwrap();
        all.push((pod.id, known(number)));
    }
    let ids: Vec<PodId> = all.iter().map(|(pod, _)| pod.clone()).collect();
    assert!(store.pod_activities(&ids).await.unwrap().is_empty());
    store.pod_activity_set(&all).await.unwrap();
    let found = store.pod_activities(&ids).await.unwrap();
    assert_eq!(found, all.iter().cloned().collect());

    all[3].1 = known(999);
    store.pod_activity_set(&all[3..4]).await.unwrap();
    let found = store.pod_activities(&ids[3..5]).await.unwrap();
    assert_eq!(found, all[3..5].iter().cloned().collect());
    let nobodys = (PodId::from_entropy(12_345), known(1));
    assert!(store.pod_activity_set(&[nobodys]).await.is_err());
}

async fn a_pod_without_a_policy_of_its_own_has_its_accounts(database: Database) {
    let store = database.store().await;
    let account = with_account(&store, Credit::Owner).await;
    let (own, bare) = (full_pod(1), bare_pod(2));
    let mut ended = bare_pod(3);
    ended.ended = Some(at(9));
    for pod in [&own, &bare, &ended] {
        store.pod_insert(pod).await.unwrap();
    }
    let ids = [own.id.clone(), bare.id.clone(), ended.id.clone()];
    let idle = async |store: &Store, pod: &PodId| {
        let watched = store.pod_watched(&ids).await.unwrap();
        assert_eq!(watched.len(), 2, "what has ended is not watched");
        let found = watched.into_iter().find(|one| one.pod == *pod);
        found.unwrap().idle
    };
    assert_eq!(idle(&store, &own.id).await, own.policy.idle);
    assert_eq!(idle(&store, &bare.id).await, None);

    let accounts = IdlePolicy {
        after: Span::from_secs(1_800),
        action: IdleAction::Remind,
    };
    let settings = AccountSettings {
        idle: Some(accounts),
        ..AccountSettings::default()
    };
    let seen = store.account_stand(&account).await.unwrap();
    store.account_settle(&seen, &settings, None).await.unwrap();
    assert_eq!(idle(&store, &own.id).await, own.policy.idle);
    assert_eq!(idle(&store, &bare.id).await, Some(accounts));
}

async fn a_look_is_due_at_its_time_and_when_something_changed(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let pod = bare_pod(1);
    store.pod_insert(&pod).await.unwrap();
    let due = async |now: i64| {
        let pods = store.pod_policy_due(at(now), at(now + 100), 10).await;
        !pods.unwrap().is_empty()
    };
    assert!(due(1).await, "a new pod is looked at at once");
    let rest = |generation, due| [(pod.id.clone(), generation, due)];
    store.pod_policy_rest(&rest(0, Some(at(50)))).await.unwrap();
    assert!(!due(49).await && due(50).await);
    assert!(due(-60).await, "the clock was set back");

    store.pod_policy_rest(&rest(0, None)).await.unwrap();
    assert!(!due(50).await && !due(-60).await);
    let mut changed = pod.clone();
    changed.observed_at = Some(at(60));
    let mut changed = store.pod_update(&changed).await.unwrap();
    assert!(!due(60).await, "that it was seen again changes nothing");
    changed.started = Some(at(61));
    let mut changed = store.pod_update(&changed).await.unwrap();
    assert!(due(61).await, "it came up");

    store.pod_policy_rest(&rest(0, None)).await.unwrap();
    assert!(due(61).await, "the look was at an older row");
    store
        .pod_policy_rest(&rest(changed.generation, None))
        .await
        .unwrap();
    assert!(!due(61).await);
    changed.desired = match changed.desired {
        Desired::Gone => Desired::Stopped,
        Desired::Running | Desired::Stopped => Desired::Gone,
    };
    let mut changed = store.pod_update(&changed).await.unwrap();
    assert!(due(62).await, "something else is wanted");
    store
        .pod_policy_rest(&rest(changed.generation, None))
        .await
        .unwrap();
    changed.policy.stop_after = Some(Span::from_secs(1));
    store.pod_update(&changed).await.unwrap();
    assert!(due(63).await, "its policy is another");
}

async fn a_look_is_due_when_the_accounts_idle_rule_is_another(database: Database) {
    let store = database.store().await;
    let account = with_account(&store, Credit::Owner).await;
    let pod = bare_pod(1);
    store.pod_insert(&pod).await.unwrap();
    let due = async |now: i64| {
        let pods = store.pod_policy_due(at(now), at(now + 100), 10).await;
        !pods.unwrap().is_empty()
    };
    let rest = |generation, due| [(pod.id.clone(), generation, due)];
    store.pod_policy_rest(&rest(0, None)).await.unwrap();
    let seen = store.account_stand(&account).await.unwrap();
    let mut settings = AccountSettings::default();
    settings.limits.day = Some(Money::from_nanos(1));
    store.account_settle(&seen, &settings, None).await.unwrap();
    assert!(!due(64).await, "that has nothing to do with it");
    let seen = store.account_stand(&account).await.unwrap();
    settings.idle = Some(IdlePolicy {
        after: Span::from_secs(1_800),
        action: IdleAction::Remind,
    });
    store.account_settle(&seen, &settings, None).await.unwrap();
    assert!(due(64).await, "its account's idle rule is another");
    store.pod_policy_rest(&rest(0, None)).await.unwrap();
    assert!(due(64).await, "the look was by the settings before");
    let now = store.pod_fetch(&pod.id).await.unwrap();
    store
        .pod_policy_rest(&rest(now.generation, None))
        .await
        .unwrap();
    assert!(!due(64).await);
}

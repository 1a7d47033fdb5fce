//! Pods survive a round trip and are changed by one writer at a time.

use crate::database::{Database, on_both};
use crate::samples::{account, at, bare_pod, full_pod, full_run, with_account};
use livery_domain::pod::{Desired, Observed};
use livery_store::{Credit, Error, Which};
use livery_units::{AccountId, LaunchKey, PodId};

on_both!(
    every_field_survives,
    a_taken_id_or_key_is_refused,
    listings_are_newest_first_and_leave_out_what_has_ended,
    what_lives_or_has_ended_lately_is_listed_without_the_rest,
    a_run_has_its_own_pods_and_no_others,
    an_old_generation_is_stale,
    eight_writers_lose_no_change,
);

async fn every_field_survives(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    for pod in [full_pod(1), bare_pod(2)] {
        store.pod_insert(&pod).await.unwrap();
        assert_eq!(store.pod_fetch(&pod.id).await.unwrap(), pod);
        let by_key = store.pod_by_key(&pod.launch_key).await.unwrap();
        assert_eq!(by_key, Some(pod));
    }
    let mut changed = bare_pod(2);
    changed.foreign_id = Some("x".to_owned());
    changed.desired = Desired::Gone;
    changed.observed = Observed::Absent;
    changed.ended = Some(at(9));
    let written = store.pod_update(&changed).await.unwrap();
    assert_eq!(written.generation, 1);
    assert_eq!(store.pod_fetch(&changed.id).await.unwrap(), written);
    let unknown = store.pod_fetch(&PodId::from_entropy(77)).await;
    assert_eq!(unknown, Err(Error::NotFound));
    let unknown = store.pod_by_key(&LaunchKey::from_entropy(77)).await;
    assert_eq!(unknown, Ok(None));
}

async fn a_taken_id_or_key_is_refused(database: Database) {
    let store = database.store().await;
    let orphan = store.pod_insert(&full_pod(1)).await;
    assert!(matches!(orphan, Err(Error::Refused(_))), "{orphan:?}");
    with_account(&store, Credit::Owner).await;
    store.pod_insert(&full_pod(1)).await.unwrap();
    assert_eq!(store.pod_insert(&full_pod(1)).await, Err(Error::Exists));
    let mut same_key = full_pod(2);
    same_key.launch_key = full_pod(1).launch_key;
    assert_eq!(store.pod_insert(&same_key).await, Err(Error::Exists));
}

async fn listings_are_newest_first_and_leave_out_what_has_ended(database: Database) {
    let store = database.store().await;
    let account = with_account(&store, Credit::Owner).await;
    for number in 1..=4 {
        let mut pod = full_pod(number);
        pod.created = at(i64::try_from(number).unwrap());
        pod.ended = (number == 2).then(|| at(50));
        store.pod_insert(&pod).await.unwrap();
    }
    let nobody = AccountId::from_entropy(8);
    for (account, which, wanted) in [
        (None, Which::All, vec![4, 3, 2, 1]),
        (None, Which::Live, vec![4, 3, 1]),
        (Some(&account), Which::All, vec![4, 3, 2, 1]),
        (Some(&account), Which::Live, vec![4, 3, 1]),
        (Some(&nobody), Which::All, vec![]),
    ] {
        let pods = store.pod_list(account, which).await.unwrap();
        let created: Vec<i64> = pods.iter().map(|pod| pod.created.millis()).collect();
        assert_eq!(created, wanted, "{account:?} {which:?}");
    }
}

async fn what_lives_or_has_ended_lately_is_listed_without_the_rest(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let mut wanted = Vec::new();
    for (number, ended) in [None, Some(9), Some(10), Some(11)].into_iter().enumerate() {
        let mut pod = bare_pod(u128::try_from(number).unwrap());
        pod.ended = ended.map(at);
        store.pod_insert(&pod).await.unwrap();
        let mut run = full_run(u128::try_from(number).unwrap());
        run.ended = ended.map(at);
        store.run_insert(&run).await.unwrap();
        if ended != Some(9) {
            wanted.push((pod.id, run.id));
        }
    }
    let account = account();
    let pods = store.pod_list_since(&account, at(10)).await.unwrap();
    let runs = store.run_list_since(&account, at(10)).await.unwrap();
    let mut found: Vec<_> = pods.into_iter().map(|pod| pod.id).collect();
    found.sort();
    let (mut pods, mut runs_wanted): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
    pods.sort();
    assert_eq!(found, pods);
    let mut found: Vec<_> = runs.into_iter().map(|run| run.id).collect();
    found.sort();
    runs_wanted.sort();
    assert_eq!(found, runs_wanted);
    let other = AccountId::from_entropy(77);
    assert_eq!(store.pod_list_since(&other, at(0)).await, Ok(Vec::new()));
    assert_eq!(store.run_list_since(&other, at(0)).await, Ok(Vec::new()));
}

async fn a_run_has_its_own_pods_and_no_others(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let run = full_run(7).id;
    for number in 0..3 {
        let mut pod = bare_pod(number);
        pod.run = (number != 1).then(|| run.clone());
        store.pod_insert(&pod).await.unwrap();
    }
    let found = store.pod_list_of_run(&run).await.unwrap();
    let mut ids: Vec<_> = found.into_iter().map(|pod| pod.id).collect();
    ids.sort();
    let mut wanted = vec![bare_pod(0).id, bare_pod(2).id];
    wanted.sort();
    assert_eq!(ids, wanted);
}

async fn an_old_generation_is_stale(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let pod = full_pod(1);
    assert_eq!(store.pod_update(&pod).await, Err(Error::NotFound));
    store.pod_insert(&pod).await.unwrap();
    let written = store.pod_update(&pod).await.unwrap();
    assert_eq!(store.pod_update(&pod).await, Err(Error::Stale));
    assert_eq!(store.pod_update(&written).await.unwrap().generation, 2);
}

async fn eight_writers_lose_no_change(database: Database) {
    const WRITERS: u32 = 8;
    const CHANGES: u32 = 10;
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let pod = bare_pod(1);
    store.pod_insert(&pod).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        // Half of them through a store of their own, as another process would.
        let store = match writer % 2 {
            0 => store.clone(),
            _ => database.store().await,
        };
        let id = pod.id.clone();
        writers.spawn(async move {
            let mut left = CHANGES;
            while left > 0 {
                let mut pod = store.pod_fetch(&id).await.unwrap();
                pod.attempts += 1;
                match store.pod_update(&pod).await {
                    Ok(_) => left -= 1,
                    Err(error) => assert_eq!(error, Error::Stale),
                }
            }
        });
    }
    writers.join_all().await;
    let pod = store.pod_fetch(&pod.id).await.unwrap();
    assert_eq!(pod.attempts, WRITERS * CHANGES);
    assert_eq!(pod.generation, i64::from(WRITERS * CHANGES));
}

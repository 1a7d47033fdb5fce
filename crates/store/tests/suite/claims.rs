//! A claim is given once, expires, is renewed, and loses no nudge.

use crate::database::{Database, on_both};
use crate::samples::{at, bare_pod, full_run, with_account};
use livery_domain::pod::Pod;
use livery_store::{Credit, Store};
use livery_units::{ClaimToken, PodId};
use std::collections::BTreeSet;

on_both!(
    no_row_is_claimed_twice,
    a_claim_expires_and_can_be_renewed,
    a_lost_claim_releases_nothing,
    a_nudge_during_a_claim_is_not_lost,
    what_has_ended_is_not_claimed,
    runs_are_claimed_with_their_secrets,
    a_sole_control_plane_forgets_the_claims_of_the_last_one,
    what_a_clock_that_was_set_back_put_off_is_due_now,
);

fn token(number: u128) -> ClaimToken {
    ClaimToken::from_entropy(number)
}

async fn one_pod(store: &Store) -> Pod {
    with_account(store, Credit::Owner).await;
    let pod = bare_pod(1);
    store.pod_insert(&pod).await.unwrap();
    pod
}

async fn no_row_is_claimed_twice(database: Database) {
    const PODS: u128 = 60;
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    for number in 0..PODS {
        store.pod_insert(&bare_pod(number)).await.unwrap();
    }
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let store = match worker % 2 {
            0 => store.clone(),
            _ => database.store().await,
        };
        workers.spawn(async move {
            let mut claimed: Vec<PodId> = Vec::new();
            let mut empty = 0;
            // Nothing claimed may mean that others were faster at these rows: look again.
            while empty < 20 {
                let token = token(worker);
                let pods = store.pod_claim(&token, at(100), at(900), 7).await.unwrap();
                assert!(pods.len() <= 7);
                empty = if pods.is_empty() { empty + 1 } else { 0 };
                claimed.extend(pods.into_iter().map(|pod| pod.id));
            }
            claimed
        });
    }
    let claimed: Vec<PodId> = workers.join_all().await.into_iter().flatten().collect();
    let different: BTreeSet<&PodId> = claimed.iter().collect();
    assert_eq!(different.len(), claimed.len(), "a pod was claimed twice");
    assert_eq!(claimed.len(), usize::try_from(PODS).unwrap());
}

async fn a_claim_expires_and_can_be_renewed(database: Database) {
    let store = database.store().await;
    let pod = one_pod(&store).await;
    let claim = async |worker: u128, now: i64| {
        let token = token(worker);
        let pods = store.pod_claim(&token, at(now), at(now + 100), 9).await;
        pods.unwrap().len()
    };
    assert_eq!(claim(1, 1_000).await, 1);
    assert_eq!(claim(2, 1_099).await, 0);
    let renewed = store.pod_claim_renew(&pod.id, &token(1), at(1_300)).await;
    assert_eq!(renewed, Ok(true));
    assert_eq!(claim(2, 1_299).await, 0);
    assert_eq!(claim(2, 1_300).await, 1);
    let renewed = store.pod_claim_renew(&pod.id, &token(1), at(2_000)).await;
    assert_eq!(renewed, Ok(false));
}

async fn a_lost_claim_releases_nothing(database: Database) {
    let store = database.store().await;
    let pod = one_pod(&store).await;
    let claim = async |worker: u128, now: i64| {
        let token = token(worker);
        let pods = store.pod_claim(&token, at(now), at(now + 100), 9).await;
        pods.unwrap().len()
    };
    assert_eq!(claim(1, 0).await, 1);
    assert_eq!(claim(2, 100).await, 1);
    let release = store.pod_release(&pod.id, &token(1), at(0)).await;
    assert_eq!(release, Ok(()));
    assert_eq!(claim(3, 150).await, 0);
    store
        .pod_release(&pod.id, &token(2), at(180))
        .await
        .unwrap();
    assert_eq!(claim(3, 179).await, 0);
    assert_eq!(claim(3, 180).await, 1);
}

async fn a_nudge_during_a_claim_is_not_lost(database: Database) {
    let store = database.store().await;
    let pod = one_pod(&store).await;
    let claim = async |worker: u128, now: i64| {
        let token = token(worker);
        let pods = store.pod_claim(&token, at(now), at(now + 100), 9).await;
        pods.unwrap().len()
    };
    assert_eq!(claim(1, 10).await, 1);
    store.pod_nudge(&pod.id).await.unwrap();
    assert_eq!(claim(2, 11).await, 0);
    let renewed = store.pod_claim_renew(&pod.id, &token(1), at(200)).await;
    assert_eq!(renewed, Ok(true));
    store
        .pod_release(&pod.id, &token(1), at(5_000))
        .await
        .unwrap();
    assert_eq!(claim(2, 12).await, 1);
    // That claim is the look which the nudge asked for.
    store
        .pod_release(&pod.id, &token(2), at(5_000))
        .await
        .unwrap();
    assert_eq!(claim(2, 4_999).await, 0);
    store.pod_nudge(&pod.id).await.unwrap();
    assert_eq!(claim(2, 13).await, 1);
}

async fn what_has_ended_is_not_claimed(database: Database) {
    let store = database.store().await;
    let mut pod = one_pod(&store).await;
    pod.ended = Some(at(5));
    store.pod_update(&pod).await.unwrap();
    store.pod_nudge(&pod.id).await.unwrap();
    let pods = store.pod_claim(&token(1), at(10), at(20), 9).await.unwrap();
    assert_eq!(pods, []);
}

async fn runs_are_claimed_with_their_secrets(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let run = full_run(1);
    store.run_insert(&run).await.unwrap();
    let early = store.run_claim(&token(1), at(499), at(600), 9).await;
    assert_eq!(early.unwrap(), []);
    let claimed = store.run_claim(&token(1), at(500), at(600), 9).await;
    let [claimed] = claimed.unwrap().try_into().unwrap();
    assert_eq!(claimed.submission, run.submission);
    let again = store.run_claim(&token(2), at(599), at(700), 9).await;
    assert_eq!(again.unwrap(), []);
    let renewed = store.run_claim_renew(&run.id, &token(1), at(800)).await;
    assert_eq!(renewed, Ok(true));
    store
        .run_release(&run.id, &token(1), at(900))
        .await
        .unwrap();
    store.run_nudge(&run.id).await.unwrap();
    let claimed = store.run_claim(&token(2), at(601), at(700), 9).await;
    assert_eq!(claimed.unwrap().len(), 1);
}

async fn a_sole_control_plane_forgets_the_claims_of_the_last_one(database: Database) {
    let store = database.store().await;
    let pod = one_pod(&store).await;
    let dead = token(1);
    assert_eq!(
        store
            .pod_claim(&dead, at(100), at(900), 7)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        store
            .pod_claim(&token(2), at(101), at(900), 7)
            .await
            .unwrap()
            .is_empty()
    );
    store.claims_forget().await.unwrap();
    assert_eq!(
        store
            .pod_claim(&token(2), at(101), at(900), 7)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        !store
            .pod_claim_renew(&pod.id, &dead, at(950))
            .await
            .unwrap()
    );
}

/// The hours by which a clock was ahead are no hours in which a row is out of reach.
async fn what_a_clock_that_was_set_back_put_off_is_due_now(database: Database) {
    const HOURS: i64 = 5 * 3_600_000;
    let store = database.store().await;
    let pod = one_pod(&store).await;
    let claim = async |worker: u128, now: i64| {
        let token = token(worker);
        let pods = store.pod_claim(&token, at(now), at(now + 30_000), 9).await;
        pods.unwrap().len()
    };
    let release = async |worker: u128, due: i64| {
        let released = store.pod_release(&pod.id, &token(worker), at(due)).await;
        released.unwrap();
    };
    assert_eq!(claim(1, HOURS).await, 1);
    release(1, HOURS + 60_000).await;
    assert_eq!(claim(2, 1_000).await, 1, "it rests for hours");
    assert_eq!(claim(3, 2_000).await, 0, "and the new claim stands");
    release(2, 60_000).await;
    assert_eq!(claim(3, 59_999).await, 0, "as does its new rest");
    assert_eq!(claim(3, 60_000).await, 1);
    release(3, 0).await;
    // A claim of somebody who died, with a nudge besides or without.
    assert_eq!(claim(4, HOURS).await, 1);
    assert_eq!(claim(5, 3_000).await, 1, "it is claimed for hours");
    release(5, 0).await;
    assert_eq!(claim(6, HOURS).await, 1);
    store.pod_nudge(&pod.id).await.unwrap();
    assert_eq!(claim(7, 4_000).await, 1, "a nudge waits for hours");
}

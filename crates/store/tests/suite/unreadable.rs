//! A row that cannot be read, damaged or a newer program's, keeps no other from its listing.

use crate::database::{Database, on_both};
use crate::meters::{apply, opened, up};
use crate::orphans::orphan;
use crate::reminders::{claim, notice, store_with};
use crate::samples::{at, bare_pod, full_pod, full_run, metered, with_account};
use crate::volumes::volume;
use livery_domain::pod::Pod;
use livery_store::{Credit, Error, Store, Which};
use livery_units::{AccountId, ClaimToken};

on_both!(
    pods_are_listed_claimed_and_watched_without_it,
    volumes_are_listed_and_claimed_without_it,
    runs_are_claimed_without_it_and_their_list_says_so,
    meters_are_charged_without_it,
    accounts_are_seen_to_without_it,
    deliveries_and_orphans_go_on_without_it,
);

/// The database as the test's own SQL reaches it.
fn raw(database: &Database) -> Database {
    let url = database.url.replace("li very?#%41", "li%20very%3F%23%2541");
    Database { url }
}

fn token() -> ClaimToken {
    ClaimToken::from_entropy(1)
}

fn ids(pods: Vec<Pod>) -> Vec<String> {
    pods.into_iter().map(|pod| pod.id.to_string()).collect()
}

async fn pods_are_listed_claimed_and_watched_without_it(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let (bad, good) = (full_pod(1), bare_pod(2));
    for pod in [&bad, &good] {
        store.pod_insert(pod).await.unwrap();
    }
    let both = [bad.id.clone(), good.id.clone()];
    assert_eq!(store.pod_watched(&both).await.unwrap().len(), 2);
    raw(&database)
        .sabotage("UPDATE pods SET pod_order = '{}', policy = 'odd' WHERE attempts = 3")
        .await;
    let wanted = [good.id.to_string()];
    let listed = store.pod_list(None, Which::Live).await.unwrap();
    assert_eq!(ids(listed), wanted);
    let due = store.pod_policy_due(at(9), at(99), 10).await.unwrap();
    assert_eq!(ids(due), wanted);
    let watched = store.pod_watched(&both).await.unwrap();
    assert_eq!((watched.len(), &watched[0].pod), (1, &good.id));
    let claimed = store.pod_claim(&token(), at(9), at(99), 10).await.unwrap();
    assert_eq!(ids(claimed), wanted);
    // Whoever must know of everything is told what is left out.
    let unread = store.pod_unread(&bad.account).await.unwrap();
    assert_eq!((unread.len(), unread[0].id.as_str()), (1, bad.id.as_str()));
    assert!(unread[0].why.contains("damaged"), "{unread:?}");
    // Whoever asks for that one is told.
    let fetched = store.pod_fetch(&bad.id).await;
    assert!(matches!(fetched, Err(Error::Corrupt(_))), "{fetched:?}");
    let by_key = store.pod_by_key(&bad.launch_key).await;
    assert!(matches!(by_key, Err(Error::Corrupt(_))), "{by_key:?}");
}

async fn volumes_are_listed_and_claimed_without_it(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    for number in [1, 2] {
        store.volume_insert(&volume(number)).await.unwrap();
    }
    raw(&database)
        .sabotage("UPDATE volumes SET desired = 'odd' WHERE name = 'data-1'")
        .await;
    let listed = store.volume_list(None, Which::Live).await.unwrap();
    assert_eq!(listed, [volume(2)]);
    let unread = store.volume_unread(&volume(1).account).await.unwrap();
    assert_eq!(unread.len(), 1);
    assert_eq!(unread[0].id, volume(1).id.as_str());
    let claimed = store.volume_claim(&token(), at(9), at(99), 10).await;
    assert_eq!(claimed.unwrap(), [volume(2)]);
    let fetched = store.volume_fetch(&volume(1).id).await;
    assert!(matches!(fetched, Err(Error::Corrupt(_))), "{fetched:?}");
}

async fn runs_are_claimed_without_it_and_their_list_says_so(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let (mut bad, good) = (full_run(1), full_run(2));
    bad.name = "bad".to_owned();
    for run in [&bad, &good] {
        store.run_insert(run).await.unwrap();
    }
    raw(&database)
        .sabotage("UPDATE runs SET submission = '{}' WHERE name = 'bad'")
        .await;
    let claimed = store
        .run_claim(&token(), at(900), at(999), 10)
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].id, good.id);
    let unread = store.run_unread(&bad.account).await.unwrap();
    assert_eq!((unread.len(), unread[0].id.as_str()), (1, bad.id.as_str()));
    // What the list names is kept; what it leaves out would be dropped.
    let listed = store.run_list(None, Which::All).await;
    assert!(matches!(listed, Err(Error::Corrupt(_))), "{listed:?}");
}

async fn meters_are_charged_without_it(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    for number in [1, 2] {
        up(&store, number).await;
        let meter = metered(number, at(0), at(0));
        apply(&store, &[opened(meter)]).await.unwrap();
    }
    let due = async |store: &Store| store.meter_list_due(at(60_000), 10).await.unwrap();
    assert_eq!(due(&store).await.len(), 2);
    raw(&database)
        .sabotage("UPDATE pods SET observed = 'odd' WHERE id = (SELECT MIN(id) FROM pods)")
        .await;
    assert_eq!(due(&store).await.len(), 1);
}

async fn accounts_are_seen_to_without_it(database: Database) {
    let store = database.store().await;
    for (number, name) in [(1, "good"), (2, "bad")] {
        let id = AccountId::from_entropy(number);
        store.account_ensure(&id, name, at(1)).await.unwrap();
    }
    raw(&database)
        .sabotage("UPDATE accounts SET settings = 'odd' WHERE name = 'bad'")
        .await;
    let stands = store.account_stands().await.unwrap();
    let names: Vec<_> = stands.iter().map(|stand| stand.name.as_str()).collect();
    assert_eq!(names, ["good"]);
    let bad = store.account_stand(&AccountId::from_entropy(2)).await;
    assert!(matches!(bad, Err(Error::Corrupt(_))), "{bad:?}");
}

async fn deliveries_and_orphans_go_on_without_it(database: Database) {
    let store = store_with(&database, &["good", "bad"]).await;
    store.notice_add(&notice("a")).await.unwrap();
    for number in [1, 2] {
        store.orphan_saw(&orphan(number, 10)).await.unwrap();
    }
    raw(&database)
        .sabotage("UPDATE channels SET route = 'odd' WHERE name = 'bad'")
        .await;
    raw(&database)
        .sabotage("UPDATE orphans SET kind = 'odd' WHERE foreign_id = 'machine-1'")
        .await;
    let claimed = claim(&store, 1_000).await;
    let names: Vec<_> = claimed
        .iter()
        .map(|one| one.channel.name.as_str())
        .collect();
    assert_eq!(names, ["good"]);
    let listed = store.orphan_list(Which::Live).await.unwrap();
    assert_eq!(listed, [orphan(2, 10)]);
}

//! Accounts, tokens, hosts, settings and tasks' status rows.

use crate::database::{Database, on_both};
use crate::samples::at;
use livery_store::{Account, Credit, Error, HostRow, TaskRun};
use livery_units::{AccountId, ContentHash, HostId, Money, Per, Rate};

on_both!(
    an_account_is_made_once,
    tokens_are_known_by_their_hash,
    a_token_that_is_rotated_ends_when_it_was_said_and_another_takes_its_place,
    hosts_are_kept,
    settings_are_kept,
    tasks_count_their_activations,
);

async fn an_account_is_made_once(database: Database) {
    let store = database.store().await;
    let (id, other) = (AccountId::from_entropy(1), AccountId::from_entropy(2));
    assert_eq!(store.account_fetch(&id).await, Err(Error::NotFound));
    let unknown = store.account_credit_set(&id, Credit::Owner).await;
    assert_eq!(unknown, Err(Error::NotFound));
    store.account_ensure(&id, "first", at(1)).await.unwrap();
    store.account_credit_set(&id, Credit::Owner).await.unwrap();
    store.account_ensure(&id, "second", at(2)).await.unwrap();
    let taken = store.account_ensure(&other, "first", at(3)).await;
    assert_eq!(taken, Err(Error::Exists));
    store.account_ensure(&other, "other", at(3)).await.unwrap();
    let account = |id, name: &str, created, credit| Account {
        id,
        name: name.to_owned(),
        created: at(created),
        credit,
    };
    let wanted = [
        account(id, "first", 1, Credit::Owner),
        account(other, "other", 3, Credit::Prepaid),
    ];
    assert_eq!(store.account_list().await.unwrap(), wanted);
    let fetched = store.account_fetch(&wanted[1].id).await;
    assert_eq!(fetched.as_ref(), Ok(&wanted[1]));
}

async fn tokens_are_known_by_their_hash(database: Database) {
    let store = database.store().await;
    let (id, hash) = (AccountId::from_entropy(1), ContentHash::from_bytes([1; 32]));
    let orphan = store.token_insert(hash, &id, "laptop", at(1)).await;
    assert!(matches!(orphan, Err(Error::Refused(_))), "{orphan:?}");
    store.account_ensure(&id, "owner", at(1)).await.unwrap();
    store
        .token_insert(hash, &id, "laptop", at(5))
        .await
        .unwrap();
    let again = store.token_insert(hash, &id, "x", at(6)).await;
    assert_eq!(again, Err(Error::Exists));
    let known = store.token_fetch(hash, at(6)).await.unwrap().unwrap();
    assert_eq!((&known.account, known.used), (&id, None));
    let [token] = store.token_list().await.unwrap().try_into().unwrap();
    assert_eq!((token.label.as_str(), token.created), ("laptop", at(5)));
    store.token_delete(hash).await.unwrap();
    store.token_delete(hash).await.unwrap();
    assert_eq!(store.token_fetch(hash, at(7)).await, Ok(None));
}

async fn a_token_that_is_rotated_ends_when_it_was_said_and_another_takes_its_place(
    database: Database,
) {
    let store = database.store().await;
    let id = AccountId::from_entropy(1);
    store.account_ensure(&id, "lab", at(1)).await.unwrap();
    let [old, new, newer, other] = [1, 2, 3, 4].map(|byte| ContentHash::from_bytes([byte; 32]));
    store.token_insert(old, &id, "ci", at(5)).await.unwrap();
    store.token_used_set(old, at(6)).await.unwrap();
    let made = store.token_rotate(old, new, at(100), at(10)).await;
    let made = made.unwrap().unwrap();
    assert_eq!((made.hash, &made.account), (new, &id));
    assert_eq!(
        (made.label.as_str(), made.account_name.as_str()),
        ("ci", "lab")
    );
    assert_eq!(
        (made.created, made.used, made.expires),
        (at(10), None, None)
    );
    let known = async |hash, now| store.token_fetch(hash, at(now)).await.unwrap();
    let before = known(old, 99).await.unwrap();
    assert_eq!((before.expires, before.used), (Some(at(100)), Some(at(6))));
    assert_eq!(known(old, 100).await, None);
    assert_eq!(known(new, 1_000).await, Some(made));

    // Another rotation does not make it last longer, and one at once ends it.
    store
        .token_rotate(old, newer, at(500), at(20))
        .await
        .unwrap();
    assert_eq!(known(old, 99).await.unwrap().expires, Some(at(100)));
    store
        .token_rotate(new, other, at(30), at(30))
        .await
        .unwrap();
    assert_eq!(known(new, 30).await, None);
    let gone = store.token_rotate(new, new, at(40), at(40)).await;
    assert_eq!(gone, Ok(None));
    // What has expired is forgotten when the next one is made.
    let last = ContentHash::from_bytes([5; 32]);
    store.token_insert(last, &id, "x", at(200)).await.unwrap();
    let left: Vec<_> = store.token_list().await.unwrap();
    let left: Vec<_> = left.iter().map(|token| token.hash).collect();
    assert_eq!(left, [newer, other, last]);
}

async fn hosts_are_kept(database: Database) {
    let store = database.store().await;
    let mut host = HostRow {
        id: HostId::from_entropy(1),
        name: "box".to_owned(),
        address: "unix:/run/agent.sock".to_owned(),
        price: Rate {
            amount: Money::from_nanos(17),
            per: Per::Second,
        },
        added: at(1),
        last_seen: None,
    };
    store.host_upsert(&host).await.unwrap();
    assert_eq!(store.host_list().await, Ok(vec![host.clone()]));
    host.last_seen = Some(at(9));
    host.address = "127.0.0.1:1".to_owned();
    let mut later = host.clone();
    later.added = at(99);
    store.host_upsert(&later).await.unwrap();
    assert_eq!(store.host_list().await, Ok(vec![host.clone()]));
    store.host_delete(&host.id).await.unwrap();
    store.host_delete(&host.id).await.unwrap();
    assert_eq!(store.host_list().await, Ok(Vec::new()));
}

async fn settings_are_kept(database: Database) {
    let store = database.store().await;
    assert_eq!(store.setting_get("identity").await, Ok(None));
    store.setting_set("identity", "a").await.unwrap();
    store.setting_set("identity", "b").await.unwrap();
    let setting = store.setting_get("identity").await;
    assert_eq!(setting, Ok(Some("b".to_owned())));
}

async fn tasks_count_their_activations(database: Database) {
    let store = database.store().await;
    for (began, ended) in [(1, 2), (5, 7)] {
        let set = store.task_status_set("pods", at(began), at(ended), "{\"driven\":1}");
        set.await.unwrap();
    }
    let wanted = TaskRun {
        name: "pods".to_owned(),
        started: at(5),
        finished: at(7),
        result_json: "{\"driven\":1}".to_owned(),
        activations: 2,
    };
    assert_eq!(store.task_status_list().await, Ok(vec![wanted]));
}

//! A database is brought up to date once, whoever comes first, and never by an older Livery.

use crate::database::{Database, on_both};
use crate::samples::at;
use livery_store::{Error, Store};
use livery_units::AccountId;

on_both!(
    opening_twice_changes_nothing,
    six_openers_at_once_agree,
    a_newer_database_is_refused,
);

async fn opening_twice_changes_nothing(database: Database) {
    let id = AccountId::from_entropy(1);
    let store = database.store().await;
    store.account_ensure(&id, "owner", at(1)).await.unwrap();
    store.close().await;
    let store = database.store().await;
    assert_eq!(store.account_fetch(&id).await.unwrap().name, "owner");
    assert_eq!(store.ledger_check().await, Ok(0));
}

async fn six_openers_at_once_agree(database: Database) {
    let mut openers = tokio::task::JoinSet::new();
    for number in 0..6 {
        let url = database.url.clone();
        openers.spawn(async move {
            let store = Store::open(&url).await.unwrap();
            let id = AccountId::from_entropy(number);
            store.account_ensure(&id, "x", at(1)).await.unwrap();
        });
    }
    openers.join_all().await;
    let accounts = database.store().await.account_list().await.unwrap();
    assert_eq!(accounts.len(), 6);
}

async fn a_newer_database_is_refused(database: Database) {
    database.store().await.close().await;
    let url = database.url.replace("li very?#%41", "li%20very%3F%23%2541");
    let raw = Database { url };
    raw.sabotage("INSERT INTO schema_version (version) VALUES (9999)")
        .await;
    let error = Store::open(&database.url).await.unwrap_err();
    assert!(
        matches!(error, Error::TooNew { found: 9_999, .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("use the newer Livery"),
        "{error}"
    );
}

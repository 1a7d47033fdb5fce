//! Logins at registries: one for each account and registry, and no trace of a password that went.

use crate::database::{Database, on_both, on_sqlite};
use crate::samples::{account, at, with_account};
use livery_domain::registry::{Credentials, RegistryLogin, RegistryName};
use livery_store::{Credit, Error};
use livery_units::{AccountId, Secret};
use std::fs;

on_both!(an_account_has_one_login_for_each_registry);

fn registry(name: &str) -> RegistryName {
    name.parse().unwrap()
}

fn login(name: &str, username: &str, millis: i64) -> RegistryLogin {
    RegistryLogin {
        account: account(),
        registry: registry(name),
        username: username.to_owned(),
        created: at(millis),
    }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

async fn an_account_has_one_login_for_each_registry(database: Database) {
    let store = database.store().await;
    let (first, password) = (login("ghcr.io", "ada", 1), secret("x"));
    let nobody = store.registry_login_set(&first, &password).await;
    assert!(matches!(nobody, Err(Error::Refused(_))), "{nobody:?}");
    with_account(&store, Credit::Prepaid).await;
    let other = AccountId::from_entropy(9);
    store.account_ensure(&other, "other", at(1)).await.unwrap();

    let set = async |login: &RegistryLogin, password: &str| {
        store
            .registry_login_set(login, &secret(password))
            .await
            .unwrap();
    };
    set(&login("localhost:5000", "ada", 1), "one").await;
    set(&login("docker.io", "ada", 2), "two").await;
    set(&login("docker.io", "eve", 3), "three").await;
    let theirs = RegistryLogin {
        account: other.clone(),
        ..login("docker.io", "bob", 4)
    };
    set(&theirs, "four").await;
    let kept = [
        login("docker.io", "eve", 3),
        login("localhost:5000", "ada", 1),
    ];
    assert_eq!(store.registry_login_list(&account()).await.unwrap(), kept);
    let hub = registry("docker.io");
    let known = store.registry_credentials(&account(), &hub).await.unwrap();
    let wanted = Credentials {
        username: "eve".to_owned(),
        password: secret("three"),
    };
    assert_eq!(known, Some(wanted));

    store.registry_login_remove(&account(), &hub).await.unwrap();
    let again = store.registry_login_remove(&account(), &hub).await;
    assert!(matches!(again, Err(Error::NotFound)), "{again:?}");
    assert_eq!(
        store.registry_credentials(&account(), &hub).await.unwrap(),
        None
    );
    assert_eq!(store.registry_login_list(&other).await.unwrap(), [theirs]);
}

#[test]
fn a_password_that_was_replaced_or_removed_is_not_in_the_file() {
    on_sqlite(async |database: Database| {
        let contains = |needle: &str| {
            let bytes = fs::read(database.file()).unwrap();
            let needle = needle.as_bytes();
            bytes.windows(needle.len()).any(|part| part == needle)
        };
        let store = database.store().await;
        with_account(&store, Credit::Owner).await;
        let ghcr = login("ghcr.io", "ada", 1);
        let first = secret("hunter2-hunter2");
        store.registry_login_set(&ghcr, &first).await.unwrap();
        store.close().await;
        assert!(contains("hunter2-hunter2"));
        let store = database.store().await;
        let second = secret("correct-horse");
        store.registry_login_set(&ghcr, &second).await.unwrap();
        store.close().await;
        assert!(!contains("hunter2-hunter2") && contains("correct-horse"));
        let store = database.store().await;
        store
            .registry_login_remove(&ghcr.account, &ghcr.registry)
            .await
            .unwrap();
        store.close().await;
        assert!(!contains("correct-horse"));
    });
}

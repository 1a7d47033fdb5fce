//! SQLite's file: private, and a clear error when it is damaged or cannot be there.

use crate::database::{Database, on_sqlite};
use crate::samples::{at, full_run, with_account};
use livery_store::{Credit, Error, Store};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_file_is_its_owners_alone() {
    on_sqlite(async |database: Database| {
        fs::write(database.file(), "").unwrap();
        fs::set_permissions(database.file(), fs::Permissions::from_mode(0o644)).unwrap();
        let store = database.store().await;
        with_account(&store, Credit::Owner).await;
        let files = fs::read_dir(database.file().parent().unwrap()).unwrap();
        let mut count = 0;
        for file in files {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            count += 1;
        }
        assert!(count >= 2, "the write-ahead log is there too");
    });
}

#[test]
fn a_forgotten_secret_is_not_in_the_file() {
    on_sqlite(async |database: Database| {
        let store = database.store().await;
        with_account(&store, Credit::Owner).await;
        let mut run = full_run(1);
        store.run_insert(&run).await.unwrap();
        store.close().await;
        let contains = || {
            let bytes = fs::read(database.file()).unwrap();
            let needle = b"hunter2-hunter2";
            bytes.windows(needle.len()).any(|part| part == needle)
        };
        assert!(contains());
        let store = database.store().await;
        run.ended = Some(at(5));
        store.run_update(&run).await.unwrap();
        store.close().await;
        assert!(!contains());
    });
}

#[test]
fn a_file_that_is_no_database_is_called_damaged() {
    on_sqlite(async |database: Database| {
        fs::write(database.file(), "This is not a database. ".repeat(400)).unwrap();
        let error = Store::open(&database.url).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
        assert!(error.to_string().contains("li very"), "{error}");
    });
}

#[test]
fn damage_inside_the_file_is_called_damage() {
    on_sqlite(async |database: Database| {
        let store = database.store().await;
        with_account(&store, Credit::Owner).await;
        store.close().await;
        let mut bytes = fs::read(database.file()).unwrap();
        // The first page holds the tables' names; everything after it is gone.
        bytes[4_096..].fill(0xa5);
        fs::write(database.file(), bytes).unwrap();
        let read = async { Store::open(&database.url).await?.account_list().await };
        let error = read.await.unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
    });
}

#[test]
fn a_place_that_cannot_be_is_named() {
    on_sqlite(async |_| {
        for (url, part) in [
            ("sqlite:/nowhere/at/all.db", "/nowhere/at/all.db"),
            ("sqlite::memory:", "needs a file"),
            ("sqlite:", "needs a file"),
            ("mysql://x/y", "sqlite:PATH"),
            ("postgres://x@127.0.0.1:1/y", "cannot be used now"),
        ] {
            let error = Store::open(url).await.unwrap_err();
            assert!(matches!(error, Error::Unavailable(_)), "{url}: {error:?}");
            assert!(error.to_string().contains(part), "{url}: {error}");
        }
    });
}

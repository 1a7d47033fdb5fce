//! SQLite's file: private, and a clear error when it is damaged or cannot be there.

use crate::database::{Database, on_postgres, on_sqlite};
use crate::samples::{at, full_run, with_account};
use livery_store::{Credit, Error, Store};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_file_is_its_owners_alone() {
    on_sqlite(async |database: Database| {
        database.store().await.close().await;
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
fn what_is_no_database_of_ours_is_refused_and_left_as_it_is() {
    on_sqlite(async |database: Database| {
        let file = database.file();
        database.store().await.close().await;
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        fs::write(&file, "").unwrap();
        database.sabotage("CREATE TABLE theirs (id BIGINT)").await;
        let theirs = fs::read(&file).unwrap();
        let text = "This is not a database. ".repeat(400).into_bytes();
        for (bytes, why) in [
            (Vec::new(), "is empty"),
            (text, "is no SQLite database"),
            (whole[..60].to_vec(), "is no SQLite database"),
            (theirs, "is the database of another program"),
        ] {
            fs::write(&file, &bytes).unwrap();
            let error = Store::open(&database.url).await.unwrap_err();
            assert!(matches!(error, Error::Foreign { .. }), "{error:?}");
            for words in ["li very", why, "restore"] {
                assert!(error.to_string().contains(words), "{error}");
            }
            assert!(fs::read(&file).unwrap() == bytes, "{why}: it was changed");
        }
        fs::remove_file(&file).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(&file).status();
        assert!(pipe.unwrap().success());
        let error = Store::open(&database.url).await.unwrap_err();
        assert!(error.to_string().contains("is no file"), "{error}");
        let names = fs::read_dir(file.parent().unwrap()).unwrap();
        assert_eq!(names.count(), 1, "nothing was made beside it");
    });
}

#[test]
fn a_database_that_was_taken_away_from_its_log_is_missed() {
    on_sqlite(async |database: Database| {
        let file = database.file();
        let store = database.store().await;
        with_account(&store, Credit::Owner).await;
        // As after a crash: closing would fold the log into the file.
        fs::rename(&file, file.with_extension("away")).unwrap();
        let error = Store::open(&database.url).await.unwrap_err();
        assert!(
            error.to_string().contains("is missing, and its log"),
            "{error}"
        );
        assert!(!file.exists());
        fs::rename(file.with_extension("away"), &file).unwrap();
        store.close().await;
        let again = database.store().await;
        assert_eq!(again.account_list().await.unwrap().len(), 1);
    });
}

#[test]
fn a_schema_with_the_tables_of_others_is_refused() {
    on_postgres(async |database: Database| {
        database.sabotage("CREATE TABLE theirs (id BIGINT)").await;
        let error = Store::open(&database.url).await.unwrap_err();
        assert!(matches!(error, Error::Foreign { .. }), "{error:?}");
        assert!(error.to_string().contains("has 1 tables"), "{error}");
        database.sabotage("DROP TABLE theirs").await;
        database.store().await.close().await;
        // Next to ours, others may have theirs.
        database.sabotage("CREATE TABLE theirs (id BIGINT)").await;
        database.store().await.close().await;
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

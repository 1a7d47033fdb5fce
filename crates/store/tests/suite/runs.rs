//! Runs survive a round trip; their secrets end with them.

use crate::database::{Database, on_both};
use crate::samples::{account, at, full_run, with_account};
use livery_domain::run::{Outcome, Run, RunStep};
use livery_store::{Credit, Error, Which};
use livery_units::RunId;
use std::collections::BTreeMap;

on_both!(
    every_field_survives,
    an_old_generation_is_stale,
    secrets_end_with_the_run,
    notes_are_kept_per_run,
);

async fn every_field_survives(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let full = full_run(1);
    let bare = Run {
        id: RunId::from_entropy(2),
        created: at(2_000),
        pod: None,
        excluded: Vec::new(),
        exit_code: None,
        reason: None,
        cancel_requested: None,
        results: None,
        ..full.clone()
    };
    for run in [&full, &bare] {
        store.run_insert(run).await.unwrap();
        assert_eq!(store.run_fetch(&run.id).await.as_ref(), Ok(run));
    }
    assert_eq!(store.run_insert(&full).await, Err(Error::Exists));
    let listed = store.run_list(Some(&account()), Which::Live).await.unwrap();
    let ids: Vec<&RunId> = listed.iter().map(|run| &run.id).collect();
    assert_eq!(ids, [&bare.id, &full.id]);
    assert!(listed.iter().all(|run| run.submission.secrets.is_empty()));

    let mut over = bare;
    over.step = RunStep::Teardown;
    over.outcome = Outcome::OverBudget;
    over.ended = Some(at(7_000));
    over.excluded = full.excluded.clone();
    over.exit_code = Some(3);
    let written = store.run_update(&over).await.unwrap();
    assert_eq!(store.run_fetch(&over.id).await, Ok(written));
    let live = store.run_list(None, Which::Live).await.unwrap();
    assert_eq!(live.len(), 1);
    assert_eq!(store.run_list(None, Which::All).await.unwrap().len(), 2);
}

async fn an_old_generation_is_stale(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let run = full_run(1);
    assert_eq!(store.run_update(&run).await, Err(Error::NotFound));
    store.run_insert(&run).await.unwrap();
    let written = store.run_update(&run).await.unwrap();
    assert_eq!((written.generation, written.is_over()), (1, false));
    assert_eq!(store.run_update(&run).await, Err(Error::Stale));
}

async fn secrets_end_with_the_run(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let (forgotten, mut over) = (full_run(1), full_run(2));
    for run in [&forgotten, &over] {
        store.run_insert(run).await.unwrap();
    }
    store.run_secrets_forget(&forgotten.id).await.unwrap();
    let fetched = store.run_fetch(&forgotten.id).await.unwrap();
    assert_eq!(fetched.submission.secrets, BTreeMap::new());
    let kept = store.run_fetch(&over.id).await.unwrap();
    assert_eq!(kept.submission.secrets, over.submission.secrets);
    over.ended = Some(at(9));
    let written = store.run_update(&over).await.unwrap();
    assert_eq!(written.submission.secrets, BTreeMap::new());
    assert_eq!(store.run_fetch(&over.id).await, Ok(written));
}

async fn notes_are_kept_per_run(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let (one, two) = (full_run(1), full_run(2));
    for run in [&one, &two] {
        store.run_insert(run).await.unwrap();
    }
    store.run_note_set(&one.id, "task", "a").await.unwrap();
    store.run_note_set(&one.id, "task", "b").await.unwrap();
    let note = store.run_note_get(&one.id, "task").await;
    assert_eq!(note, Ok(Some("b".to_owned())));
    assert_eq!(store.run_note_get(&two.id, "task").await, Ok(None));
    let nowhere = store.run_note_set(&RunId::from_entropy(9), "x", "y").await;
    assert!(matches!(nowhere, Err(Error::Refused(_))), "{nowhere:?}");
}

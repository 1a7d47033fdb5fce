//! Events are numbered from 1 without gaps, whoever writes them.

use crate::database::{Database, on_both};
use crate::samples::{at, full_run, with_account};
use livery_domain::run::{EventKind, RunStep};
use livery_store::{Credit, Error};
use livery_units::RunId;
use std::collections::BTreeSet;

on_both!(numbers_have_no_gaps, an_event_survives);

async fn numbers_have_no_gaps(database: Database) {
    const WRITERS: i64 = 8;
    const EVENTS: i64 = 12;
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let run = full_run(1);
    store.run_insert(&run).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = match writer % 2 {
            0 => store.clone(),
            _ => database.store().await,
        };
        let id = run.id.clone();
        writers.spawn(async move {
            let mut last = 0;
            for event in 0..EVENTS {
                let text = format!("{writer} {event}");
                let (step, kind) = (RunStep::Train, EventKind::Note);
                let event = store.run_event_append(&id, at(event), step, kind, &text);
                let seq = event.await.unwrap().seq;
                assert!(seq > last);
                last = seq;
            }
        });
    }
    // Events do not stand in the way of who changes the run itself.
    store.run_update(&run).await.unwrap();
    writers.join_all().await;
    let events = store.run_event_list(&run.id, 0, 1_000).await.unwrap();
    let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=WRITERS * EVENTS).collect::<Vec<i64>>());
    let texts: BTreeSet<&String> = events.iter().map(|event| &event.message).collect();
    assert_eq!(texts.len(), seqs.len());
    let page = store.run_event_list(&run.id, 90, 3).await.unwrap();
    let seqs: Vec<i64> = page.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [91, 92, 93]);
}

async fn an_event_survives(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let run = full_run(1);
    let append = async || {
        let message = "a table\nwith a \0 in it";
        let (step, kind) = (RunStep::Validate, EventKind::Failed);
        store
            .run_event_append(&run.id, at(8), step, kind, message)
            .await
    };
    assert_eq!(append().await, Err(Error::NotFound));
    store.run_insert(&run).await.unwrap();
    let event = append().await.unwrap();
    assert_eq!(event.message, "a table\nwith a \u{fffd} in it");
    let listed = store.run_event_list(&run.id, 0, 10).await;
    assert_eq!(listed, Ok(vec![event]));
    let other = store.run_event_list(&RunId::from_entropy(9), 0, 10).await;
    assert_eq!(other, Ok(Vec::new()));
}

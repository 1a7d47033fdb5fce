//! What happened in a run, as its user sees it.

use crate::error::Error;
use crate::services::Services;
use livery_domain::run::{EventKind, Run, RunEvent};
use livery_units::{RunId, Span};

/// Most events that one answer carries.
const EVENTS_MAX: u32 = 1_000;

/// Notes something that happened; a store that fails here is logged and does not stop the run.
pub(crate) async fn note(services: &Services, run: &Run, kind: EventKind, message: &str) {
    if let Err(error) = append(services, run, kind, message).await {
        tracing::warn!(run.id = %run.id, %error, "an event of a run was not written");
    }
}

/// Notes something without which the run does not go on.
pub(crate) async fn append(
    services: &Services,
    run: &Run,
    kind: EventKind,
    message: &str,
) -> Result<(), Error> {
    services
        .store
        .run_event_append(&run.id, services.now(), run.step, kind, message)
        .await?;
    services.announce();
    Ok(())
}

/// Returns the events after `after_seq`, waiting up to `wait` for the first of them.
pub(crate) async fn wait_events(
    services: &Services,
    run: &RunId,
    after_seq: i64,
    wait: Span,
) -> Result<Vec<RunEvent>, Error> {
    let deadline = tokio::time::Instant::now() + wait.to_std();
    loop {
        let changed = services.board.changed.notified();
        let events = services
            .store
            .run_event_list(run, after_seq, EVENTS_MAX)
            .await?;
        let changed = services.changes(changed);
        if !events.is_empty() || tokio::time::timeout_at(deadline, changed).await.is_err() {
            return Ok(events);
        }
    }
}

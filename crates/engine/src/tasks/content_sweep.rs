//! Drops files of jobs that nothing refers to any more.

use super::{BackgroundTask, TaskBoard};
use crate::services::Services;
use async_trait::async_trait;
use livery_domain::run::Run;
use livery_store::Which;
use livery_units::{ContentHash, Span};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

/// The sweep. Results are kept while their run is listed; what a job sent is kept a day longer than
/// its last use, so that sending it again costs nothing.
pub(crate) struct ContentSweep;

/// Unreferenced content younger than this is kept: uploads come before the run that names them.
const KEEP: Span = Span::from_secs(24 * 3_600);

#[async_trait]
impl BackgroundTask for ContentSweep {
    fn name(&self) -> &'static str {
        "content-sweep"
    }

    fn period(&self) -> Span {
        Span::from_secs(3_600)
    }

    fn nudge<'b>(&self, _: &'b TaskBoard) -> Option<&'b Notify> {
        None
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let runs = match services.store.run_list(None, Which::All).await {
            Ok(runs) => runs,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let roots: Vec<ContentHash> = runs.iter().flat_map(roots).collect();
        let content = services.content.clone();
        let swept = tokio::task::spawn_blocking(move || content.gc(&roots, KEEP)).await;
        match swept {
            Ok(Ok(report)) => {
                json!({ "dropped_blobs": report.dropped_blobs, "freed_bytes": report.freed_bytes })
            }
            Ok(Err(error)) => json!({ "error": error.to_string() }),
            Err(error) => json!({ "error": error.to_string() }),
        }
    }
}

fn roots(run: &Run) -> Vec<ContentHash> {
    let sent = run
        .submission
        .workdir
        .into_iter()
        .chain(run.submission.mounts.values().copied());
    let sent: Vec<ContentHash> = if run.is_over() {
        Vec::new()
    } else {
        sent.collect()
    };
    sent.into_iter().chain(run.results).collect()
}

//! Drops files of jobs that nothing refers to any more.

use super::{BackgroundTask, TaskBoard};
use crate::content::{self, AGES};
use crate::services::Services;
use async_trait::async_trait;
use livery_units::Span;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

/// The sweep. Results are kept while their run is listed; what a job sent is kept a day longer than
/// its last use, so that sending it again costs nothing.
pub(crate) struct ContentSweep;

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
        let needed = match content::needed(services).await {
            Ok(needed) => needed,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let swept = content::blocking(&services.content, move |content| {
            content.sweep(&needed, &AGES)
        });
        match swept.await {
            Ok(report) => {
                json!({ "dropped_blobs": report.dropped_blobs, "freed_bytes": report.freed_bytes })
            }
            Err(error) => json!({ "error": error.to_string() }),
        }
    }
}

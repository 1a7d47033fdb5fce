//! Does what pods' policies say, as soon as they say it.

use super::{BackgroundTask, TaskBoard};
use crate::policy;
use crate::services::Services;
use async_trait::async_trait;
use livery_units::Span;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

/// The task. Everything that it decides, it decides from rows.
pub(crate) struct Policy;

#[async_trait]
impl BackgroundTask for Policy {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn period(&self) -> Span {
        Span::from_secs(1)
    }

    fn nudge<'b>(&self, _: &'b TaskBoard) -> Option<&'b Notify> {
        None
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        match policy::look_at_due(services).await {
            Ok(tally) => json!({
                "looked_at": tally.looked_at,
                "acts": tally.acts,
                "failed": tally.failed,
            }),
            Err(error) => json!({ "error": error.to_string() }),
        }
    }
}

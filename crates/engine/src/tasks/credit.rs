//! Sees to accounts whose money runs short: warns, stops, keeps and deletes.

use super::{BackgroundTask, TaskBoard};
use crate::credit;
use crate::services::Services;
use async_trait::async_trait;
use livery_units::Span;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

/// The task. Everything that it decides, it decides from rows.
pub(crate) struct Credit;

#[async_trait]
impl BackgroundTask for Credit {
    fn name(&self) -> &'static str {
        "credit"
    }

    fn period(&self) -> Span {
        Span::from_secs(5)
    }

    fn nudge<'b>(&self, board: &'b TaskBoard) -> Option<&'b Notify> {
        Some(&board.credit)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        match credit::see_to_all(services).await {
            Ok(tally) => json!({
                "accounts": tally.accounts,
                "looked_at": tally.looked_at,
                "acts": tally.acts,
                "failed": tally.failed,
            }),
            Err(error) => json!({ "error": error.to_string() }),
        }
    }
}

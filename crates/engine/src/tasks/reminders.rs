//! Tells accounts what runs and what is used up, when it is due.

use super::{BackgroundTask, TaskBoard};
use crate::reminders::{Told, look};
use crate::services::Services;
use async_trait::async_trait;
use livery_units::Span;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::{Mutex, Notify};

/// The look at all that runs. What was due at the last look is remembered, so that the store is asked
/// only about what is new; a control plane that starts asks once about everything.
#[derive(Default)]
pub(crate) struct Reminders {
    told: Mutex<Told>,
}

#[async_trait]
impl BackgroundTask for Reminders {
    fn name(&self) -> &'static str {
        "reminders"
    }

    fn period(&self) -> Span {
        Span::from_secs(30)
    }

    fn nudge<'b>(&self, board: &'b TaskBoard) -> Option<&'b Notify> {
        Some(&board.reminders)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let mut told = self.told.lock().await;
        let tally = match look(services, &told).await {
            Ok((now_told, tally)) => {
                *told = now_told;
                tally
            }
            Err(error) => return json!({ "error": error.to_string() }),
        };
        json!({ "pods": tally.pods, "due": tally.due, "failed": tally.failed })
    }
}

//! Sees that every run that is not over has a driver.

use super::driving::Driving;
use super::{BackgroundTask, TaskBoard};
use crate::run;
use crate::services::Services;
use async_trait::async_trait;
use livery_units::{RunId, Span};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Claims runs without a driver and drives each in a task of its own.
pub(crate) struct RunReconciler {
    stop: CancellationToken,
    driving: Driving<RunId>,
}

/// Runs claimed by one activation.
const BATCH: u32 = 64;

impl RunReconciler {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            driving: Driving::default(),
        }
    }
}

#[async_trait]
impl BackgroundTask for RunReconciler {
    fn name(&self) -> &'static str {
        "run-reconciler"
    }

    fn period(&self) -> Span {
        Span::from_secs(2)
    }

    fn nudge<'b>(&self, board: &'b TaskBoard) -> Option<&'b Notify> {
        Some(&board.runs)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let now = services.now();
        let token = self.driving.token();
        let claimed = match services
            .store
            .run_claim(token, now, now.after(run::CLAIM_SPAN), BATCH)
            .await
        {
            Ok(claimed) => claimed,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let count = claimed.len();
        for claimed_run in claimed {
            let Some(seat) = self.driving.take(claimed_run.id.clone()) else {
                continue;
            };
            let (services, token, stop) = (services.clone(), token.clone(), self.stop.clone());
            tokio::spawn(run::drive(services, claimed_run, token, seat, stop));
        }
        json!({ "claimed": count, "driving": self.driving.count() })
    }
}

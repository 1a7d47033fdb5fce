//! Sees that every run that is not over has a driver.

use super::driving::Driving;
use super::{BackgroundTask, TaskBoard};
use crate::run;
use crate::services::Services;
use async_trait::async_trait;
use livery_domain::run::Run;
use livery_units::{RunId, Span};
use serde_json::Value;
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
        let until = now.after(run::CLAIM_SPAN);
        let claimed = services.store.run_claim(token, now, until, BATCH).await;
        let id = |run: &Run| run.id.clone();
        self.driving.take_up(claimed, id, |run, token, seat| {
            run::drive(services.clone(), run, token, seat, self.stop.clone())
        })
    }
}

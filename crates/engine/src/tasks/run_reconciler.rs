//! Sees that every run that is not over has a driver.

use super::BackgroundTask;
use crate::run;
use crate::services::{Services, fresh};
use async_trait::async_trait;
use livery_units::Span;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// Claims runs without a driver and drives each in a task of its own.
pub(crate) struct RunReconciler {
    stop: CancellationToken,
    driving: Arc<AtomicU64>,
}

/// Runs claimed by one activation.
const BATCH: u32 = 64;

impl RunReconciler {
    /// The name that a nudge goes by.
    pub(crate) const NAME: &'static str = "run-reconciler";

    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            driving: Arc::default(),
        }
    }
}

#[async_trait]
impl BackgroundTask for RunReconciler {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn period(&self) -> Span {
        Span::from_secs(2)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let token = fresh::claim();
        let now = services.now();
        let claimed = match services
            .store
            .run_claim(&token, now, now.after(run::CLAIM_SPAN), BATCH)
            .await
        {
            Ok(claimed) => claimed,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let count = claimed.len();
        for claimed_run in claimed {
            let (services, token, stop) = (services.clone(), token.clone(), self.stop.clone());
            let driving = self.driving.clone();
            driving.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                run::drive(services, claimed_run, token, stop).await;
                driving.fetch_sub(1, Ordering::Relaxed);
            });
        }
        json!({ "claimed": count, "driving": self.driving.load(Ordering::Relaxed) })
    }
}

//! Takes every pod towards what its user wants.

use super::BackgroundTask;
use crate::pod;
use crate::services::{Services, fresh};
use async_trait::async_trait;
use livery_units::Span;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// Claims pods that are due and drives each in a task of its own.
pub(crate) struct PodReconciler {
    stop: CancellationToken,
    driving: Arc<AtomicU64>,
}

/// Pods claimed by one activation.
const BATCH: u32 = 256;

impl PodReconciler {
    /// The name that a nudge goes by.
    pub(crate) const NAME: &'static str = "pod-reconciler";

    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            driving: Arc::default(),
        }
    }
}

#[async_trait]
impl BackgroundTask for PodReconciler {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn period(&self) -> Span {
        Span::from_secs(1)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let token = fresh::claim();
        let now = services.now();
        let claimed = match services
            .store
            .pod_claim(&token, now, now.after(pod::CLAIM_SPAN), BATCH)
            .await
        {
            Ok(claimed) => claimed,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let count = claimed.len();
        for pod in claimed {
            let (services, token, stop) = (services.clone(), token.clone(), self.stop.clone());
            let driving = self.driving.clone();
            driving.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                tokio::select! {
                    () = pod::drive(services, pod, token) => {}
                    () = stop.cancelled() => {}
                }
                driving.fetch_sub(1, Ordering::Relaxed);
            });
        }
        json!({ "claimed": count, "driving": self.driving.load(Ordering::Relaxed) })
    }
}

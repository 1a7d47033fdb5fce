//! Takes every pod towards what its user wants.

use super::driving::Driving;
use super::{BackgroundTask, TaskBoard};
use crate::pod;
use crate::services::Services;
use async_trait::async_trait;
use livery_units::{PodId, Span};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Claims pods that are due and drives each in a task of its own.
pub(crate) struct PodReconciler {
    stop: CancellationToken,
    driving: Driving<PodId>,
}

/// Pods claimed by one activation.
const BATCH: u32 = 256;

impl PodReconciler {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            driving: Driving::default(),
        }
    }
}

#[async_trait]
impl BackgroundTask for PodReconciler {
    fn name(&self) -> &'static str {
        "pod-reconciler"
    }

    fn period(&self) -> Span {
        Span::from_secs(1)
    }

    fn nudge<'b>(&self, board: &'b TaskBoard) -> Option<&'b Notify> {
        Some(&board.pods)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let now = services.now();
        let token = self.driving.token();
        let claimed = match services
            .store
            .pod_claim(token, now, now.after(pod::CLAIM_SPAN), BATCH)
            .await
        {
            Ok(claimed) => claimed,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let count = claimed.len();
        for pod in claimed {
            let Some(seat) = self.driving.take(pod.id.clone()) else {
                continue;
            };
            let (services, token, stop) = (services.clone(), token.clone(), self.stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = pod::drive(services, pod, token, seat) => {}
                    () = stop.cancelled() => {}
                }
            });
        }
        json!({ "claimed": count, "driving": self.driving.count() })
    }
}

//! Takes every pod towards what its user wants.

use super::driving::Driving;
use super::{BackgroundTask, TaskBoard};
use crate::pod;
use crate::services::Services;
use async_trait::async_trait;
use livery_domain::pod::Pod;
use livery_units::{PodId, Span};
use serde_json::Value;
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
        let until = now.after(pod::CLAIM_SPAN);
        let claimed = services.store.pod_claim(token, now, until, BATCH).await;
        let id = |pod: &Pod| pod.id.clone();
        self.driving.take_up(claimed, id, |pod, token, seat| {
            let (services, stop) = (services.clone(), self.stop.clone());
            async move {
                tokio::select! {
                    () = pod::drive(services, pod, token, seat) => {}
                    () = stop.cancelled() => {}
                }
            }
        })
    }
}

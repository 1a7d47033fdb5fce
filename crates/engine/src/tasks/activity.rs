//! Asks hosts what their pods have used.

use super::{BackgroundTask, TaskBoard};
use crate::policy::{SAMPLE_LEAST, Sampler};
use crate::services::Services;
use async_trait::async_trait;
use livery_units::Span;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Notify;

/// The task. A host that does not answer makes none of its pods idle.
#[derive(Default)]
pub(crate) struct Activity {
    sampler: Sampler,
}

#[async_trait]
impl BackgroundTask for Activity {
    fn name(&self) -> &'static str {
        "activity"
    }

    fn period(&self) -> Span {
        SAMPLE_LEAST
    }

    fn nudge<'b>(&self, _: &'b TaskBoard) -> Option<&'b Notify> {
        None
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        self.sampler.sample(services).await
    }
}

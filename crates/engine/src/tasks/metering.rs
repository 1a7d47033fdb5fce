//! Charges every pod that is up for the seconds since its last charge.

use super::BackgroundTask;
use crate::money;
use crate::services::Services;
use async_trait::async_trait;
use livery_store::Which;
use livery_units::Span;
use serde_json::{Value, json};
use std::sync::Arc;

/// The meter. It reads rows and posts charges; how often it runs changes no bill.
pub(crate) struct Metering;

#[async_trait]
impl BackgroundTask for Metering {
    fn name(&self) -> &'static str {
        "metering"
    }

    fn period(&self) -> Span {
        Span::from_secs(10)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let pods = match services.store.pod_list(None, Which::Live).await {
            Ok(pods) => pods,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let (mut charged, mut failed) = (0_u64, 0_u64);
        for pod in &pods {
            match money::charge(services, pod).await {
                Ok(_) => charged += 1,
                Err(error) => {
                    failed += 1;
                    tracing::error!(pod.id = %pod.id, account.id = %pod.account, %error, "a pod was not charged");
                }
            }
        }
        json!({ "pods": charged, "failed": failed })
    }
}

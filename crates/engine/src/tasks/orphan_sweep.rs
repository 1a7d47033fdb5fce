//! Compares what suppliers say exists with what the store knows, and ends what nobody owns.

use super::BackgroundTask;
use crate::services::Services;
use async_trait::async_trait;
use livery_store::Error as StoreError;
use livery_supplier::{Lease, Supplier};
use livery_units::Span;
use serde_json::{Value, json};
use std::sync::Arc;

/// The sweep. A lease carries a launch key of ours; a key without a live row is an orphan.
pub(crate) struct OrphanSweep;

#[async_trait]
impl BackgroundTask for OrphanSweep {
    fn name(&self) -> &'static str {
        "orphan-sweep"
    }

    fn period(&self) -> Span {
        Span::from_secs(30)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let (mut seen, mut ended, mut failed) = (0_u64, 0_u64, 0_u64);
        for (name, supplier) in &services.suppliers {
            let leases = match supplier.list().await {
                Ok(leases) => leases,
                Err(error) => {
                    failed += 1;
                    tracing::warn!(supplier = %name, %error, "a supplier could not be swept for orphans");
                    continue;
                }
            };
            for lease in leases {
                seen += 1;
                if is_owned(services, &lease).await {
                    continue;
                }
                match end(&**supplier, &lease).await {
                    Ok(()) => ended += 1,
                    Err(error) => {
                        failed += 1;
                        tracing::warn!(supplier = %name, lease = %lease.foreign_id, %error, "an orphan was not ended");
                    }
                }
            }
        }
        json!({ "leases": seen, "orphans_ended": ended, "failed": failed })
    }
}

/// A store that cannot answer owns everything: nothing is ended on a doubt.
async fn is_owned(services: &Services, lease: &Lease) -> bool {
    match services.store.pod_by_key(&lease.key).await {
        Ok(pod) => pod.is_some_and(|pod| pod.ended.is_none()),
        Err(StoreError::NotFound) => false,
        Err(_) => true,
    }
}

async fn end(supplier: &dyn Supplier, lease: &Lease) -> Result<(), livery_supplier::Error> {
    tracing::warn!(lease = %lease.foreign_id, key = %lease.key, "ending a lease that nobody owns");
    supplier.terminate(lease).await
}

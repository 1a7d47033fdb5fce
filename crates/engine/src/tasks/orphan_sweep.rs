//! Compares what suppliers say exists with what the store knows, both ways.

use super::{BackgroundTask, TaskBoard};
use crate::orphans::{self, Rows, Swept};
use crate::services::Services;
use async_trait::async_trait;
use livery_units::{Span, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

/// The sweep. `livery_domain::orphan` judges what is found, and what may be ended unasked.
pub(crate) struct OrphanSweep;

/// Orphans that were gone this long ago are forgotten.
pub(super) const KEEP: Span = Span::from_secs(30 * 24 * 3_600);

#[async_trait]
impl BackgroundTask for OrphanSweep {
    fn name(&self) -> &'static str {
        "orphan-sweep"
    }

    fn period(&self) -> Span {
        Span::from_secs(30)
    }

    fn nudge<'b>(&self, board: &'b TaskBoard) -> Option<&'b Notify> {
        Some(&board.orphans)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        // Before any supplier is asked: a lease is always younger than its row.
        let rows = match Rows::read(services).await {
            Ok(rows) => rows,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let names = services.suppliers.keys();
        let rows = &rows;
        let sweeps = names.map(|name| async move {
            let began = services.now();
            let swept = orphans::sweep(services, rows, name).await;
            let silent = swept.as_ref().map(|swept| &swept.silent);
            services.board.sweeps.note(name, began, silent);
            if let Err(error) = &swept {
                tracing::warn!(supplier = %name, %error, "a supplier could not be swept for orphans");
            }
            swept
        });
        let (mut all, mut unswept) = (Swept::default(), 0_u64);
        // At once: one that is silent must not keep the others waiting.
        for swept in futures_util::future::join_all(sweeps).await {
            match swept {
                Ok(swept) => all.add(swept),
                Err(_) => unswept += 1,
            }
        }
        services.announce();
        let kept = i64::try_from(KEEP.millis()).unwrap_or(i64::MAX);
        let before = services.now().millis().saturating_sub(kept);
        let forgotten = services
            .store
            .orphans_forget(Timestamp::from_millis(before));
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "orphans of long ago are still listed");
        }
        json!({
            "leases": all.leases,
            "orphans": all.orphans,
            "orphans_ended": all.ended,
            "pods_missing": all.missing,
            "failed": all.failed,
            "suppliers_unswept": unswept,
            "hosts_silent": all.silent.len(),
        })
    }
}

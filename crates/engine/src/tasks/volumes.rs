//! Takes every network volume towards what its user wants, and reports those that nobody owns.

use super::driving::Driving;
use super::orphan_sweep::KEEP;
use super::{BackgroundTask, TaskBoard};
use crate::services::Services;
use crate::volume::{self, StraysSwept};
use async_trait::async_trait;
use livery_domain::volume::NetworkVolume;
use livery_units::{Span, VolumeId};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Claims volumes that are due and drives each in a task of its own.
pub(crate) struct VolumeReconciler {
    stop: CancellationToken,
    driving: Driving<VolumeId>,
}

/// Volumes claimed by one activation.
const BATCH: u32 = 256;

impl VolumeReconciler {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            driving: Driving::default(),
        }
    }
}

#[async_trait]
impl BackgroundTask for VolumeReconciler {
    fn name(&self) -> &'static str {
        "volume-reconciler"
    }

    fn period(&self) -> Span {
        Span::from_secs(1)
    }

    fn nudge<'b>(&self, board: &'b TaskBoard) -> Option<&'b Notify> {
        Some(&board.volumes)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let now = services.now();
        let token = self.driving.token();
        let until = now.after(volume::CLAIM_SPAN);
        let claimed = services.store.volume_claim(token, now, until, BATCH);
        let claimed = claimed.await;
        let id = |volume: &NetworkVolume| volume.id.clone();
        self.driving.take_up(claimed, id, |volume, token, seat| {
            let (services, stop) = (services.clone(), self.stop.clone());
            async move {
                tokio::select! {
                    () = volume::drive(services, volume, token, seat) => {}
                    () = stop.cancelled() => {}
                }
            }
        })
    }
}

/// Looks for volumes at suppliers that no row stands for.
pub(crate) struct VolumeSweep;

#[async_trait]
impl BackgroundTask for VolumeSweep {
    fn name(&self) -> &'static str {
        "volume-sweep"
    }

    fn period(&self) -> Span {
        Span::from_secs(60)
    }

    fn nudge<'b>(&self, board: &'b TaskBoard) -> Option<&'b Notify> {
        Some(&board.strays)
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let keepers = services.suppliers.iter();
        let sweeps = keepers.filter_map(|(name, supplier)| Some((name, supplier.volumes()?)));
        let sweeps = sweeps.map(|(name, volumes)| async move {
            let began = services.now();
            let swept = volume::sweep_strays(services, name, volumes).await;
            let silent = swept.as_ref().map(|swept| &swept.silent);
            services.board.volume_sweeps.note(name, began, silent);
            if let Err(error) = &swept {
                tracing::warn!(supplier = %name, %error, "a supplier does not say which volumes it has");
            }
            swept
        });
        let (mut all, mut unswept) = (StraysSwept::default(), 0_u64);
        // At once: one that is silent must not keep the others waiting.
        for swept in futures_util::future::join_all(sweeps).await {
            match swept {
                Ok(swept) => all.add(swept),
                Err(_) => unswept += 1,
            }
        }
        services.announce();
        let before = crate::reminders::before(services.now(), KEEP);
        if let Err(error) = services.store.strays_forget(before).await {
            tracing::warn!(%error, "strays of long ago are still listed");
        }
        let ids = all.strays.iter().map(ToString::to_string);
        json!({
            "strays": ids.collect::<Vec<_>>(),
            "strays_ended": all.ended,
            "failed": all.failed,
            "suppliers_unswept": unswept,
            "hosts_silent": all.silent.len(),
        })
    }
}

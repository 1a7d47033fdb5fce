//! Takes every network volume towards what its user wants, and reports those that nobody owns.

use super::driving::Driving;
use super::{BackgroundTask, TaskBoard};
use crate::reminders;
use crate::services::Services;
use crate::volume::{self, Stray};
use async_trait::async_trait;
use livery_domain::reminder::{Notice, NoticeKind};
use livery_domain::volume::NetworkVolume;
use livery_store::Credit;
use livery_units::{Span, VolumeId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
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

/// Looks for volumes at suppliers that no row stands behind. One is told of when two sweeps in a row
/// have found it: between the supplier's word and the rows' a volume may have been deleted.
#[derive(Default)]
pub(crate) struct VolumeSweep {
    before: Mutex<BTreeSet<VolumeId>>,
}

impl VolumeSweep {
    /// Returns those that the last sweep found too, and remembers these for the next.
    fn seen_before<'s>(&self, strays: &'s [Stray]) -> Vec<&'s Stray> {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let found = strays.iter().map(|stray| stray.volume.clone()).collect();
        let before = std::mem::replace(&mut *before, found);
        let again = |stray: &&Stray| before.contains(&stray.volume);
        strays.iter().filter(again).collect()
    }
}

#[async_trait]
impl BackgroundTask for VolumeSweep {
    fn name(&self) -> &'static str {
        "volume-sweep"
    }

    fn period(&self) -> Span {
        Span::from_secs(60)
    }

    fn nudge<'b>(&self, _: &'b TaskBoard) -> Option<&'b Notify> {
        None
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let strays = match volume::find_strays(services).await {
            Ok(strays) => strays,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        for stray in self.seen_before(&strays) {
            tell(services, stray).await;
        }
        let ids = strays.iter().map(|stray| stray.volume.to_string());
        json!({ "strays": ids.collect::<Vec<_>>() })
    }
}

/// Tells the owners of the control plane, once.
async fn tell(services: &Services, stray: &Stray) {
    let Stray {
        supplier,
        host,
        volume,
        size,
    } = stray;
    let accounts = services.store.account_list().await.unwrap_or_default();
    let owners = accounts.into_iter().filter(|account| match account.credit {
        Credit::Owner => true,
        Credit::Prepaid => false,
    });
    for owner in owners {
        let notice = Notice {
            key: format!("stray volume {volume}"),
            account: owner.id,
            pod: None,
            kind: NoticeKind::Orphan,
            message: format!(
                "{supplier} has a network volume {volume} of {size} on {host} that this control \
                 plane does not know. It is left as it is; see docs/reference/volumes.md"
            ),
            at: services.now(),
        };
        reminders::tell(services, notice).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_domain::offer::SupplierName;
    use livery_units::{Bytes, HostId};

    #[test]
    fn a_volume_that_is_deleted_while_a_sweep_looks_is_no_stray() {
        let stray = |number| Stray {
            supplier: SupplierName::new("local"),
            host: HostId::from_entropy(1),
            volume: VolumeId::from_entropy(number),
            size: Bytes::gib(1),
        };
        let (deleted, stays) = (stray(1), stray(2));
        let sweep = VolumeSweep::default();
        let first = [deleted, stays.clone()];
        assert_eq!(sweep.seen_before(&first), Vec::<&Stray>::new());
        let second = [stays.clone(), stray(3)];
        assert_eq!(sweep.seen_before(&second), [&stays]);
        assert_eq!(sweep.seen_before(&[]), Vec::<&Stray>::new());
        assert_eq!(sweep.seen_before(&second), Vec::<&Stray>::new());
    }
}

//! Volumes that are removed for a reason of ours.

use super::wanted;
use crate::error::Error;
use crate::pod::Unless;
use crate::services::Services;
use livery_domain::volume::VolumeDesired;
use livery_store::Error as StoreError;
use livery_units::VolumeId;

/// Has a volume removed for a reason of ours, whoever has it, unless something keeps it from that: it
/// goes when no pod has it any more.
pub(crate) async fn end(
    services: &Services,
    id: &VolumeId,
    why: &str,
    unless: Unless,
) -> Result<(), Error> {
    let store = &services.store;
    loop {
        let mut volume = store.volume_fetch(id).await?;
        match volume.desired {
            VolumeDesired::Present => {}
            VolumeDesired::Gone => return Ok(()),
        }
        volume.desired = VolumeDesired::Gone;
        volume.reason = Some(why.to_owned());
        let updated = match unless {
            Unless::Never => store.volume_update(&volume).await.map(Some),
            Unless::Paid(since) => store.volume_update_unpaid(&volume, since).await,
        };
        match updated {
            Ok(None) => return Ok(()),
            Ok(Some(volume)) => {
                tracing::info!(volume.id = %id, account.id = %volume.account, "a volume is ended: {why}");
                return wanted(services, &volume).await;
            }
            Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

//! Strays: what bears a volume's id at a supplier and has no row that lives. They are reported and
//! never deleted unasked: there may be data on them.

use crate::error::Error;
use crate::services::Services;
use livery_domain::offer::SupplierName;
use livery_store::{Error as StoreError, Which};
use livery_units::{Bytes, HostId, VolumeId};
use std::collections::BTreeSet;

/// A volume that no row stands behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stray {
    /// Who has it.
    pub(crate) supplier: SupplierName,
    /// Where.
    pub(crate) host: HostId,
    /// The id that it bears.
    pub(crate) volume: VolumeId,
    /// How large it is.
    pub(crate) size: Bytes,
}

/// Compares what suppliers say exists with what the store knows. One that is silent keeps no other
/// from being looked through.
pub(crate) async fn find_strays(services: &Services) -> Result<Vec<Stray>, Error> {
    let mut found = Vec::new();
    for (name, supplier) in &services.suppliers {
        let Some(volumes) = supplier.volumes() else {
            continue;
        };
        let listed = match volumes.list().await {
            Ok(listing) => listing.found,
            Err(error) => {
                tracing::warn!(supplier = %name, %error, "a supplier does not say which volumes it has");
                continue;
            }
        };
        found.extend(listed.into_iter().map(|one| Stray {
            supplier: name.clone(),
            host: one.host,
            volume: one.volume,
            size: one.size,
        }));
    }
    // After the suppliers: a row is written before its volume is made.
    let living = services.store.volume_list(None, Which::Live).await?;
    let living: BTreeSet<VolumeId> = living.into_iter().map(|volume| volume.id).collect();
    let mut strays = Vec::new();
    for one in found {
        if !living.contains(&one.volume) && !may_be_ours(services, &one.volume).await {
            strays.push(one);
        }
    }
    Ok(strays)
}

/// Returns whether there is a row that is only not listed: one that cannot be read says nothing.
async fn may_be_ours(services: &Services, volume: &VolumeId) -> bool {
    match services.store.volume_fetch(volume).await {
        Ok(volume) => volume.ended.is_none(),
        Err(StoreError::NotFound) => false,
        Err(_) => true,
    }
}

//! Strays: what bears a volume's id at a supplier and has no row that lives. They are reported, and
//! deleted only when their owner says so: there may be data on them.

use crate::engine::Engine;
use crate::error::Error;
use crate::reminders;
use crate::services::Services;
use livery_domain::offer::SupplierName;
use livery_domain::orphan::Stray;
use livery_domain::reminder::{Notice, NoticeKind};
use livery_store::{Credit, Error as StoreError, Which};
use livery_supplier::{VolumeFound, Volumes};
use livery_units::{HostId, Timestamp, VolumeId};
use std::collections::BTreeSet;

/// What a sweep found and did.
#[derive(Debug, Clone, Default)]
pub(crate) struct StraysSwept {
    /// Volumes that no row stands for.
    pub(crate) strays: Vec<VolumeId>,
    /// Strays that their supplier was asked to delete.
    pub(crate) ended: u64,
    /// Strays that could not be deleted, and volumes of which the store cannot say what they are.
    pub(crate) failed: u64,
    /// Hosts that did not say what they have.
    pub(crate) silent: BTreeSet<HostId>,
}

impl StraysSwept {
    pub(crate) fn add(&mut self, other: Self) {
        self.strays.extend(other.strays);
        self.ended += other.ended;
        self.failed += other.failed;
        self.silent.extend(other.silent);
    }
}

impl Engine {
    /// Returns network volumes at suppliers that no volume of the store stands for, the newest first;
    /// [`Which::All`] has those of the last month that are gone.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn stray_list(&self, which: Which) -> Result<Vec<Stray>, Error> {
        Ok(self.services.store.stray_list(which).await?)
    }

    /// Asks for the end of a stray, with all that is on it; the sweep sees to it. Asking again changes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::OrphanNotFound`] when no stray bears that id.
    pub async fn stray_end(&self, volume: &VolumeId) -> Result<Vec<Stray>, Error> {
        let services = &self.services;
        let asked = services.store.stray_end_ask(volume, services.now()).await?;
        if asked == 0 {
            return Err(Error::OrphanNotFound(volume.to_string()));
        }
        services.board.strays.notify_one();
        let all = services.store.stray_list(Which::Live).await?;
        Ok(all
            .into_iter()
            .filter(|one| one.volume == *volume)
            .collect())
    }
}

/// Compares what one supplier says exists with what the store knows.
pub(crate) async fn sweep_strays(
    services: &Services,
    name: &SupplierName,
    volumes: &dyn Volumes,
) -> Result<StraysSwept, Error> {
    let store = &services.store;
    let listing = volumes.list().await?;
    let mut swept = StraysSwept {
        silent: listing.heard.silent().cloned().collect(),
        ..StraysSwept::default()
    };
    // After the supplier: a row is written before its volume is made.
    let living = store.volume_list(None, Which::Live).await?;
    let living: BTreeSet<VolumeId> = living.into_iter().map(|volume| volume.id).collect();
    let (mut strays, mut doubtful) = (Vec::new(), BTreeSet::new());
    for one in listing.found {
        if living.contains(&one.volume) {
            continue;
        }
        match is_ours(services, &one.volume).await {
            Ok(true) => {}
            Ok(false) => strays.push(store.stray_saw(&stray(name, one, services.now())).await?),
            Err(error) => {
                tracing::warn!(supplier = %name, volume.id = %one.volume, %error, "whose volume this is cannot be said");
                swept.failed += 1;
                doubtful.insert(one.volume);
            }
        }
    }
    for before in store.stray_list(Which::Live).await? {
        let is_same = |now: &Stray| (&now.host, &now.volume) == (&before.host, &before.volume);
        let is_there = strays.iter().any(is_same) || doubtful.contains(&before.volume);
        if before.supplier == *name && !is_there && listing.heard.speaks_of(Some(&before.host)) {
            store.stray_gone(&before, services.now()).await?;
        }
    }
    for stray in &strays {
        swept.strays.push(stray.volume.clone());
        match stray.end_asked {
            Some(_) => match end(services, volumes, stray).await {
                Ok(()) => swept.ended += 1,
                Err(_) => swept.failed += 1,
            },
            // Found twice: between a supplier's word and the rows' a volume may have been deleted.
            None if stray.first_seen < stray.last_seen => tell(services, stray).await,
            None => {}
        }
    }
    Ok(swept)
}

/// Returns whether there is a row that lives and is only not listed; one that cannot be read says
/// nothing.
async fn is_ours(services: &Services, volume: &VolumeId) -> Result<bool, StoreError> {
    match services.store.volume_fetch(volume).await {
        Ok(volume) => Ok(volume.ended.is_none()),
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

fn stray(supplier: &SupplierName, found: VolumeFound, now: Timestamp) -> Stray {
    Stray {
        supplier: supplier.clone(),
        host: found.host,
        volume: found.volume,
        size: found.size,
        first_seen: now,
        last_seen: now,
        end_asked: None,
        gone: None,
        detail: None,
    }
}

/// Asks the supplier to delete a stray, and records how far that came. It is gone when the supplier
/// says so; until then every sweep asks again.
async fn end(services: &Services, volumes: &dyn Volumes, stray: &Stray) -> Result<(), Error> {
    let Stray { host, volume, .. } = stray;
    tracing::warn!(supplier = %stray.supplier, volume.id = %volume, host.id = %host, "deleting a volume that no row stands for");
    let asked = volumes.delete(host, volume).await;
    let words = match &asked {
        Ok(()) => match volumes.observe(host, volume).await {
            Ok(None) => {
                services.store.stray_gone(stray, services.now()).await?;
                return Ok(());
            }
            Ok(Some(_)) => "asked to be deleted, and still there".to_owned(),
            Err(error) => format!("asked to be deleted; whether it is gone is not known: {error}"),
        },
        Err(error) => {
            tracing::warn!(volume.id = %volume, %error, "a stray volume was not deleted");
            format!("it could not be deleted yet: {error}")
        }
    };
    let detailed = Stray {
        detail: Some(words),
        last_seen: services.now(),
        ..stray.clone()
    };
    services.store.stray_saw(&detailed).await?;
    Ok(asked?)
}

/// Tells the owners of the control plane, once.
async fn tell(services: &Services, stray: &Stray) {
    let Stray {
        supplier,
        host,
        volume,
        size,
        ..
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
                 plane does not know. It is left as it is, for there may be data on it. To delete \
                 it with all that is on it: `livery orphans end {volume}`"
            ),
            at: services.now(),
        };
        reminders::tell(services, notice).await;
    }
}

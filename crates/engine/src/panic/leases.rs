//! What suppliers have beside the pods that the store knows. Only the owner of the control plane is
//! asked about it: it is nobody else's account at the supplier.

use super::things::{Fate, Panic, Thing, ThingKind, Unknown, Volumes};
use super::{strays, unread};
use crate::error::Error;
use crate::orphans::SweepLog;
use crate::services::Services;
use livery_domain::offer::SupplierName;
use livery_domain::orphan::{Orphan, OrphanKind, Remedy};
use livery_store::{Credit, Which};
use livery_units::{AccountId, Timestamp};

/// Has every supplier swept, and everything that nobody owns ended as far as may be.
pub(super) async fn end(
    services: &Services,
    account: &AccountId,
    panic: &Panic,
    since: Timestamp,
) -> Result<Vec<Thing>, Error> {
    match services.store.account_fetch(account).await?.credit {
        Credit::Owner => {}
        Credit::Prepaid => return Ok(Vec::new()),
    }
    let mut things: Vec<Thing> = services
        .suppliers
        .keys()
        .map(|name| swept(services, name, panic.volumes, since))
        .collect();
    for orphan in services.store.orphan_list(Which::All).await? {
        let is_there = orphan.gone.is_none_or(|gone| gone >= since);
        match orphan.kind {
            OrphanKind::Ended | OrphanKind::Double | OrphanKind::Unknown if is_there => {
                things.push(end_one(services, orphan, panic.unknown).await);
            }
            OrphanKind::Ended | OrphanKind::Double | OrphanKind::Unknown => {}
            // It does not exist, and its row is among the pods.
            OrphanKind::Missing => {}
        }
    }
    for row in services.store.orphan_unread().await? {
        things.push(unread::thing(ThingKind::Lease, row, Fate::Failed));
    }
    things.extend(strays::end(services, panic, since).await?);
    let waits = |thing: &Thing| thing.fate == Fate::Asked;
    if things.iter().any(waits) {
        services.board.orphans.notify_one();
        services.board.strays.notify_one();
    }
    Ok(things)
}

/// Returns whether a supplier has said since the panic began what it has, volumes too when they are to
/// end.
fn swept(services: &Services, name: &SupplierName, volumes: Volumes, since: Timestamp) -> Thing {
    let board = &services.board;
    let keeps = services
        .supplier(name)
        .is_ok_and(|one| one.volumes().is_some());
    let swept = match (volumes, keeps) {
        (Volumes::End, true) => said(services, &board.sweeps, name, since)
            .and_then(|()| said(services, &board.volume_sweeps, name, since)),
        (Volumes::End | Volumes::Keep, _) => said(services, &board.sweeps, name, since),
    };
    let (fate, why) = match swept {
        Ok(()) => (Fate::Gone, None),
        Err(why) => (Fate::Asked, Some(why)),
    };
    Thing {
        kind: ThingKind::Supplier,
        id: name.to_string(),
        name: String::new(),
        place: name.to_string(),
        fate,
        why,
    }
}

/// Says why a supplier has not said since then what it has, if it has not.
fn said(
    services: &Services,
    log: &SweepLog,
    name: &SupplierName,
    since: Timestamp,
) -> Result<(), String> {
    // A sweep that seems to come still was done before the clock was set back.
    let now = services.now();
    match log.last(name) {
        Some((began, outcome)) if since <= began && began <= now => outcome,
        Some(_) | None => Err("it is being asked what it has".to_owned()),
    }
}

async fn end_one(services: &Services, orphan: Orphan, unknown: Unknown) -> Thing {
    if orphan.gone.is_some() {
        return Thing::of_lease(&orphan, Fate::Gone);
    }
    let tenants = match services.supplier(&orphan.supplier) {
        Ok(supplier) => supplier.info().tenants,
        Err(error) => {
            let mut thing = Thing::of_lease(&orphan, Fate::Failed);
            thing.failed(&error);
            return thing;
        }
    };
    match (orphan.remedy(tenants), unknown) {
        (Remedy::End, _) => Thing::of_lease(&orphan, Fate::Asked),
        (Remedy::Report, Unknown::End) => {
            let now = services.now();
            let mut thing = Thing::of_lease(&orphan, Fate::Asked);
            let asked = services.store.orphan_end_ask(&orphan.foreign_id, now).await;
            if let Err(error) = asked {
                thing.failed(&error.into());
            }
            thing
        }
        (Remedy::Report, Unknown::Keep) => {
            let mut thing = Thing::of_lease(&orphan, Fate::Kept);
            thing.why = Some(
                "its launch key is not known here, so it may be another control plane's; \
                 `livery panic --unknown` ends it too"
                    .to_owned(),
            );
            thing
        }
    }
}

//! What suppliers have beside the pods that the store knows. Only the owner of the control plane is
//! asked about it: it is nobody else's account at the supplier.

use super::things::{Fate, Panic, Thing, ThingKind, Unknown};
use super::unread;
use crate::error::Error;
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
        .map(|name| swept(services, name, since))
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
    let waits = |thing: &Thing| thing.fate == Fate::Asked;
    if things.iter().any(waits) {
        services.board.orphans.notify_one();
    }
    Ok(things)
}

/// Returns whether a supplier has said since the panic began what it has.
fn swept(services: &Services, name: &SupplierName, since: Timestamp) -> Thing {
    // A sweep that seems to come still was done before the clock was set back.
    let now = services.now();
    let counts = |began| since <= began && began <= now;
    let (fate, why) = match services.board.sweeps.last(name) {
        Some((began, Ok(()))) if counts(began) => (Fate::Gone, None),
        Some((began, Err(error))) if counts(began) => (Fate::Asked, Some(error)),
        Some(_) | None => (
            Fate::Asked,
            Some("it is being asked what it has".to_owned()),
        ),
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

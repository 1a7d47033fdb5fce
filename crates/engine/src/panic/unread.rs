//! What a panic cannot end because its row cannot be read. It is named: a listing leaves it out, and
//! what is left out must not seem to be gone.

use super::things::{Fate, Thing, ThingKind, Volumes};
use crate::error::Error;
use crate::services::Services;
use livery_store::Unread;
use livery_units::AccountId;

/// Returns what of an account's lives and cannot be read.
pub(super) async fn list(
    services: &Services,
    account: &AccountId,
    volumes: Volumes,
) -> Result<Vec<Thing>, Error> {
    let store = &services.store;
    let mut things = Vec::new();
    for row in store.run_unread(account).await? {
        things.push(thing(ThingKind::Run, row, Fate::Failed));
    }
    for row in store.pod_unread(account).await? {
        things.push(thing(ThingKind::Pod, row, Fate::Failed));
    }
    let fate = match volumes {
        Volumes::Keep => Fate::Kept,
        Volumes::End => Fate::Failed,
    };
    for row in store.volume_unread(account).await? {
        things.push(thing(ThingKind::Volume, row, fate));
    }
    Ok(things)
}

pub(super) fn thing(kind: ThingKind, row: Unread, fate: Fate) -> Thing {
    let rest = match kind {
        ThingKind::Run => "so it cannot be told to end; its pods are ended by themselves",
        ThingKind::Pod => "so it may be running: look for it at its supplier, and end it there",
        ThingKind::Volume | ThingKind::Lease | ThingKind::Supplier => {
            "so it may go on costing: look for it at its supplier"
        }
    };
    Thing {
        kind,
        id: row.id,
        name: String::new(),
        place: String::new(),
        fate,
        why: Some(format!("its row cannot be read ({}), {rest}", row.why)),
    }
}

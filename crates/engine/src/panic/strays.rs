//! Network volumes at suppliers that no volume of the store stands for.

use super::things::{Fate, Panic, Thing, ThingKind, Unknown, Volumes};
use super::unread;
use crate::error::Error;
use crate::services::Services;
use livery_domain::orphan::Stray;
use livery_store::Which;
use livery_units::Timestamp;

/// Deletes strays when volumes are to end and what is not known here too; or says that they are kept.
pub(super) async fn end(
    services: &Services,
    panic: &Panic,
    since: Timestamp,
) -> Result<Vec<Thing>, Error> {
    let fate = match (panic.volumes, panic.unknown) {
        (Volumes::End, Unknown::End) => Fate::Asked,
        (Volumes::Keep, _) | (Volumes::End, Unknown::Keep) => Fate::Kept,
    };
    let mut things = Vec::new();
    for stray in services.store.stray_list(Which::All).await? {
        if stray.gone.is_none_or(|gone| gone >= since) {
            things.push(end_one(services, stray, fate).await);
        }
    }
    let unread_fate = match fate {
        Fate::Kept => Fate::Kept,
        Fate::Asked | Fate::Failed | Fate::Gone => Fate::Failed,
    };
    for row in services.store.stray_unread().await? {
        things.push(unread::thing(ThingKind::Volume, row, unread_fate));
    }
    Ok(things)
}

async fn end_one(services: &Services, stray: Stray, fate: Fate) -> Thing {
    if stray.gone.is_some() {
        return Thing::of_stray(&stray, Fate::Gone);
    }
    // Somebody has asked for it before: it is being deleted.
    if stray.end_asked.is_some() {
        return ending(services, stray);
    }
    match fate {
        Fate::Kept => {
            let mut thing = Thing::of_stray(&stray, Fate::Kept);
            thing.why = Some(
                "no volume of this control plane stands for it, and there may be data on it; \
                 `livery panic --volumes --unknown` deletes it too"
                    .to_owned(),
            );
            thing
        }
        Fate::Asked | Fate::Failed | Fate::Gone => {
            let asked = services.store.stray_end_ask(&stray.volume, services.now());
            match asked.await {
                Ok(_) => ending(services, stray),
                Err(error) => {
                    let mut thing = Thing::of_stray(&stray, Fate::Failed);
                    thing.failed(&error.into());
                    thing
                }
            }
        }
    }
}

/// One whose supplier is not set up here is ended by nobody.
fn ending(services: &Services, stray: Stray) -> Thing {
    let mut thing = Thing::of_stray(&stray, Fate::Asked);
    if let Err(error) = services.supplier(&stray.supplier) {
        thing.failed(&error);
    }
    thing
}

//! Network volumes in a panic.

use super::things::{Fate, Thing, Volumes};
use crate::pod::Unless;
use crate::services::Services;
use crate::volume;
use livery_domain::volume::NetworkVolume;

/// Why a volume is deleted, for its row.
const WHY: &str = "its user ended everything";

/// Deletes a volume, or says what it goes on costing.
pub(super) async fn end(services: &Services, volume: NetworkVolume, volumes: Volumes) -> Thing {
    if volume.ended.is_some() {
        return Thing::of_volume(&volume, Fate::Gone);
    }
    match volumes {
        Volumes::Keep => {
            let mut thing = Thing::of_volume(&volume, Fate::Kept);
            thing.why = Some(match volume.rate.for_size(volume.size) {
                Ok(rate) => format!(
                    "it is data, and goes on costing {}; `livery panic --volumes` deletes it too",
                    rate.shown()
                ),
                Err(error) => error.to_string(),
            });
            thing
        }
        Volumes::End => {
            let mut thing = Thing::of_volume(&volume, Fate::Asked);
            if let Err(error) = volume::end(services, &volume.id, WHY, Unless::Never).await {
                thing.failed(&error);
            }
            thing
        }
    }
}

//! Step 5: `file_mounts`.

use super::{Scene, task};
use crate::error::Error;
use crate::run::events::note;
use crate::run::trees;
use livery_domain::run::{EventKind, StepEnd};

pub(super) async fn perform(scene: &Scene) -> Result<StepEnd, Error> {
    let (pod, host) = match scene.pod_up().await? {
        Ok(up) => up,
        Err(end) => return Ok(end),
    };
    for (dest, tree) in &scene.run.submission.mounts {
        // A mount's tree has one entry at its top, a file or a directory of the destination's name.
        let above = dest.rsplit_once('/').map_or("", |(above, _)| above);
        let above = if above.is_empty() { "/" } else { above };
        match trees::send(&scene.services, &*host, &pod.id, *tree, above).await {
            Ok(applied) => {
                note(
                    &scene.services,
                    &scene.run,
                    EventKind::Note,
                    &task::sent(dest, &applied),
                )
                .await
            }
            Err(error) => return task::end_or_retry(error),
        }
    }
    Ok(StepEnd::Done)
}

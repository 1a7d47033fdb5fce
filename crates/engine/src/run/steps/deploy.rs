//! Step 4: `workdir`, then `setup`.

use super::{Scene, task};
use crate::error::Error;
use crate::run::events::note;
use crate::run::trees;
use livery_domain::job::WORKDIR;
use livery_domain::run::{EventKind, StepEnd};

/// The note that says to which pod `workdir` was sent.
const WORKDIR_SENT: &str = "workdir-sent";

pub(super) async fn perform(scene: &Scene) -> Result<StepEnd, Error> {
    let (pod, host) = match scene.pod_up().await? {
        Ok(up) => up,
        Err(end) => return Ok(end),
    };
    let store = &scene.services.store;
    // Once is enough: after a restart, setup may have changed what was sent.
    let sent_to = store.run_note_get(&scene.run.id, WORKDIR_SENT).await?;
    let sent = sent_to.as_deref() == Some(pod.id.as_str());
    if let Some(tree) = scene.run.submission.workdir.filter(|_| !sent) {
        match trees::send(&scene.services, &*host, &pod.id, tree, WORKDIR).await {
            Ok(applied) => {
                let message = task::sent(WORKDIR, &applied);
                note(&scene.services, &scene.run, EventKind::Note, &message).await;
            }
            Err(error) => return task::end_or_retry(error),
        }
        store
            .run_note_set(&scene.run.id, WORKDIR_SENT, pod.id.as_str())
            .await?;
    }
    let Some(setup) = &scene.job.setup else {
        return Ok(StepEnd::Done);
    };
    match task::run(scene, &*host, &pod, task::SETUP, setup).await? {
        Ok(0) => Ok(StepEnd::Done),
        Ok(code) => Ok(StepEnd::Failed(format!(
            "setup ended with exit code {code}"
        ))),
        Err(end) => Ok(end),
    }
}

//! Step 6: `run`, with its output kept and, every checkpoint interval, its checkpoint brought home.

use super::{Scene, pull, task};
use crate::error::Error;
use crate::run::events::note;
use livery_domain::pod::Pod;
use livery_domain::run::{EventKind, StepEnd};
use livery_host_api::Host;
use livery_units::{Span, counted};

/// The note that carries the exit code to the run's row.
pub(super) const EXIT_CODE: &str = "exit-code";

/// How often it is looked whether the pod is still there.
const POD_WATCH: Span = Span::from_secs(1);

pub(super) async fn perform(scene: &Scene) -> Result<StepEnd, Error> {
    let (pod, host) = match scene.pod_up().await? {
        Ok(up) => up,
        Err(end) => return Ok(end),
    };
    let training = task::run(scene, &*host, &pod, task::RUN, &scene.job.run);
    let ended = tokio::select! {
        ended = training => ended,
        end = pod_vanishes(scene) => return Ok(end),
        () = keep_checkpoints(scene, &pod, &*host) => unreachable_step(),
    };
    match ended? {
        Ok(code) => {
            scene
                .services
                .store
                .run_note_set(&scene.run.id, EXIT_CODE, &code.to_string())
                .await?;
            if code == 0 {
                return Ok(StepEnd::Done);
            }
            Ok(StepEnd::Failed(format!("run ended with exit code {code}")))
        }
        Err(end) => Ok(end),
    }
}

fn unreachable_step() -> Result<Result<i32, StepEnd>, Error> {
    Err(Error::Unreachable("checkpoints are no longer kept".into()))
}

/// Returns when the pod is no longer there, which the task's own output may never tell.
async fn pod_vanishes(scene: &Scene) -> StepEnd {
    loop {
        scene.services.sleep(POD_WATCH).await;
        if let Ok(Err(end)) = scene.pod_up().await {
            return end;
        }
    }
}

/// Brings the checkpoint home every interval, so that a pod that vanishes takes little with it.
async fn keep_checkpoints(scene: &Scene, pod: &Pod, host: &dyn Host) {
    let interval = scene
        .job
        .checkpoint
        .as_ref()
        .and_then(|checkpoint| checkpoint.interval);
    let Some(interval) = interval else {
        return std::future::pending().await;
    };
    loop {
        scene.services.sleep(interval).await;
        match pull::bring_checkpoint(scene, pod, host).await {
            Ok(0) => {}
            Ok(files) => {
                let message = format!(
                    "checkpoint brought home ({})",
                    counted(files, "file", "files")
                );
                note(&scene.services, &scene.run, EventKind::Note, &message).await;
            }
            Err(error) => {
                tracing::warn!(run.id = %scene.run.id, %error, "a checkpoint was not brought home; the next will be tried");
            }
        }
    }
}

//! Step 7: outputs and the last checkpoint come home, verified by hash, however the training ended.

use super::patience::{PATIENCE, Waited};
use super::{Scene, task};
use crate::error::Error;
use crate::run::events::note;
use crate::run::trees;
use livery_domain::job::Job;
use livery_domain::pod::{Pod, WORKSPACE};
use livery_domain::run::{EventKind, StepEnd};
use livery_host_api::Host;
use livery_host_api::dto::{CollectTree, Collected};
use livery_units::{Bytes, ContentHash, Span, counted};

/// The note that carries the results' manifest to the run's row.
pub(crate) const RESULTS: &str = "results";

/// The note that it was said that the results have no room here.
const NO_ROOM: &str = "results-no-room";

/// How often it is tried whether they have room now.
const ROOM_LOOK: Span = Span::from_secs(5);

pub(super) async fn perform(scene: &Scene) -> Result<StepEnd, Error> {
    let patterns = patterns(&scene.job);
    if patterns.is_empty() {
        return Ok(StepEnd::Done);
    }
    let mut waited = Waited::so_far(scene).await?;
    tokio::select! {
        // First, so that a pull which is begun again too late is not begun.
        biased;
        why = waited.ends(scene) => Ok(StepEnd::Failed(why?)),
        end = bring_results(scene, patterns) => end,
    }
}

/// Returns whether there is anything that comes home when the run ends.
pub(super) fn brings_anything(job: &Job) -> bool {
    !patterns(job).is_empty()
}

async fn bring_results(scene: &Scene, patterns: Vec<String>) -> Result<StepEnd, Error> {
    let (pod, host) = match scene.pod_up().await? {
        Ok(up) => up,
        Err(end) => return Ok(end),
    };
    let request = CollectTree {
        base: WORKSPACE.to_owned(),
        patterns,
    };
    match fetch(scene, &*host, &pod, &request).await {
        Ok((tree, collected)) => {
            scene
                .services
                .store
                .run_note_set(&scene.run.id, RESULTS, &tree.to_string())
                .await?;
            let files = counted(collected.files, "file", "files");
            let summary = format!("{files}, {}", Bytes::new(collected.bytes));
            note(&scene.services, &scene.run, EventKind::Note, &summary).await;
            for left_out in &collected.notes {
                note(&scene.services, &scene.run, EventKind::Note, left_out).await;
            }
            if collected.lost.is_empty() {
                return Ok(StepEnd::Done);
            }
            let lost = collected.lost.join("; ");
            Ok(StepEnd::Failed(format!(
                "not all results came home: {lost}"
            )))
        }
        Err(error) => task::end_or_retry(error),
    }
}

/// Brings what matches home. While its account may not keep it, the run waits and says so: its results
/// are not lost as long as somebody may make room for them.
async fn fetch(
    scene: &Scene,
    host: &dyn Host,
    pod: &Pod,
    request: &CollectTree,
) -> Result<(ContentHash, Collected), Error> {
    let services = &scene.services;
    let (tree, collected) = trees::collect(host, &pod.id, request).await?;
    loop {
        match trees::bring_home(services, &scene.run.account, host, tree).await {
            Ok(()) => return Ok((tree, collected)),
            Err(error @ Error::ContentQuota(_)) => say_there_is_no_room(scene, &error).await?,
            Err(error) => return Err(error),
        }
        services.sleep(ROOM_LOOK).await;
    }
}

async fn say_there_is_no_room(scene: &Scene, error: &Error) -> Result<(), Error> {
    let store = &scene.services.store;
    if store.run_note_get(&scene.run.id, NO_ROOM).await?.is_some() {
        return Ok(());
    }
    store.run_note_set(&scene.run.id, NO_ROOM, "yes").await?;
    let message = format!(
        "the results wait for room, for at most {PATIENCE}: {error} ({}); {}",
        error.code(),
        error.hint().unwrap_or_default()
    );
    note(&scene.services, &scene.run, EventKind::Note, &message).await;
    Ok(())
}

/// Brings the checkpoint home and makes it the results so far; returns how many files it has.
pub(super) async fn bring_checkpoint(
    scene: &Scene,
    pod: &Pod,
    host: &dyn Host,
) -> Result<u64, Error> {
    let Some(pattern) = checkpoint_pattern(&scene.job) else {
        return Ok(0);
    };
    let request = CollectTree {
        base: WORKSPACE.to_owned(),
        patterns: vec![pattern],
    };
    let (tree, collected) = trees::collect(host, &pod.id, &request).await?;
    // Half a checkpoint is of no use, and the one before it is kept.
    if !collected.lost.is_empty() {
        return Err(Error::Invalid(collected.lost.join("; ")));
    }
    trees::bring_home(&scene.services, &scene.run.account, host, tree).await?;
    if collected.files > 0 {
        scene
            .services
            .store
            .run_note_set(&scene.run.id, RESULTS, &tree.to_string())
            .await?;
    }
    Ok(collected.files)
}

fn patterns(job: &Job) -> Vec<String> {
    let outputs = job
        .outputs
        .iter()
        .map(|pattern| pattern.as_str().to_owned());
    outputs.chain(checkpoint_pattern(job)).collect()
}

/// Everything under the checkpoint directory, relative to the workspace.
fn checkpoint_pattern(job: &Job) -> Option<String> {
    let dir = job
        .checkpoint
        .as_ref()?
        .dir
        .as_str()
        .strip_prefix(WORKSPACE)?;
    Some(format!("{}/**", dir.trim_matches('/')))
}

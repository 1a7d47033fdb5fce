//! What the agent clears away by itself: level by level, whatever left it behind.

use crate::agent::{Core, now_ms};
use crate::error::{of_content, of_images, of_io, of_runtime};
use crate::options::Content;
use crate::pods::Stage;
use livery_host_api::Error;
use livery_units::{PodId, Span, Timestamp};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often pods are looked through.
const PERIOD: Duration = Duration::from_secs(60);
/// Every how many sweeps content and images are looked through, which costs more.
const DEEP_EVERY: u64 = 30;
/// How long content that nobody asked for stays.
const CONTENT_AGE: Span = Span::from_secs(24 * 3_600);
/// How long images that nobody asked for stay.
const IMAGE_AGE: Span = Span::from_secs(14 * 24 * 3_600);
/// The same when the disk is low: long enough that none goes from under a pod being made.
const IMAGE_AGE_LOW: Span = Span::from_secs(10 * 60);
/// The disk is low less than one part in so many of it is free.
const DISK_LOW_PART: u64 = 10;

/// Sweeps now and from time to time, as long as the agent is there.
pub(crate) fn begin(core: &Arc<Core>) {
    let weak = Arc::downgrade(core);
    let stop = core.stop.clone();
    core.tasks.spawn(async move {
        let mut ticks = tokio::time::interval(PERIOD);
        let mut count = 0_u64;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let Some(core) = Weak::upgrade(&weak) else {
                return;
            };
            sweep(&core, count).await;
            count += 1;
        }
    });
}

async fn sweep(core: &Arc<Core>, count: u64) {
    note("the reserve", reserve(core).await);
    note("half-removed pods", removals(core).await);
    note("pods without a record", orphans(core).await);
    if count.is_multiple_of(DEEP_EVERY) {
        note("content", content(core).await);
    }
    note("images", images(core, count).await);
}

fn note(what: &str, result: Result<(), Error>) {
    if let Err(error) = result {
        tracing::warn!(%error, "the sweep of {what} failed and is tried again later");
    }
}

async fn reserve(core: &Arc<Core>) -> Result<(), Error> {
    core.blocking(|core| {
        let looked = core.records.look_at_reserve();
        looked.map_err(|error| of_io("look at the disk", &error))
    })
    .await
}

/// Goes on with removals that an error or a crash interrupted.
async fn removals(core: &Arc<Core>) -> Result<(), Error> {
    let pods = core.pods.all();
    for pod in pods
        .iter()
        .filter(|pod| pod.record().stage == Stage::Removing)
    {
        core.remove_pod(pod.id.clone()).await?;
    }
    Ok(())
}

/// Removes what the runtime has and nobody asked for. Intents are written first and forgotten last,
/// so a pod without one is what a crash left behind.
async fn orphans(core: &Arc<Core>) -> Result<(), Error> {
    let one_at_a_time = core.admission.lock().await;
    let found = core
        .blocking(|core| {
            let pods = core.runtime.list().map_err(of_runtime)?;
            let unknown = pods.into_iter().map(|pod| pod.id);
            let unknown = unknown.filter(|id| !core.records.has(id) && core.pods.get(id).is_none());
            Ok(unknown.collect::<Vec<PodId>>())
        })
        .await?;
    drop(one_at_a_time);
    for id in found {
        tracing::warn!(pod.id = %id, "a pod that nobody asked for is removed");
        core.remove_pod(id).await?;
    }
    Ok(())
}

/// Drops content that nobody used for long; a store that is shared is swept by its other owner.
async fn content(core: &Arc<Core>) -> Result<(), Error> {
    match core.options.content {
        Content::Shared(_) => Ok(()),
        Content::Own => {
            core.blocking(|core| core.content.gc(&[], CONTENT_AGE).map_err(of_content))
                .await?;
            Ok(())
        }
    }
}

/// Forgets images: old ones from time to time, all that no pod stands on when the disk is low.
async fn images(core: &Arc<Core>, count: u64) -> Result<(), Error> {
    let (free, size) = core
        .blocking(|core| {
            let free = core.machine.disk_free();
            free.map_err(|error| Error::Internal(error.to_string()))
        })
        .await?;
    let low = free < size / DISK_LOW_PART;
    if !low && !count.is_multiple_of(DEEP_EVERY) {
        return Ok(());
    }
    let age = if low { IMAGE_AGE_LOW } else { IMAGE_AGE };
    let age = i64::try_from(age.millis()).unwrap_or(i64::MAX);
    let since = Timestamp::from_millis(now_ms().saturating_sub(age));
    let records = core.pods.all().into_iter().map(|pod| pod.record());
    let in_use: HashSet<PathBuf> = records.flat_map(|record| record.layers).collect();
    let gone = core.images.collect_garbage(in_use, since).await;
    if let Some(count @ 1..) = gone.map_err(of_images)? {
        tracing::info!(layers = count, "unused image layers were removed");
    }
    Ok(())
}

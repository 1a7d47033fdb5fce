//! Trees of files between the control plane's content store and a pod.

use crate::error::Error;
use crate::services::Services;
use futures_util::StreamExt;
use livery_content::{ContentError, ContentStore, FrameDecoder};
use livery_host_api::dto::{Applied, ApplyTree, Blobs, CollectTree, Collected};
use livery_host_api::{ByteStream, Host};
use livery_units::{ContentHash, ParseHashError, PodId};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Frames in flight between the store's reader and the network; each may have several MiB.
const FRAMES_IN_FLIGHT: usize = 4;

/// Runs blocking work on the content store away from the async threads.
async fn blocking<T: Send + 'static>(
    content: &Arc<ContentStore>,
    work: impl FnOnce(&ContentStore) -> Result<T, livery_content::ContentError> + Send + 'static,
) -> Result<T, Error> {
    let content = content.clone();
    match tokio::task::spawn_blocking(move || work(&content)).await {
        // It does not come by itself.
        Ok(Err(error @ ContentError::Missing { .. })) => Err(Error::Invalid(error.to_string())),
        Ok(result) => Ok(result?),
        Err(panicked) => Err(Error::Store(panicked.to_string())),
    }
}

/// Counts what these trees name and the store lacks.
pub(crate) async fn count_missing(
    services: &Services,
    trees: Vec<ContentHash>,
) -> Result<usize, Error> {
    blocking(&services.content, move |content| {
        trees
            .iter()
            .try_fold(0, |sum, tree| Ok(sum + content.tree_missing(tree)?.len()))
    })
    .await
}

/// Sends a tree into a pod: only what its host lacks crosses the network.
pub(crate) async fn send(
    services: &Services,
    host: &dyn Host,
    pod: &PodId,
    tree: ContentHash,
    dest: &str,
) -> Result<Applied, Error> {
    let blobs = blocking(&services.content, move |content| content.tree_blobs(&tree)).await?;
    let missing = host
        .content_missing(&Blobs::from_hashes(&blobs))
        .await?
        .to_hashes()?;
    if !missing.is_empty() {
        host.content_put(frames(services.content.clone(), missing))
            .await?;
    }
    Ok(host
        .tree_apply(
            pod,
            &ApplyTree {
                manifest: tree.to_string(),
                dest: dest.to_owned(),
            },
        )
        .await?)
}

/// Takes what matches from a pod into the store: only what the store lacks crosses the network.
pub(crate) async fn collect(
    services: &Services,
    host: &dyn Host,
    pod: &PodId,
    request: &CollectTree,
) -> Result<(ContentHash, Collected), Error> {
    let collected = host.tree_collect(pod, request).await?;
    let tree: ContentHash = collected
        .manifest
        .parse()
        .map_err(|error: ParseHashError| Error::Unreachable(error.to_string()))?;
    // The manifest comes first: it tells what else is missing.
    loop {
        let missing = blocking(&services.content, move |content| {
            content.tree_missing(&tree)
        })
        .await?;
        if missing.is_empty() {
            return Ok((tree, collected));
        }
        let stream = host.content_get(&Blobs::from_hashes(&missing)).await?;
        take(services, stream).await?;
    }
}

/// Takes frames from a stream into the store; every blob is verified against its hash.
pub(crate) async fn take(services: &Services, mut stream: ByteStream) -> Result<(), Error> {
    let mut decoder = FrameDecoder::default();
    while let Some(bytes) = stream.next().await {
        decoder.push(&bytes?);
        let mut frames = Vec::new();
        while let Some(frame) = decoder
            .next_frame()
            .map_err(|error| Error::Invalid(error.to_string()))?
        {
            frames.push(frame);
        }
        if !frames.is_empty() {
            blocking(&services.content, move |content| {
                frames.iter().try_for_each(|frame| content.put_frame(frame))
            })
            .await?;
        }
    }
    decoder
        .finish()
        .map_err(|error| Error::Invalid(error.to_string()))?;
    blocking(&services.content, ContentStore::flush).await
}

/// Reads blobs from the store as a stream of frames.
pub(crate) fn frames(content: Arc<ContentStore>, wanted: Vec<ContentHash>) -> ByteStream {
    let (sender, receiver) = mpsc::channel(FRAMES_IN_FLIGHT);
    tokio::task::spawn_blocking(move || {
        for hash in wanted {
            let pieces = match content.get_frame(&hash) {
                Ok(frame) => [Ok(frame.header()), Ok(frame.body().clone())].to_vec(),
                Err(error) => vec![Err(livery_host_api::Error::Internal(error.to_string()))],
            };
            for piece in pieces {
                let failed = piece.is_err();
                if sender.blocking_send(piece).is_err() || failed {
                    return;
                }
            }
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(receiver).boxed()
}

//! Trees of files between the control plane's content store and a pod.

use crate::content::{self, blocking};
use crate::error::Error;
use crate::services::Services;
use futures_util::StreamExt;
use livery_content::{ContentStore, FrameDecoder};
use livery_host_api::dto::{Applied, ApplyTree, Blobs, CollectTree, Collected};
use livery_host_api::{ByteStream, Host};
use livery_units::{AccountId, ContentHash, ParseHashError, PodId};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Frames in flight between the store's reader and the network; each may have several MiB.
const FRAMES_IN_FLIGHT: usize = 4;

/// Counts what of these trees is missing to an account, which has to own every blob of them.
pub(crate) async fn count_lacking(
    services: &Services,
    account: &AccountId,
    trees: Vec<ContentHash>,
) -> Result<usize, Error> {
    let owner = account.clone();
    blocking(&services.content, move |content| {
        trees.iter().try_fold(0, |sum, tree| {
            Ok(sum + content.tree_missing(&owner, tree)?.len())
        })
    })
    .await
}

/// Returns whether these trees of a run that was accepted are whole here.
pub(crate) async fn are_here(services: &Services, trees: Vec<ContentHash>) -> Result<bool, Error> {
    blocking(&services.content, move |content| {
        for tree in &trees {
            if !content.store().tree_missing(tree)?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
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
    let blobs = blocking(&services.content, move |content| {
        content.store().tree_blobs(&tree)
    })
    .await?;
    let missing = host
        .content_missing(&Blobs::from_hashes(&blobs))
        .await?
        .to_hashes()?;
    if !missing.is_empty() {
        host.content_put(frames(services.content.store().clone(), missing))
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

/// Makes a tree of what matches in a pod; it stays at the host.
pub(crate) async fn collect(
    host: &dyn Host,
    pod: &PodId,
    request: &CollectTree,
) -> Result<(ContentHash, Collected), Error> {
    let collected = host.tree_collect(pod, request).await?;
    let tree = collected.manifest.parse();
    let tree = tree.map_err(|error: ParseHashError| Error::Unreachable(error.to_string()))?;
    Ok((tree, collected))
}

/// Brings a tree that was made of a pod of the account home: only what the store lacks crosses the
/// network.
///
/// # Errors
/// [`Error::ContentQuota`] before the files themselves are fetched.
pub(crate) async fn bring_home(
    services: &Services,
    account: &AccountId,
    host: &dyn Host,
    tree: ContentHash,
) -> Result<(), Error> {
    let mut has_room = HasRoom::Unknown;
    // The manifest comes first: it says what else is missing, and how much it is.
    loop {
        let (missing, is_listed) = blocking(&services.content, move |content| {
            let store = content.store();
            Ok((store.tree_missing(&tree)?, store.tree(&tree).is_ok()))
        })
        .await?;
        if is_listed && has_room == HasRoom::Unknown {
            make_own(services, account, tree).await?;
            has_room = HasRoom::Yes;
        }
        if missing.is_empty() {
            // Once more: what is not needed yet by a run may have been given up meanwhile.
            make_own(services, account, tree).await?;
            return blocking(&services.content, |content| content.store().flush()).await;
        }
        let stream = host.content_get(&Blobs::from_hashes(&missing)).await?;
        take(services, stream).await?;
    }
}

/// Whether it was found that what comes home fits into its account's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HasRoom {
    Unknown,
    Yes,
}

/// Makes a tree the account's own. When it does not fit, what its runs no longer need goes first.
async fn make_own(
    services: &Services,
    account: &AccountId,
    tree: ContentHash,
) -> Result<(), Error> {
    let quota = content::quota(services, account).await?;
    let own = || {
        let owner = account.clone();
        blocking(&services.content, move |content| {
            content.bring_home(&owner, &tree, quota)
        })
    };
    match own().await {
        Err(Error::ContentQuota(_)) => {
            content::give_up(services, account).await?;
            own().await
        }
        result => result,
    }
}

/// Takes frames from a stream into the store; every blob is verified against its hash.
async fn take(services: &Services, mut stream: ByteStream) -> Result<(), Error> {
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
                let store = content.store();
                frames.iter().try_for_each(|frame| store.put_frame(frame))
            })
            .await?;
        }
    }
    decoder
        .finish()
        .map_err(|error| Error::Invalid(error.to_string()))
}

/// Reads blobs from the store as a stream of frames.
fn frames(content: Arc<ContentStore>, wanted: Vec<ContentHash>) -> ByteStream {
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

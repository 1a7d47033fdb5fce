//! `/v1/content`: blobs by their hashes. Who knows a hash has had the content, or may have it.

use super::{Route, get as route_get, post};
use crate::App;
use crate::auth::{Access, Acting};
use crate::body::{Json, Transfer, incoming, outgoing};
use crate::error::Refusal;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures_util::StreamExt;
use http::StatusCode;
use livery_api::dto::ContentRoom;
use livery_content::{ContentError, Frame, FrameDecoder, OwnedContent, Quota};
use livery_units::{AccountId, ContentHash};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route_get("/v1/content/room", Access::Account, room),
        post("/v1/content/missing", Access::Account, missing),
        post("/v1/content/put", Access::Account, put),
        post("/v1/content/get", Access::Account, get),
    ]
}

const HASH_BYTES: usize = 32;

/// Longest list of hashes: 131,072 of them. Clients ask for 100,000 at once.
const HASHES_BYTES_MAX: usize = HASH_BYTES << 17;

/// Pieces in flight between the store's reader and the network, two for each frame.
const PIECES_IN_FLIGHT: usize = 4;

/// Bytes of frames that are put at once.
const BATCH_BYTES: usize = 4 << 20;

/// Says how much more the account may send, before it sends anything.
async fn room(
    State(app): State<App>,
    Acting(account): Acting,
) -> Result<Json<ContentRoom>, Refusal> {
    let room = app.engine.content_room(&account).await?;
    Ok(Json(ContentRoom {
        room: room.room,
        kept: room.kept,
        quota: room.quota,
    }))
}

async fn missing(
    State(app): State<App>,
    Acting(account): Acting,
    Transfer(_turn): Transfer,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    let asked = hashes(body).await?;
    let missing = move |content: &OwnedContent| Ok(content.missing(&account, &asked));
    let lacking = blocking(app.engine.content(), missing).await?;
    Ok(lacking.iter().flat_map(|hash| *hash.as_bytes()).collect())
}

/// Takes frames as they come, a batch at a time: memory is bounded by the batch.
async fn put(
    State(app): State<App>,
    Acting(account): Acting,
    Transfer(_turn): Transfer,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let quota = app.engine.content_quota(&account).await?;
    let mut stream = incoming(body);
    let mut decoder = FrameDecoder::default();
    let mut batch = Vec::new();
    let mut batch_bytes = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| Refusal::bad_request(&error.to_string()))?;
        decoder.push(&piece);
        while let Some(frame) = decoder.next_frame()? {
            batch_bytes += frame.body().len();
            batch.push(frame);
        }
        if batch_bytes >= BATCH_BYTES {
            batch_bytes = 0;
            store(&app, &account, quota, std::mem::take(&mut batch)).await?;
        }
    }
    decoder.finish()?;
    store(&app, &account, quota, batch).await?;
    blocking(app.engine.content(), |content| content.store().flush()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn store(
    app: &App,
    account: &AccountId,
    quota: Quota,
    frames: Vec<Frame>,
) -> Result<(), Refusal> {
    let account = account.clone();
    let put = move |content: &OwnedContent| {
        content.store().ensure_room()?;
        content.put_frames(&account, &frames, quota)
    };
    blocking(app.engine.content(), put).await
}

async fn get(
    State(app): State<App>,
    Acting(account): Acting,
    Transfer(turn): Transfer,
    body: Body,
) -> Result<Response, Refusal> {
    let asked = hashes(body).await?;
    let content = app.engine.content().clone();
    let (sender, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
    tokio::task::spawn_blocking(move || {
        read(&content, &account, &asked, &sender);
        drop(turn);
    });
    Ok(outgoing(ReceiverStream::new(receiver).boxed()))
}

/// Sends frames until they are all sent, one is lacking, or nobody reads any more. A lacking blob
/// ends the stream early: the receiver counts.
fn read(
    content: &OwnedContent,
    account: &AccountId,
    asked: &[ContentHash],
    sender: &mpsc::Sender<Result<Bytes, livery_host_api::Error>>,
) {
    for hash in asked {
        let pieces = match content.get_frame(account, hash) {
            Ok(frame) => vec![Ok(frame.header()), Ok(frame.body().clone())],
            Err(error) => {
                tracing::warn!(%hash, %error, "a blob that a client asked for could not be read");
                return;
            }
        };
        for piece in pieces {
            if sender.blocking_send(piece).is_err() {
                return;
            }
        }
    }
}

async fn hashes(body: Body) -> Result<Vec<ContentHash>, Refusal> {
    let bytes = axum::body::to_bytes(body, HASHES_BYTES_MAX).await;
    let bytes = bytes.map_err(|error| Refusal::bad_request(&error.to_string()))?;
    if bytes.len() % HASH_BYTES != 0 {
        let message = format!(
            "{} bytes are no list of hashes of {HASH_BYTES} bytes",
            bytes.len()
        );
        return Err(Refusal::bad_request(&message));
    }
    let hash = |bytes: &[u8]| bytes.try_into().ok().map(ContentHash::from_bytes);
    Ok(bytes.chunks_exact(HASH_BYTES).filter_map(hash).collect())
}

async fn blocking<T: Send + 'static>(
    content: &Arc<OwnedContent>,
    work: impl FnOnce(&OwnedContent) -> Result<T, ContentError> + Send + 'static,
) -> Result<T, Refusal> {
    let content = content.clone();
    match tokio::task::spawn_blocking(move || work(&content)).await {
        Ok(result) => Ok(result?),
        Err(panicked) => Err(livery_engine::Error::Store(panicked.to_string()).into()),
    }
}

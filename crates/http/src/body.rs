//! Reads requests: JSON, queries, and streams that begin with a small head.

use crate::error::Refusal;
use crate::pace::BODY_PATIENCE;
use crate::turns::{Turn, Turns};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::{Buf, BytesMut};
use futures_util::StreamExt;
use http::request::Parts;
use livery_api::WAIT_MAX_MS;
use livery_host_api::ByteStream;
use livery_units::Span;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A JSON body; what is no such body is refused as a `Problem`.
pub(crate) struct Json<T>(pub(crate) T);

/// A query; what is no such query is refused as a `Problem`.
pub(crate) struct Query<T>(pub(crate) T);

/// A path's parts; what cannot be read is refused as a `Problem`.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let turn = match Turns::of_request(request.extensions()) {
            Some(turns) => turns.read().await,
            None => None,
        };
        let read = axum::Json::from_request(request, state).await;
        drop(turn);
        read.map(|axum::Json(value)| Self(value))
            .map_err(|wrong| Refusal::unreadable(wrong.status(), &wrong.body_text()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(value)| Self(value))
            .map_err(|wrong| Refusal::unreadable(wrong.status(), &wrong.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(value)| Self(value))
            .map_err(|wrong| Refusal::unreadable(wrong.status(), &wrong.body_text()))
    }
}

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The account's turn to send or to be sent content; taken before anything of the body is.
pub(crate) struct Transfer(pub(crate) Option<Turn>);

impl<S: Sync> FromRequestParts<S> for Transfer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Ok(Self(match Turns::of_request(&parts.extensions) {
            Some(turns) => turns.transfer().await,
            None => None,
        }))
    }
}

/// The account's turn to have a body read.
pub(crate) struct Reading(pub(crate) Option<Turn>);

impl<S: Sync> FromRequestParts<S> for Reading {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Ok(Self(match Turns::of_request(&parts.extensions) {
            Some(turns) => turns.read().await,
            None => None,
        }))
    }
}

/// How long an answer may wait for something to change, in milliseconds; not at all when left out.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WaitQuery {
    wait_ms: u64,
}

impl WaitQuery {
    /// Returns for how long to wait.
    pub(crate) fn most(&self) -> Span {
        patience(self.wait_ms)
    }
}

/// Returns for how long an answer waits when so much is asked for.
pub(crate) fn patience(wait_ms: u64) -> Span {
    Span::from_millis(wait_ms.min(WAIT_MAX_MS))
}

/// Longest head of a stream.
const HEAD_BYTES_MAX: usize = 1 << 20;

/// Turns a request's body into the kind of stream that hosts take.
pub(crate) fn incoming(body: Body) -> ByteStream {
    let broken = |error: axum::Error| livery_host_api::Error::Unreachable(error.to_string());
    let pieces = body.into_data_stream();
    pieces.map(move |piece| piece.map_err(broken)).boxed()
}

/// Answers with a stream; when it breaks, so does the answer, and the client sees that.
pub(crate) fn outgoing(stream: ByteStream) -> Response {
    Body::from_stream(stream).into_response()
}

/// Takes the head of a stream (its length in four bytes, then its JSON) and returns the rest, which may
/// be silent. The head may not: it must be there in the time that any body may bring nothing.
pub(crate) async fn split_head<T: DeserializeOwned>(
    body: Body,
) -> Result<(T, ByteStream), Refusal> {
    match tokio::time::timeout(BODY_PATIENCE, read_head(body)).await {
        Ok(read) => read,
        Err(_) => {
            let seconds = BODY_PATIENCE.as_secs();
            let message = format!("the head of the stream did not come within {seconds} seconds");
            Err(Refusal::bad_request(&message))
        }
    }
}

async fn read_head<T: DeserializeOwned>(body: Body) -> Result<(T, ByteStream), Refusal> {
    let mut stream = incoming(body);
    let mut buffer = BytesMut::new();
    fill(&mut stream, &mut buffer, 4).await?;
    let length = usize::try_from(buffer.get_u32()).unwrap_or(usize::MAX);
    if length > HEAD_BYTES_MAX {
        let message = format!("the head of the stream may have {HEAD_BYTES_MAX} bytes at most");
        return Err(Refusal::bad_request(&message));
    }
    fill(&mut stream, &mut buffer, length).await?;
    let head = buffer.split_to(length);
    let head = serde_json::from_slice(&head);
    let head = head.map_err(|error| Refusal::bad_request(&error.to_string()))?;
    let rest: Bytes = buffer.freeze();
    let rest = (!rest.is_empty()).then_some(Ok(rest));
    let rest = futures_util::stream::iter(rest);
    Ok((head, rest.chain(stream).boxed()))
}

async fn fill(
    stream: &mut ByteStream,
    buffer: &mut BytesMut,
    length: usize,
) -> Result<(), Refusal> {
    while buffer.len() < length {
        match stream.next().await {
            Some(Ok(piece)) => buffer.extend_from_slice(&piece),
            Some(Err(error)) => return Err(Refusal::bad_request(&error.to_string())),
            None => return Err(Refusal::bad_request("the stream ended before its head did")),
        }
    }
    Ok(())
}

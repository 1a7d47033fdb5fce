//! Byte streams as HTTP bodies, with the reason when one fails half-way.
//!
//! Status and headers are sent before a stream's content, so a failure later on travels in a
//! trailer. A connection that breaks resets the stream instead, which no reader takes for its end.

use crate::dto::Failure;
use crate::{ByteStream, Error};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use http_body_util::StreamBody;
use std::convert::Infallible;

/// Trailer that carries why a stream failed.
const FAILURE_TRAILER: &str = "livery-failure";

/// Header that says at which offset a log begins.
pub(crate) const LOG_START: &str = "livery-log-start";

/// Turns a stream into a body; an error becomes the trailer that ends it.
pub(crate) fn answer_body(
    content: ByteStream,
) -> StreamBody<impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send> {
    let frames = content.map(|piece| match piece {
        Ok(bytes) => Ok(Frame::data(bytes)),
        Err(error) => Ok(Frame::trailers(failure_trailer(&error))),
    });
    StreamBody::new(frames)
}

fn failure_trailer(error: &Error) -> HeaderMap {
    let mut text = serde_json::to_vec(&error.to_failure()).unwrap_or_default();
    // JSON escapes every other byte that a header may not have.
    text.retain(|byte| *byte != 0x7f);
    let mut trailers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(&text) {
        trailers.insert(FAILURE_TRAILER, value);
    }
    trailers
}

/// Turns a body into a stream that fails with the trailer's reason or as unreachable.
pub(crate) fn body_stream<B>(body: B) -> ByteStream
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display,
{
    let state = Some(body);
    Box::pin(stream::unfold(state, |state| async {
        let mut body = state?;
        loop {
            match body.frame().await? {
                Err(error) => {
                    let lost = Error::Unreachable(format!("the stream broke: {error}"));
                    return Some((Err(lost), None));
                }
                Ok(frame) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => return Some((Ok(data), Some(body))),
                    Err(frame) => {
                        let failure = frame.trailers_ref().and_then(trailer_failure)?;
                        return Some((Err(failure), None));
                    }
                },
            }
        }
    }))
}

fn trailer_failure(trailers: &HeaderMap) -> Option<Error> {
    let value = trailers.get(FAILURE_TRAILER)?;
    let failure: Failure = serde_json::from_slice(value.as_bytes()).ok()?;
    Some(failure.into())
}

/// Puts a JSON document before a stream: four bytes of length (big endian), then that many.
pub(crate) fn with_preamble(document: &[u8], rest: ByteStream) -> Result<ByteStream, Error> {
    let length = u32::try_from(document.len())
        .ok()
        .filter(|length| *length <= PREAMBLE_BYTES_MAX)
        .ok_or_else(|| Error::Invalid("the command is too long to be sent".to_owned()))?;
    let mut head = BytesMut::with_capacity(4 + document.len());
    head.extend_from_slice(&length.to_be_bytes());
    head.extend_from_slice(document);
    let head = stream::once(std::future::ready(Ok(head.freeze())));
    Ok(head.chain(rest).boxed())
}

/// Longest document before a stream; above what the kernel takes as a command line.
const PREAMBLE_BYTES_MAX: u32 = 4 << 20;

/// Takes the document from the front of a stream and returns both.
pub(crate) async fn split_preamble(mut stream: ByteStream) -> Result<(Bytes, ByteStream), Error> {
    let mut buffer = BytesMut::new();
    loop {
        if let Some(head) = buffer.first_chunk::<4>() {
            let length = u32::from_be_bytes(*head);
            if length > PREAMBLE_BYTES_MAX {
                return Err(Error::Invalid("the command is too long".to_owned()));
            }
            let end = 4 + length as usize;
            if buffer.len() >= end {
                let rest = buffer.split_off(end).freeze();
                let document = buffer.freeze().slice(4..);
                let rest = stream::iter((!rest.is_empty()).then_some(Ok(rest)));
                return Ok((document, rest.chain(stream).boxed()));
            }
        }
        match stream.next().await {
            Some(piece) => buffer.extend_from_slice(&piece?),
            None => return Err(Error::Invalid("the request ended too early".to_owned())),
        }
    }
}

//! The client: one HTTP/2 connection, made at the first call and made again after it broke.

mod billing;
mod connect;
mod content;
mod market;
mod panic;
mod pods;
mod policy;
mod registries;
mod reminders;
mod runs;
mod system;
mod volumes;

use crate::{ByteStream, Error, PROTOCOL, PROTOCOL_HEADER, Problem, Target, read};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use livery_units::{Secret, text};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

pub use runs::RunLog;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Longest answer of a call that is not a stream.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// What is shown of an error that is not ours, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

/// A client of one control plane; clones share one connection.
#[derive(Clone)]
pub struct Client {
    target: Target,
    token: Option<Secret<String>>,
    connection: Arc<Mutex<Option<SendRequest<Body>>>>,
}

/// A stream of bytes each way.
pub struct Duplex {
    /// What is sent; dropping it ends the input.
    pub input: mpsc::Sender<Bytes>,
    /// What comes back.
    pub output: ByteStream,
}

impl Client {
    /// Makes a client; nothing is connected yet. A token is needed over TCP and not used on a unix
    /// socket, where the system says who is calling.
    pub fn new(target: Target, token: Option<Secret<String>>) -> Self {
        Self {
            target,
            token,
            connection: Arc::default(),
        }
    }

    /// Returns where the control plane listens.
    pub fn target(&self) -> &Target {
        &self.target
    }

    async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, Error> {
        let response = self.send(Method::GET, path, None, empty()).await?;
        self.answer(response).await
    }

    async fn delete<A: DeserializeOwned>(&self, path: &str) -> Result<A, Error> {
        let response = self.send(Method::DELETE, path, None, empty()).await?;
        self.answer(response).await
    }

    async fn post<A: DeserializeOwned>(&self, path: &str) -> Result<A, Error> {
        let response = self.send(Method::POST, path, None, empty()).await?;
        self.answer(response).await
    }

    async fn post_json<Q, A>(&self, path: &str, question: &Q) -> Result<A, Error>
    where
        Q: Serialize + Sync,
        A: DeserializeOwned,
    {
        let body = self.json(question)?;
        let kind = Some("application/json");
        let response = self.send(Method::POST, path, kind, full(body)).await?;
        self.answer(response).await
    }

    fn json<Q: Serialize>(&self, question: &Q) -> Result<Bytes, Error> {
        serde_json::to_vec(question)
            .map(Bytes::from)
            .map_err(|why| self.nonsense(&why))
    }

    /// Sends a request and returns the answer once its head has come and says that all is well.
    async fn send(
        &self,
        method: Method,
        path: &str,
        kind: Option<&'static str>,
        body: Body,
    ) -> Result<Response<Incoming>, Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin()))
            .header(PROTOCOL_HEADER, PROTOCOL)
            .body(body)
            .map_err(|why| self.nonsense(&why))?;
        if let Some(kind) = kind {
            let headers = request.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Some(token) = &self.token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|why| self.nonsense(&why))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let mut connection = self.connection().await?;
        let response = connection.send_request(request).await;
        let response = response.map_err(|why| self.broken(&why))?;
        self.check(response).await
    }

    async fn connection(&self) -> Result<SendRequest<Body>, Error> {
        let mut held = self.connection.lock().await;
        if let Some(open) = held.as_ref().filter(|open| !open.is_closed()) {
            return Ok(open.clone());
        }
        let fresh = connect::connect(&self.target).await?;
        *held = Some(fresh.clone());
        Ok(fresh)
    }

    /// The scheme and host that HTTP/2 wants in every request.
    fn origin(&self) -> String {
        match &self.target {
            Target::Unix(_) => "http://livery".to_owned(),
            Target::Http { .. } | Target::Https { .. } => self.target.to_string(),
        }
    }

    async fn check(&self, response: Response<Incoming>) -> Result<Response<Incoming>, Error> {
        let other = |found: String| Error::OtherProtocol {
            target: self.target.to_string(),
            found,
        };
        let header = response.headers().get(PROTOCOL_HEADER);
        match header.and_then(|value| value.to_str().ok()) {
            Some(text) if text == PROTOCOL.to_string() => {}
            Some(text) => return Err(other(format!("version {text} of Livery's API"))),
            None => return Err(other("something else".to_owned())),
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.collect(response).await?;
        let problem = read::answer(&body).unwrap_or_else(|_| Problem {
            code: status.as_str().to_owned(),
            message: text::clean(&String::from_utf8_lossy(&body), MESSAGE_CHARS_MAX),
            hint: None,
        });
        Err(Error::Refused {
            status: status.as_u16(),
            problem,
        })
    }

    async fn collect(&self, response: Response<Incoming>) -> Result<Bytes, Error> {
        let body = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let body = body.collect().await.map_err(|why| self.broken(&*why))?;
        Ok(body.to_bytes())
    }

    async fn answer<A: DeserializeOwned>(&self, response: Response<Incoming>) -> Result<A, Error> {
        let nothing = response.status() == StatusCode::NO_CONTENT;
        let body = self.collect(response).await?;
        // An answer without content stands for `null`, which `()` is read from.
        let text: &[u8] = if nothing { b"null" } else { &body };
        read::answer(text).map_err(|why| self.nonsense(&why))
    }

    fn stream(&self, response: Response<Incoming>) -> ByteStream {
        let target = self.target.to_string();
        let broken = move |why: hyper::Error| Error::Broken {
            target: target.clone(),
            why: reason(&why),
        };
        let stream = http_body_util::BodyDataStream::new(response.into_body());
        stream.map(move |piece| piece.map_err(&broken)).boxed()
    }

    async fn duplex(&self, path: &str, first: Option<Bytes>) -> Result<Duplex, Error> {
        let (input, receiver) = mpsc::channel::<Bytes>(16);
        let rest = futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        let pieces = futures_util::stream::iter(first).chain(rest);
        let body = StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece))));
        let kind = Some("application/octet-stream");
        let body = BodyExt::boxed_unsync(body);
        let response = self.send(Method::POST, path, kind, body).await?;
        Ok(Duplex {
            input,
            output: self.stream(response),
        })
    }

    fn nonsense(&self, why: &(dyn std::error::Error + 'static)) -> Error {
        Error::Nonsense {
            target: self.target.to_string(),
            why: reason(why),
        }
    }

    fn broken(&self, why: &(dyn std::error::Error + 'static)) -> Error {
        Error::Broken {
            target: self.target.to_string(),
            why: reason(why),
        }
    }
}

/// The whole chain of reasons in one line: hyper's own words are too general.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let part = inner.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        source = inner.source();
    }
    text
}

fn empty() -> Body {
    full(Bytes::new())
}

fn full(body: Bytes) -> Body {
    Full::new(body)
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn streamed(
    pieces: impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> Body {
    BodyExt::boxed_unsync(StreamBody::new(pieces.map(|piece| piece.map(Frame::data))))
}

/// Makes the query part of a path; nothing when there is nothing to say.
fn query<Q: Serialize>(path: &str, question: &Q) -> String {
    match serde_urlencoded::to_string(question) {
        Ok(text) if !text.is_empty() => format!("{path}?{text}"),
        Ok(_) | Err(_) => path.to_owned(),
    }
}

/// Escapes what a user typed as an id or a name, so that it stays one part of a path.
fn part(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

//! Speaks to a host agent over byte streams; one HTTP/2 connection carries everything.

mod calls;
mod connector;

pub use connector::{ByteIo, Connector, UnixConnector};

use crate::dto::{Failure, Hello};
use crate::error::MESSAGE_CHARS_MAX;
use crate::server::{
    CONNECTION_WINDOW_BYTES, FRAME_BYTES, PING_INTERVAL, PING_TIMEOUT, SEND_BUFFER_BYTES,
    STREAM_WINDOW_BYTES,
};
use crate::{ByteStream, Error, Host, PROTOCOL};
use bytes::Bytes;
use connector::InProcess;
use futures_util::StreamExt;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use livery_units::text;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::Mutex;

type RequestBody = UnsyncBoxBody<Bytes, Error>;

/// The most bytes of an answer that is no stream, and of one that is an error.
const ANSWER_BYTES_MAX: usize = 64 << 20;
const ERROR_BYTES_MAX: usize = 64 << 10;

/// A [`Host`] at the other end of a byte stream.
///
/// The stream is opened by the first call. A call on a stream that breaks is
/// [`Error::Unreachable`]: whether it was carried out is not known. The next call opens a new one.
pub struct HostClient {
    connector: Box<dyn Connector>,
    connection: Mutex<Option<SendRequest<RequestBody>>>,
}

impl HostClient {
    /// Makes a client; nothing is opened yet.
    pub fn new(connector: impl Connector) -> Self {
        Self {
            connector: Box::new(connector),
            connection: Mutex::new(None),
        }
    }

    /// Makes a client of a host in this very process, over the same protocol as any other.
    pub fn in_process(host: Arc<dyn Host>) -> Self {
        Self::new(InProcess(host))
    }

    /// Returns a usable connection, opening one when there is none.
    async fn connection(&self) -> Result<SendRequest<RequestBody>, Error> {
        let mut held = self.connection.lock().await;
        if let Some(open) = held.as_ref().filter(|open| !open.is_closed()) {
            return Ok(open.clone());
        }
        *held = None;
        let mut open = self.open().await?;
        self.check_version(&mut open).await?;
        Ok(held.insert(open).clone())
    }

    async fn open(&self) -> Result<SendRequest<RequestBody>, Error> {
        let peer = self.connector.peer();
        let lost = |error: &dyn std::fmt::Display| Error::Unreachable(format!("{peer}: {error}"));
        let stream = self.connector.connect().await.map_err(|e| lost(&e))?;
        let (send, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|e| lost(&e))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to a host ended");
            }
        });
        Ok(send)
    }

    async fn check_version(&self, send: &mut SendRequest<RequestBody>) -> Result<(), Error> {
        let response = self.send_on(send, request("/hello", Body::Empty)?).await?;
        let hello: Hello = self.read(response).await?;
        if hello.protocol == PROTOCOL {
            return Ok(());
        }
        Err(Error::Unreachable(format!(
            "{}: the host agent (release {}) speaks version {} of the host API and this program \
             (release {}) version {PROTOCOL}; bring both to the same release",
            self.connector.peer(),
            hello.version,
            hello.protocol,
            env!("CARGO_PKG_VERSION"),
        )))
    }

    /// Sends a request and returns the answer's head; an error answer is returned as that error.
    async fn send(&self, request: Request<RequestBody>) -> Result<Response<Incoming>, Error> {
        let mut connection = self.connection().await?;
        self.send_on(&mut connection, request).await
    }

    async fn send_on(
        &self,
        connection: &mut SendRequest<RequestBody>,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, Error> {
        let lost = |error: hyper::Error| self.lost(&error);
        connection.ready().await.map_err(lost)?;
        let response = connection.send_request(request).await.map_err(lost)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = self.collect(response, ERROR_BYTES_MAX).await?;
        Err(match serde_json::from_slice::<Failure>(&body) {
            Ok(failure) => failure.into(),
            Err(_) => {
                let words = String::from_utf8_lossy(&body);
                let words = text::clean(&words, MESSAGE_CHARS_MAX);
                Error::Internal(format!("answered {status}: {words}"))
            }
        })
    }

    async fn read<T: DeserializeOwned>(&self, response: Response<Incoming>) -> Result<T, Error> {
        let whole = self.collect(response, ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&whole)
            .map_err(|error| Error::Internal(format!("its answer cannot be read: {error}")))
    }

    /// Reads an answer that is no stream: a host is not to fill the memory of its control plane.
    async fn collect(&self, response: Response<Incoming>, most: usize) -> Result<Bytes, Error> {
        let body = Limited::new(response.into_body(), most).collect().await;
        match body {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) => match error.downcast::<hyper::Error>() {
                Ok(error) => Err(self.lost(&error)),
                Err(_) => Err(Error::Internal(format!(
                    "its answer has more than {most} bytes"
                ))),
            },
        }
    }

    fn lost(&self, error: &hyper::Error) -> Error {
        let cause = std::error::Error::source(error)
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        Error::Unreachable(format!("{}: {error}{cause}", self.connector.peer()))
    }

    /// Asks for something without a body and reads the answer.
    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, Error> {
        let mut request = request(path, Body::Empty)?;
        *request.method_mut() = method;
        self.read(self.send(request).await?).await
    }

    /// Sends a document and returns the answer.
    async fn tell(
        &self,
        method: Method,
        path: &str,
        document: &(impl Serialize + Sync),
    ) -> Result<Response<Incoming>, Error> {
        let mut request = request(path, Body::Document(to_json(document)?))?;
        *request.method_mut() = method;
        self.send(request).await
    }

    /// Sends a stream and returns the answer.
    async fn pour(
        &self,
        method: Method,
        path: &str,
        stream: ByteStream,
    ) -> Result<Response<Incoming>, Error> {
        let mut request = request(path, Body::Stream(stream))?;
        *request.method_mut() = method;
        self.send(request).await
    }
}

/// What a request carries.
enum Body {
    Empty,
    Document(Vec<u8>),
    Stream(ByteStream),
}

fn request(path: &str, body: Body) -> Result<Request<RequestBody>, Error> {
    let body = match body {
        Body::Empty => Full::default()
            .map_err(|never| match never {})
            .boxed_unsync(),
        Body::Document(text) => Full::from(text)
            .map_err(|never| match never {})
            .boxed_unsync(),
        Body::Stream(stream) => {
            BodyExt::boxed_unsync(StreamBody::new(stream.map(|piece| piece.map(Frame::data))))
        }
    };
    // HTTP/2 wants a whole address; the stream is what decides who answers.
    Request::builder()
        .uri(format!("http://host{path}"))
        .body(body)
        .map_err(|error| Error::Invalid(error.to_string()))
}

fn to_json(document: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(document).map_err(|error| Error::Invalid(error.to_string()))
}

//! Asks servers, one request at a time on a connection, and keeps connections for the next one.

use crate::address::Reach;
use crate::body::Body;
use crate::connection::{Sender, broken, connect};
use crate::url::{Origin, Url};
use crate::{AGENT, Error};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a server may think before it answers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What is asked of a server.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// Headers, besides the server's name and ours.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
}

/// What a server answers.
#[derive(Debug)]
pub struct Answer {
    /// How it went.
    pub status: StatusCode,
    /// Its headers: at most 128, of at most 64 KiB together.
    pub headers: HeaderMap,
    /// What comes after them; nothing is read of it yet.
    pub body: Body,
}

/// Asks servers. Clones share their connections.
#[derive(Debug, Clone, Default)]
pub struct Client {
    idle: Arc<Idle>,
}

/// Connections that wait for their next request.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    senders: Mutex<HashMap<Origin, Vec<Sender>>>,
}

impl Answer {
    /// Returns how many bytes its body has, if it says so. To HEAD it says what GET would bring.
    pub fn length(&self) -> Option<u64> {
        self.headers
            .get(CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .parse()
            .ok()
    }
}

impl Client {
    /// Sends a request and returns what is answered, whatever its status.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when the server may not be reached, [`Error::Unreachable`] when it does
    /// not answer, [`Error::BadUrl`] when what is asked cannot be sent.
    pub async fn send(&self, request: &Request, reach: Reach) -> Result<Answer, Error> {
        let origin = request.url.origin();
        // A connection that waited may have been closed meanwhile: then a new one is made. Only
        // what may be asked twice is asked on one.
        if request.method.is_safe()
            && let Some(mut waiting) = self.idle.take(&origin)
            && waiting.ready().await.is_ok()
            && let Ok(answer) = self.ask(request, waiting).await
        {
            return Ok(answer);
        }
        let sender = connect(&request.url, reach).await?;
        self.ask(request, sender).await
    }

    async fn ask(&self, request: &Request, mut sender: Sender) -> Result<Answer, Error> {
        let unusable = |what: &str| Error::BadUrl(format!("has a {what} that cannot be sent"));
        let mut sent = http::Request::new(Full::new(request.body.clone()));
        sent.method_mut().clone_from(&request.method);
        *sent.uri_mut() = request.url.path().parse().map_err(|_| unusable("path"))?;
        sent.headers_mut().clone_from(&request.headers);
        let host =
            HeaderValue::from_str(request.url.authority()).map_err(|_| unusable("server"))?;
        sent.headers_mut().insert(HOST, host);
        sent.headers_mut()
            .insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let answered = tokio::time::timeout(ANSWER_TIMEOUT, sender.send_request(sent)).await;
        let answered = answered.map_err(|_| {
            let secs = ANSWER_TIMEOUT.as_secs();
            Error::Unreachable(format!("the server gave no answer within {secs} s"))
        })?;
        let (head, body) = answered.map_err(|error| broken(&error))?.into_parts();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: self.body(body, request.url.origin(), sender),
        })
    }

    fn body(&self, incoming: Incoming, origin: Origin, sender: Sender) -> Body {
        Body::new(incoming, Arc::clone(&self.idle), origin, sender)
    }
}

impl Idle {
    fn take(&self, origin: &Origin) -> Option<Sender> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = senders.get_mut(origin)?;
        waiting.retain(|sender| !sender.is_closed());
        waiting.pop()
    }

    pub(crate) fn put(&self, origin: Origin, sender: Sender) {
        if !sender.is_closed() {
            let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
            senders.entry(origin).or_default().push(sender);
        }
    }
}

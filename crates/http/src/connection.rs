//! One connection: HTTP on it, and a watcher who ends it when nothing comes of it.

use crate::Via;
use crate::pace::{Activity, AnswerBody, RequestBody};
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

/// Large windows, so that one stream fills a fast line; and no larger ones, since this is what a client can
/// send that nobody reads.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = STREAM_WINDOW;

/// Terminals, followed logs and long polls of one client, at once.
const STREAMS_MAX: u32 = 1_024;

/// How often a quiet connection is asked whether its other end still lives, and for how long.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How soon a connection must say which HTTP it speaks, and in how many bytes: HTTP/2's preface has so
/// many, and no request of HTTP/1 is shorter.
const PREFACE_PATIENCE: Duration = Duration::from_secs(10);
const PREFACE_BYTES: u64 = 24;

/// How long the head of a request may take to arrive.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// How long a connection may stay open without a request under way.
const IDLE_PATIENCE: Duration = Duration::from_secs(180);

/// How long a piece of an answer may wait for its client to take it.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// How long requests under way may take to end once the server is asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Serves what comes on a connection until it ends, is no good, or the server stops.
pub(crate) async fn serve<S>(router: Router, stream: S, via: Via, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let of_requests = Arc::clone(&activity);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let answer = answer(router.clone(), request, via, &of_requests);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let stream = Counted {
        inner: stream,
        activity: Arc::clone(&activity),
    };
    let http = http();
    let serving = http.serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let over = tokio::select! {
        result = serving.as_mut() => Over::Ended(result.err()),
        over = watch(&activity) => over,
        () = stop.cancelled() => Over::Bow,
    };
    match over {
        Over::Ended(Some(error)) => tracing::debug!(%error, "a connection broke"),
        Over::Ended(None) => {}
        Over::Drop(why) => tracing::debug!(why, "a connection was closed"),
        Over::Bow => {
            serving.as_mut().graceful_shutdown();
            let ended = tokio::time::timeout(GRACE, serving.as_mut()).await;
            if let Ok(Err(error)) = ended {
                tracing::debug!(%error, "a connection broke while it was closed");
            }
        }
    }
}

/// How a connection is over.
enum Over {
    /// Its client ended it, or it broke.
    Ended(Option<Box<dyn std::error::Error + Send + Sync>>),
    /// It is ended as HTTP says: what is under way may end.
    Bow,
    /// It is dropped.
    Drop(&'static str),
}

fn http() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(1 << 20)
        .max_send_buf_size(2 << 20)
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

fn answer(
    mut router: Router,
    mut request: hyper::Request<Incoming>,
    via: Via,
    activity: &Arc<Activity>,
) -> impl Future<Output = hyper::Response<AnswerBody>> + use<> {
    let ongoing = activity.begin();
    request.extensions_mut().insert(via);
    request.extensions_mut().insert(ongoing.clone());
    let request = request.map(|body| Body::new(RequestBody::new(body, ongoing.clone())));
    let answer = router.call(request);
    async move {
        let response = match answer.await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        response.map(|body| AnswerBody::new(body, ongoing))
    }
}

/// Returns when a connection is to be ended.
async fn watch(activity: &Activity) -> Over {
    let opened = Instant::now();
    let passed = |since: Instant, patience| Instant::now() >= since + patience;
    loop {
        let mut next = Instant::now() + ANSWER_PATIENCE;
        if activity.requests() == 0 {
            let preface = opened + PREFACE_PATIENCE;
            if activity.bytes() < PREFACE_BYTES && passed(opened, PREFACE_PATIENCE) {
                return Over::Drop("it did not say which HTTP it speaks");
            }
            if passed(opened, HEAD_PATIENCE) {
                return Over::Drop("it brought no request");
            }
            let is_to_come = Instant::now() < preface;
            next = if is_to_come {
                preface
            } else {
                opened + HEAD_PATIENCE
            };
        } else if let Some(since) = activity.idle_since() {
            if passed(since, IDLE_PATIENCE) {
                return Over::Bow;
            }
            next = since + IDLE_PATIENCE;
        } else if let Some(since) = activity.untaken_since() {
            if passed(since, ANSWER_PATIENCE) {
                return Over::Drop("its client does not take an answer");
            }
            next = since + ANSWER_PATIENCE;
        }
        tokio::time::sleep_until(next).await;
    }
}

/// A stream whose incoming bytes are counted.
struct Counted<S> {
    inner: S,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.inner).poll_read(context, buffer));
        let count = buffer.filled().len().saturating_sub(before);
        self.activity.came(count);
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;

//! Accepts connections: a unix socket whose callers the kernel names, and TCP.

use crate::{App, Via, routes};
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tower_service::Service;

/// Large windows: one stream must fill a fast line.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;

/// Terminals, followed logs and long polls of one client, at once.
const STREAMS_MAX: u32 = 1_024;

/// How often a quiet connection is asked whether its other end still lives, and for how long.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long the head of a request may take to arrive: connections that never ask anything must not
/// pile up.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests under way may take to end once the server is asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Serves the API on a unix socket until the app is stopped.
pub async fn serve_unix(app: App, listener: UnixListener) {
    let router = routes::router(app.clone());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = app.stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let identified = accepted.and_then(|(stream, _)| {
            let uid = stream.peer_cred()?.uid();
            Ok((stream, Via::Socket { uid }))
        });
        match identified {
            Ok((stream, via)) => {
                connections.spawn(connection(app.clone(), router.clone(), stream, via));
            }
            Err(error) => pause_after(&error).await,
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Serves the API over TCP until the app is stopped; every caller needs a token.
pub async fn serve_tcp(app: App, listener: TcpListener) {
    let router = routes::router(app.clone());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = app.stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Keystrokes must not wait for each other.
                let _ = stream.set_nodelay(true);
                connections.spawn(connection(app.clone(), router.clone(), stream, Via::Tcp));
            }
            Err(error) => pause_after(&error).await,
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Too many open files passes when connections end; until then there is no point in a busy loop.
async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "a connection was not accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn connection<S>(app: App, router: Router, stream: S, via: Via)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(via);
        router.clone().call(request.map(Body::new))
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT);
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
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = app.stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            match tokio::time::timeout(GRACE, serving).await {
                Ok(result) => result,
                Err(_) => Ok(()),
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke");
    }
}

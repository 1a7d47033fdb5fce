//! Serves a [`Host`] over byte streams.

use crate::Host;
use crate::routes;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tokio::task::JoinSet;

/// How much may be under way in one stream before its receiver has read any of it.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 8 << 20;
/// The same for all streams of one connection together.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 32 << 20;
/// Largest HTTP/2 frame: bulk content in few frames, and a keystroke does not wait long behind one.
pub(crate) const FRAME_BYTES: u32 = 256 << 10;
/// How much one stream may have waiting to be written.
pub(crate) const SEND_BUFFER_BYTES: usize = 2 << 20;
/// How often an idle peer is asked whether it is there.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(10);
/// How long it may take to answer that.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Requests under way on one connection; every open terminal and followed log is one.
const STREAMS_MAX: u32 = 4096;

/// Serves a host on one byte stream until the other side closes it or it breaks.
pub async fn serve<S>(host: Arc<dyn Host>, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = TowerToHyperService::new(routes::router(host));
    let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the host API ended");
    }
}

/// Serves a host on a unix socket until `shutdown` is done; connections end with it.
pub async fn serve_listener(
    host: Arc<dyn Host>,
    listener: UnixListener,
    shutdown: impl Future<Output = ()>,
) {
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(Arc::clone(&host), stream));
                }
                Err(error) => {
                    // Out of descriptors: those that are connected go on, the rest must wait.
                    tracing::warn!(%error, "the host API cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
}

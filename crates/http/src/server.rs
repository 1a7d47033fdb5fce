//! Accepts connections: a unix socket whose callers the kernel names, and TCP.

use crate::places::{Place, Places};
use crate::{App, Via, connection, routes};
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;

/// How soon connections are accepted again after one could not be.
const REST: Duration = Duration::from_millis(100);

/// Serves the API on a unix socket until the app is stopped.
pub async fn serve_unix(app: App, listener: UnixListener) {
    let places = Places::of_this_machine();
    serve(app, places, listener).await;
}

/// Serves the API over TCP until the app is stopped; every caller needs a token.
pub async fn serve_tcp(app: App, listener: TcpListener) {
    let places = app.places().clone();
    serve(app, places, listener).await;
}

/// Where connections come in.
trait Door {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection; its address is none on this machine.
    fn accept(
        &self,
    ) -> impl Future<Output = io::Result<(Self::Stream, Via, Option<IpAddr>)>> + Send;
}

impl Door for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Via, Option<IpAddr>)> {
        let (stream, _) = UnixListener::accept(self).await?;
        let uid = stream.peer_cred()?.uid();
        Ok((stream, Via::Socket { uid }, None))
    }
}

impl Door for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Via, Option<IpAddr>)> {
        let (stream, address) = TcpListener::accept(self).await?;
        // Keystrokes must not wait for each other.
        let _ = stream.set_nodelay(true);
        Ok((stream, Via::Tcp, Some(address.ip())))
    }
}

/// Serves each connection that is accepted in a task of its own, as long as there is a place for it.
async fn serve(app: App, places: Places, door: impl Door) {
    let router = routes::router(app.clone());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = app.stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = door.accept() => accepted,
        };
        match accepted {
            Ok((stream, via, address)) => {
                // Without a place it is closed at once: its client learns that sooner than by waiting.
                if let Some(place) = places.take(address) {
                    let serving = connection::serve(router.clone(), stream, via, app.stop.clone());
                    connections.spawn(in_place(place, serving));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
    app.work().finished().await;
}

async fn in_place(place: Place, serving: impl Future<Output = ()>) {
    serving.await;
    drop(place);
}

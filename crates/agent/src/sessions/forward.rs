//! Connects to a TCP port inside a pod.

use crate::activity::Visit;
use crate::agent::Core;
use crate::content::receiver_stream;
use crate::error::{of_io, of_runtime};
use crate::netns;
use bytes::Bytes;
use futures_util::StreamExt;
use livery_host_api::{ByteStream, Error};
use livery_runtime::Status;
use livery_units::PodId;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// A listener in the pod answers at once; one whose queue is full may take a moment.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes in one piece.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that may wait for the client.
const PIECES_WAITING: usize = 8;

/// Connects to a port of the pod's own loopback address and joins it to a stream.
pub(crate) async fn forward(
    core: &Arc<Core>,
    pod: &PodId,
    port: u16,
    input: ByteStream,
) -> Result<ByteStream, Error> {
    let found = core.find(pod)?;
    let id = found.id.clone();
    let socket = core
        .blocking(move |core| connect(pid(core, &id)?, port))
        .await?;
    let socket = tokio::net::TcpStream::from_std(socket)
        .map_err(|error| of_io("use the connection to the pod", &error))?;
    let (reader, writer) = socket.into_split();
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    let (done, hung_up) = oneshot::channel::<()>();
    core.tasks
        .spawn(send(input, writer, core.stop.clone(), hung_up));
    let visit = Visit::begin(found);
    let stop = core.stop.clone();
    core.tasks.spawn(async move {
        receive(reader, stop, sender, done).await;
        drop(visit);
    });
    Ok(receiver_stream(receiver))
}

/// Returns the pod's first process.
pub(crate) fn pid(core: &Core, pod: &PodId) -> Result<i32, Error> {
    let state = core.runtime.state(pod).map_err(of_runtime)?;
    match state.map(|state| state.status) {
        Some(Status::Up { pid }) => Ok(pid),
        Some(other @ (Status::Starting | Status::Down { .. } | Status::Lost)) => Err(
            Error::WrongState(format!("pod {pod} is {}; start it first", other.word())),
        ),
        None => Err(Error::WrongState(format!("pod {pod} does not run yet"))),
    }
}

fn connect(pid: i32, port: u16) -> Result<TcpStream, Error> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let connected = netns::within(pid, move || {
        let socket = TcpStream::connect_timeout(&address, CONNECT_PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    connected.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Error::WrongState(format!("nothing listens on port {port} in the pod"))
        }
        io::ErrorKind::TimedOut => {
            Error::WrongState(format!("port {port} in the pod does not answer"))
        }
        _ => of_io("connect to the pod", &error),
    })
}

/// Passes what the client sends; a client that is done closes this direction alone.
async fn send(
    mut input: ByteStream,
    mut writer: OwnedWriteHalf,
    stop: CancellationToken,
    mut hung_up: oneshot::Receiver<()>,
) {
    loop {
        let piece = tokio::select! {
            () = stop.cancelled() => return,
            _ = &mut hung_up => return,
            piece = input.next() => piece,
        };
        match piece {
            // The pod hung up: the other direction says so.
            Some(Ok(piece)) if writer.write_all(&piece).await.is_err() => return,
            Some(Ok(_)) => {}
            None => {
                // A connection that is gone already is as closed as can be.
                let _ = writer.shutdown().await;
                return;
            }
            Some(Err(_)) => return,
        }
    }
}

async fn receive(
    mut reader: OwnedReadHalf,
    stop: CancellationToken,
    client: mpsc::Sender<Result<Bytes, Error>>,
    // Dropped when this direction is over, which ends the other one too.
    _done: oneshot::Sender<()>,
) {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = tokio::select! {
            () = stop.cancelled() => return,
            () = client.closed() => return,
            read = reader.read_buf(&mut piece) => read,
        };
        let piece = match read {
            Ok(0) => return,
            Ok(_) => Ok(piece.into()),
            Err(error) => Err(of_io("read from the pod", &error)),
        };
        let last = piece.is_err();
        if client.send(piece).await.is_err() || last {
            return;
        }
    }
}

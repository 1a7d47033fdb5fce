//! A unix socket before another one, which counts what goes through.

use anyhow::Result;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// A proxy that ends with this value.
pub(crate) struct Proxy {
    sent: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Listens at `here` and passes everything on to `there`.
    pub(crate) fn start(here: &Path, there: PathBuf) -> Result<Self> {
        let listener = UnixListener::bind(here)?;
        let sent = Arc::new(AtomicU64::new(0));
        let count = sent.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, there.clone(), count.clone()));
            }
        });
        Ok(Self { sent, task })
    }

    /// Returns how many bytes clients have sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: UnixStream, there: PathBuf, sent: Arc<AtomicU64>) {
    // A client finds out by its own closed connection that the server is gone.
    let Ok(server) = UnixStream::connect(there).await else {
        return;
    };
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let back = Arc::new(AtomicU64::new(0));
    tokio::join!(
        copy(client_read, server_write, sent),
        copy(server_read, client_write, back)
    );
}

/// Copies until either side ends, counting as it goes.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: Arc<AtomicU64>,
) {
    let mut buffer = vec![0; 256 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        count.fetch_add(u64::try_from(length).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    // The other side may be gone already, and then has nothing to be told.
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_pass_both_ways_and_those_sent_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let (here, there) = (
            directory.path().join("here"),
            directory.path().join("there"),
        );
        let echo = UnixListener::bind(&there).unwrap();
        let proxy = Proxy::start(&here, there).unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = echo.accept().await.unwrap();
            let mut text = Vec::new();
            stream.read_to_end(&mut text).await.unwrap();
            stream.write_all(&text).await.unwrap();
        });
        let mut client = UnixStream::connect(&here).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        server.await.unwrap();
        assert_eq!(answer, b"hello");
        assert_eq!(proxy.sent(), 5);
    }
}

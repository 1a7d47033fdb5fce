//! Ways to open a byte stream to a host agent.

use crate::{Host, serve};
use async_trait::async_trait;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

/// A byte stream both ways.
pub trait ByteIo: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteIo for T {}

/// Opens byte streams to one host agent.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Opens a fresh stream.
    async fn connect(&self) -> io::Result<Box<dyn ByteIo>>;

    /// Names the other end, for messages.
    fn peer(&self) -> String;
}

/// Opens streams to an agent that listens on a unix socket.
#[derive(Debug, Clone)]
pub struct UnixConnector(pub PathBuf);

#[async_trait]
impl Connector for UnixConnector {
    async fn connect(&self) -> io::Result<Box<dyn ByteIo>> {
        Ok(Box::new(UnixStream::connect(&self.0).await?))
    }

    fn peer(&self) -> String {
        self.0.display().to_string()
    }
}

/// Opens pipes to a host in this process, each served like any other stream.
pub(super) struct InProcess(pub Arc<dyn Host>);

/// Bytes that an in-process pipe holds each way.
const PIPE_BYTES: usize = 1 << 20;

#[async_trait]
impl Connector for InProcess {
    async fn connect(&self) -> io::Result<Box<dyn ByteIo>> {
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        tokio::spawn(serve(Arc::clone(&self.0), far));
        Ok(Box::new(near))
    }

    fn peer(&self) -> String {
        "this process".to_owned()
    }
}

//! Makes the connection: a unix socket, TCP, or TLS over TCP, and HTTP/2 on top.

use super::{Body, reason};
use crate::{Error, Target};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Large windows: one stream must fill a fast line.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;

/// How often a quiet connection is asked whether its other end still lives, and for how long.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn connect(target: &Target) -> Result<SendRequest<Body>, Error> {
    match target {
        Target::Unix(path) => {
            let stream = UnixStream::connect(path).await;
            let stream = stream.map_err(|source| refused(target, source))?;
            handshake(target, stream).await
        }
        Target::Http { host, port } => {
            let stream = tcp(target, host, *port).await?;
            handshake(target, stream).await
        }
        Target::Https { host, port } => {
            let stream = tcp(target, host, *port).await?;
            let stream = tls(target, host, stream, HTTP_2).await?;
            handshake(target, stream).await
        }
    }
}

/// A refused connection means that nobody is there; anything else may pass.
fn refused(target: &Target, source: std::io::Error) -> Error {
    let nobody = [ErrorKind::NotFound, ErrorKind::ConnectionRefused];
    if nobody.contains(&source.kind()) {
        let target = target.to_string();
        return Error::NoServer { target, source };
    }
    Error::Unreachable {
        target: target.to_string(),
        why: source.to_string(),
    }
}

async fn tcp(target: &Target, host: &str, port: u16) -> Result<TcpStream, Error> {
    let connecting = TcpStream::connect((host, port));
    let stream = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(stream) => stream.map_err(|source| refused(target, source))?,
        Err(_) => {
            return Err(Error::Unreachable {
                target: target.to_string(),
                why: format!("no answer within {} seconds", CONNECT_TIMEOUT.as_secs()),
            });
        }
    };
    // Keystrokes must not wait for each other.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// HTTP/2, as TLS names it.
const HTTP_2: &[u8] = b"h2";

/// HTTP/1.1, as TLS names it.
const HTTP_1: &[u8] = b"http/1.1";

/// Makes a TLS connection for one protocol. A server that names none speaks HTTP/1.1.
async fn tls(
    target: &Target,
    host: &str,
    stream: TcpStream,
    protocol: &[u8],
) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>, Error> {
    let unreachable = |why: String| Error::Unreachable {
        target: target.to_string(),
        why,
    };
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(unreachable(
            "this machine has no certificate authorities (install `ca-certificates`)".to_owned(),
        ));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| unreachable(reason(&why)))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from(host.to_owned()).map_err(|why| unreachable(reason(&why)))?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
    let stream = stream.map_err(|_| unreachable("no TLS handshake in time".to_owned()))?;
    let stream = stream.map_err(|why| unreachable(reason(&why)))?;
    let spoken = stream.get_ref().1.alpn_protocol().unwrap_or(HTTP_1);
    if spoken != protocol {
        let protocol = String::from_utf8_lossy(protocol);
        return Err(unreachable(format!("it does not speak {protocol}")));
    }
    Ok(stream)
}

async fn handshake(
    target: &Target,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<SendRequest<Body>, Error> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(1 << 20)
        .max_send_buf_size(4 << 20)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    let made = builder.handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(|why| Error::Unreachable {
        target: target.to_string(),
        why: reason(&why),
    })?;
    // Ends when the client is dropped; requests see its errors.
    tokio::spawn(connection);
    Ok(sender)
}

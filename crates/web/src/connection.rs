//! Makes a connection: TCP to an address that may be reached, TLS over it where the URL says so.

use crate::Error;
use crate::address::{Reach, resolve};
use crate::url::{Scheme, Url};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use livery_units::text::chain;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The most headers of an answer, and their bytes.
const HEADERS_MAX: usize = 128;
const HEADER_BYTES_MAX: usize = 64 << 10;

/// What a request is sent on.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// Connects to a server.
pub(crate) async fn connect(url: &Url, reach: Reach) -> Result<Sender, Error> {
    let addresses = resolve(url.host(), url.port(), reach).await?;
    let stream = first_of(&addresses).await?;
    match url.scheme() {
        Scheme::Http => speak(stream).await,
        Scheme::Https => speak(encrypted(url.host(), stream).await?).await,
    }
}

/// Connects to the first address that answers.
async fn first_of(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut why = String::new();
    for address in addresses {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A request is one small packet and must not wait for a second one.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => why = format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        }
    }
    Err(Error::NoConnection(why))
}

async fn encrypted(
    host: &str,
    stream: TcpStream,
) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>, Error> {
    let unreachable = |why: String| Error::Unreachable(format!("no TLS with the server: {why}"));
    let config = CONFIG.get_or_try_init(config).await.map_err(unreachable)?;
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|error| unreachable(error.to_string()))?;
    let connecting = TlsConnector::from(config.clone()).connect(name, stream);
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable("no handshake in time".to_owned())),
    }
}

/// Whom all connections trust. It is read once: that takes a while, and requests come many at a time.
static CONFIG: OnceCell<Arc<ClientConfig>> = OnceCell::const_new();

/// Reads the machine's certificate authorities. None at all is no answer, and is looked for again.
async fn config() -> Result<Arc<ClientConfig>, String> {
    let read = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    };
    let roots = tokio::task::spawn_blocking(read).await;
    let roots = roots.map_err(|error| error.to_string())?;
    if roots.is_empty() {
        let why = "this machine has no certificate authorities (install `ca-certificates`)";
        return Err(why.to_owned());
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<Sender, Error> {
    let made = Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, connection) = made.map_err(|error| broken(&error))?;
    // Ends when neither a sender nor an answer needs it any more.
    tokio::spawn(connection);
    Ok(sender)
}

/// Says that a connection broke, with what broke it.
pub(crate) fn broken(error: &dyn std::error::Error) -> Error {
    let text = chain(error);
    Error::Unreachable(format!("the connection to the server broke: {text}"))
}

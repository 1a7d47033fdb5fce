//! One POST over HTTP/1.1: no redirects, no proxies, short timeouts, little read of the answer.

use crate::Error;
use crate::address::{self, Endpoint, Reach, Security};
use crate::hooks::Parts;
use crate::veil::Veil;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use livery_units::{Span, Timestamp};
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
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// What is read of an answer, in bytes; it is only shown, never needed.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// What is shown of an answer, in characters.
const ANSWER_CHARS_SHOWN: usize = 160;

const AGENT: &str = concat!("livery/", env!("CARGO_PKG_VERSION"));

/// Posts, and returns what the server answered when it took it.
pub(crate) async fn post(
    endpoint: &Endpoint,
    parts: Parts,
    reach: Reach,
    now: Timestamp,
) -> Result<String, Error> {
    let addresses = address::resolve(&endpoint.host, endpoint.port, reach).await?;
    let stream = connect(&addresses).await?;
    match endpoint.security {
        Security::Plain => exchange(endpoint, parts, stream, now).await,
        Security::Tls => {
            let stream = encrypted(&endpoint.host, stream).await?;
            exchange(endpoint, parts, stream, now).await
        }
    }
}

/// Connects to the first address that answers.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut why = String::new();
    for address in addresses {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => why = format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        }
    }
    Err(Error::Unreachable(format!(
        "cannot connect to the server: {why}"
    )))
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

/// Whom all connections trust. It is read once: that takes a while, and letters go out many at a time.
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
        let why = "the control plane's machine has no certificate authorities (install \
                   `ca-certificates`)";
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

async fn exchange(
    endpoint: &Endpoint,
    parts: Parts,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    now: Timestamp,
) -> Result<String, Error> {
    let mut veil = Veil::of(endpoint);
    if let Some(Ok(bearer)) = parts.headers.get(AUTHORIZATION).map(HeaderValue::to_str) {
        veil.hide(bearer.trim_start_matches("Bearer "));
    }
    match tokio::time::timeout(ANSWER_TIMEOUT, ask(endpoint, parts, stream)).await {
        Ok(answered) => {
            let (status, headers, text) = answered?;
            judge(status, &headers, &veil.over(&text), now)
        }
        Err(_) => {
            let secs = ANSWER_TIMEOUT.as_secs();
            Err(Error::Unreachable(format!(
                "the server gave no answer within {secs} s"
            )))
        }
    }
}

async fn ask(
    endpoint: &Endpoint,
    parts: Parts,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<(StatusCode, HeaderMap, String), Error> {
    let broken = |error: hyper::Error| {
        Error::Unreachable(format!("the connection to the server broke: {error}"))
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let driving = tokio::spawn(connection);
    let mut request = Request::new(Full::new(Bytes::from(parts.body)));
    *request.method_mut() = Method::POST;
    let unusable = |_| Error::Invalid("the URL has a path that cannot be sent".to_owned());
    *request.uri_mut() = endpoint.path.parse().map_err(unusable)?;
    *request.headers_mut() = parts.headers;
    let host = HeaderValue::from_str(&endpoint.authority);
    let host = host.map_err(|_| Error::Invalid("the URL's server cannot be sent".to_owned()))?;
    request.headers_mut().insert(HOST, host);
    request
        .headers_mut()
        .insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let answer = sender.send_request(request).await.map_err(broken)?;
    let (head, body) = answer.into_parts();
    // What was taken was taken, whatever becomes of the rest of the answer.
    let text = match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(_) => String::new(),
    };
    driving.abort();
    Ok((head.status, head.headers, text))
}

/// Says whether the server took it. A redirect is not followed: it could lead anywhere.
fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    text: &str,
    now: Timestamp,
) -> Result<String, Error> {
    let said = said(status, text);
    match status.as_u16() {
        200..=299 => Ok(said),
        300..=399 => Err(Error::Refused(format!(
            "{said}: redirects are not followed"
        ))),
        408 | 425 | 429 | 500..=599 => Err(Error::Busy {
            why: said,
            wait: retry_after(headers, now),
        }),
        _ => Err(Error::Refused(said)),
    }
}

fn said(status: StatusCode, text: &str) -> String {
    let mut words: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(ANSWER_CHARS_SHOWN)
        .collect();
    words.truncate(words.trim_end().len());
    match words.is_empty() {
        true => format!("the server answered {status}"),
        false => format!("the server answered {status}: {words}"),
    }
}

/// Reads seconds, of which a part counts as a whole one, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Span> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if let Ok(secs) = whole.parse::<u64>() {
        let more = u64::from(part.bytes().any(|digit| digit != b'0'));
        return Some(Span::from_secs(secs.saturating_add(more)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let date = Timestamp::from_millis(i64::try_from(since.as_millis()).ok()?);
    Some(date.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait_is_read_as_seconds_or_as_a_date() {
        let now = Timestamp::from_millis(784_111_777_000);
        for (text, secs) in [
            ("120", Some(120)),
            ("0.35", Some(1)),
            ("5.000", Some(5)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            let found = retry_after(&headers, now);
            assert_eq!(found.map(Span::secs), secs, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn what_can_pass_is_told_from_what_cannot() {
        let now = Timestamp::from_millis(0);
        let judge = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            judge(status, &HeaderMap::new(), "no\u{1b}[31m\n", now)
        };
        assert_eq!(
            judge(204).unwrap(),
            "the server answered 204 No Content: no [31m"
        );
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(!judge(status).unwrap_err().is_final(), "{status}");
        }
        for status in [301, 302, 307, 308, 400, 401, 403, 404, 410, 413] {
            assert!(judge(status).unwrap_err().is_final(), "{status}");
        }
    }
}

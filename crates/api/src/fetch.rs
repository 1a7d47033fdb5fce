//! Fetches a file from the web, by HTTP/1.1 with or without TLS.

use crate::Target;
use crate::client::connect::{HTTP_1, tcp, tls};
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many times an address may lead to another one.
const REDIRECTS_MAX: usize = 5;

/// Why a file could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address cannot be understood.
    #[error("`{url}` is not an address that can be fetched: {why}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The server could not be reached, or broke off.
    #[error("cannot fetch {url}: {why}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        why: String,
    },
    /// The server answered with something else than the file.
    #[error("cannot fetch {url}: the server answers {status}")]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The file is longer than was asked for.
    #[error("{url} has more than {most} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// How many bytes it may have.
        most: usize,
    },
}

/// Fetches a file of at most so many bytes. Addresses that lead on are followed, but never from TLS
/// to plain HTTP.
///
/// # Errors
/// When the address makes no sense, nobody answers in time, or the answer is not a file of that size.
pub async fn fetch(url: &str, most: usize) -> Result<Vec<u8>, FetchError> {
    let fetching = follow(url, most);
    match tokio::time::timeout(PATIENCE, fetching).await {
        Ok(result) => result,
        Err(_) => Err(FetchError::Unreachable {
            url: url.to_owned(),
            why: format!("it took longer than {} seconds", PATIENCE.as_secs()),
        }),
    }
}

async fn follow(url: &str, most: usize) -> Result<Vec<u8>, FetchError> {
    let mut place = Place::read(url)?;
    for _ in 0..=REDIRECTS_MAX {
        let response = place.ask().await?;
        let status = response.status();
        if status == StatusCode::OK {
            return place.collect(response, most).await;
        }
        let onward = response.headers().get(header::LOCATION);
        let onward = onward.and_then(|value| value.to_str().ok());
        match onward.filter(|_| status.is_redirection()) {
            Some(location) => place = place.onward(location)?,
            None => {
                return Err(FetchError::Refused {
                    url: place.url,
                    status: status.as_u16(),
                });
            }
        }
    }
    Err(FetchError::Address {
        url: url.to_owned(),
        why: format!("it leads on more than {REDIRECTS_MAX} times"),
    })
}

/// Where a file is.
struct Place {
    url: String,
    target: Target,
    path: String,
}

impl Place {
    fn read(url: &str) -> Result<Self, FetchError> {
        let wrong = |why: String| FetchError::Address {
            url: url.to_owned(),
            why,
        };
        let uri: Uri = url.parse().map_err(|why| wrong(format!("{why}")))?;
        let no_host = || wrong("write http://host/path or https://host/path".to_owned());
        let authority = uri.authority().ok_or_else(no_host)?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let target = match scheme {
            "http" | "https" => format!("{scheme}://{authority}").parse(),
            _ => return Err(no_host()),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            url: url.to_owned(),
            target: target.map_err(|_| no_host())?,
            path: path.to_owned(),
        })
    }

    /// Returns where a redirection leads.
    fn onward(&self, location: &str) -> Result<Self, FetchError> {
        let next = match location.strip_prefix('/') {
            Some(rest) if !rest.starts_with('/') => format!("{}{location}", self.target),
            _ => location.to_owned(),
        };
        let next = Self::read(&next)?;
        let is_secure = |place: &Self| matches!(place.target, Target::Https { .. });
        if is_secure(self) && !is_secure(&next) {
            return Err(FetchError::Address {
                url: next.url,
                why: format!("{} leads there, and it is not encrypted", self.url),
            });
        }
        Ok(next)
    }

    async fn ask(&self) -> Result<Response<Incoming>, FetchError> {
        let failed = |why: crate::Error| self.unconnected(why);
        match &self.target {
            Target::Http { host, port } => {
                let stream = tcp(&self.target, host, *port).await.map_err(failed)?;
                self.speak(host, stream).await
            }
            Target::Https { host, port } => {
                let stream = tcp(&self.target, host, *port).await.map_err(failed)?;
                let stream = tls(&self.target, host, stream, HTTP_1).await;
                self.speak(host, stream.map_err(failed)?).await
            }
            Target::Unix(_) => Err(FetchError::Address {
                url: self.url.clone(),
                why: "it is a socket".to_owned(),
            }),
        }
    }

    async fn speak(
        &self,
        host: &str,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Response<Incoming>, FetchError> {
        let made = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = made.map_err(|why| self.unreachable(&why))?;
        // Ends with the answer's body.
        tokio::spawn(connection);
        let authority = self.target.to_string();
        let authority = authority.split_once("://").map_or(host, |(_, rest)| rest);
        let request = Request::builder()
            .uri(&self.path)
            .header(header::HOST, authority)
            .header(header::USER_AGENT, "livery")
            .body(Empty::<Bytes>::new())
            .map_err(|why| self.unreachable(&why))?;
        let response = sender.send_request(request).await;
        response.map_err(|why| self.unreachable(&why))
    }

    async fn collect(
        &self,
        response: Response<Incoming>,
        most: usize,
    ) -> Result<Vec<u8>, FetchError> {
        let body = Limited::new(response.into_body(), most).collect().await;
        let body = body.map_err(|why| match why.is::<http_body_util::LengthLimitError>() {
            true => FetchError::TooLarge {
                url: self.url.clone(),
                most,
            },
            false => self.unreachable(&*why),
        })?;
        Ok(body.to_bytes().to_vec())
    }

    fn unreachable(&self, why: &dyn std::error::Error) -> FetchError {
        FetchError::Unreachable {
            url: self.url.clone(),
            why: why.to_string(),
        }
    }

    /// Says why there is no connection; a file's server is no control plane.
    fn unconnected(&self, error: crate::Error) -> FetchError {
        let why = match error {
            crate::Error::NoServer { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        FetchError::Unreachable {
            url: self.url.clone(),
            why,
        }
    }
}

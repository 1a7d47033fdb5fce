//! Fetches a file from the web.

use crate::{Answer, Client, Error, Reach, Request, Scheme, Url};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use std::time::Duration;

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

async fn follow(text: &str, most: usize) -> Result<Vec<u8>, FetchError> {
    let wrong = |why: String| FetchError::Address {
        url: text.to_owned(),
        why,
    };
    let client = Client::default();
    let mut url = Url::parse(text).map_err(|why| wrong(why.to_string()))?;
    for _ in 0..=REDIRECTS_MAX {
        let answer = client.send(&get(&url), Reach::Anywhere).await;
        let answer = answer.map_err(|why| unanswered(text, why))?;
        if answer.status == StatusCode::OK {
            let bytes = answer.body.whole(most).await;
            return bytes
                .map(|bytes| bytes.to_vec())
                .map_err(|why| unanswered(text, why));
        }
        let Some(location) = onward(&answer) else {
            return Err(FetchError::Refused {
                url: text.to_owned(),
                status: answer.status.as_u16(),
            });
        };
        let next = url.join(&location);
        let next = next.map_err(|why| wrong(format!("it leads on, and the next {why}")))?;
        if (url.scheme(), next.scheme()) == (Scheme::Https, Scheme::Http) {
            return Err(wrong(format!("it leads to {next}, which is not encrypted")));
        }
        url = next;
    }
    Err(wrong(format!(
        "it leads on more than {REDIRECTS_MAX} times"
    )))
}

fn get(url: &Url) -> Request {
    Request {
        method: Method::GET,
        url: url.clone(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

fn onward(answer: &Answer) -> Option<String> {
    let location = answer.headers.get(header::LOCATION)?.to_str().ok()?;
    answer.status.is_redirection().then(|| location.to_owned())
}

fn unanswered(url: &str, error: Error) -> FetchError {
    let url = url.to_owned();
    match error {
        Error::TooLarge { most } => FetchError::TooLarge { url, most },
        Error::BadUrl(why) => FetchError::Address { url, why },
        Error::NoConnection(why) => FetchError::Unreachable { url, why },
        error @ (Error::Forbidden { .. } | Error::Unreachable(_)) => FetchError::Unreachable {
            url,
            why: error.to_string(),
        },
    }
}

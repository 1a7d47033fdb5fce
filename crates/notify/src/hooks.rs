//! What each kind of HTTP receiver wants to be sent.

use crate::Error;
use crate::letter::{Letter, Weight};
use crate::signature::Key;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use livery_domain::reminder::Route;
use livery_units::{Secret, Timestamp};
use livery_web::Url;
use serde_json::json;

/// A request's headers and body.
pub(crate) struct Parts {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Where a request goes, and what it says.
pub(crate) struct Hook<'r> {
    pub(crate) url: &'r Secret<String>,
    pub(crate) parts: Parts,
}

/// The most characters that Discord takes.
const DISCORD_CHARS_MAX: usize = 2_000;

/// The most bytes that an ntfy server shows as a message; more becomes an attachment.
const NTFY_BYTES_MAX: usize = 4_096;

impl<'r> Hook<'r> {
    /// Makes the request for a route to an HTTP server.
    pub(crate) fn of(route: &'r Route, letter: &Letter, now: Timestamp) -> Result<Self, Error> {
        let (url, mut parts) = match route {
            Route::Slack { url } => (url, slack(letter)),
            Route::Discord { url } => (url, discord(letter)),
            Route::Ntfy { url, token } => (url, ntfy(letter, token.as_ref())?),
            Route::Webhook { url, secret } => (url, webhook(letter, secret.as_ref(), now)?),
            Route::Email(_) | Route::Desktop => {
                let why = "this kind of channel is not reached by HTTP".to_owned();
                return Err(Error::Invalid(why));
            }
        };
        let id = value(&letter.id)?;
        parts
            .headers
            .insert(HeaderName::from_static("idempotency-key"), id);
        Ok(Self { url, parts })
    }
}

fn json_parts(body: &serde_json::Value) -> Parts {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = body.to_string().into_bytes();
    Parts { headers, body }
}

/// Slack reads `&`, `<` and `>` as its own marks.
fn slack(letter: &Letter) -> Parts {
    let text = escaped(&letter.message);
    json_parts(&json!({ "text": format!("*{}*\n{text}", escaped(&letter.title)) }))
}

/// Replaces the three characters that Slack and desktops read as marks.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A pod's name must not call out to everybody in the channel.
fn discord(letter: &Letter) -> Parts {
    let content = format!("**{}**\n{}", letter.title, letter.message);
    let content: String = content.chars().take(DISCORD_CHARS_MAX).collect();
    json_parts(&json!({ "content": content, "allowed_mentions": { "parse": [] } }))
}

fn ntfy(letter: &Letter, token: Option<&Secret<String>>) -> Result<Parts, Error> {
    let mut headers = HeaderMap::new();
    let (priority, tag) = match letter.weight {
        Weight::Normal => ("default", "hourglass_flowing_sand"),
        Weight::High => ("high", "warning"),
        Weight::Urgent => ("urgent", "rotating_light"),
    };
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(HeaderName::from_static("x-title"), value(&letter.title)?);
    headers.insert(HeaderName::from_static("x-priority"), value(priority)?);
    headers.insert(HeaderName::from_static("x-tags"), value(tag)?);
    // A message of the same id replaces the one before it.
    headers.insert(HeaderName::from_static("x-sequence-id"), value(&letter.id)?);
    if let Some(token) = token {
        let mut bearer = value(&format!("Bearer {}", token.expose().trim()))?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    let mut end = letter.message.len().min(NTFY_BYTES_MAX);
    while !letter.message.is_char_boundary(end) {
        end -= 1;
    }
    let body = letter.message.as_bytes()[..end].to_vec();
    Ok(Parts { headers, body })
}

fn webhook(
    letter: &Letter,
    secret: Option<&Secret<String>>,
    now: Timestamp,
) -> Result<Parts, Error> {
    let mut parts = json_parts(&json!({
        "id": letter.id,
        "type": letter.kind,
        "title": letter.title,
        "message": letter.message,
        "pod": letter.pod,
        "timestamp": letter.time(),
    }));
    let secs = now.millis().div_euclid(1_000);
    let headers = &mut parts.headers;
    headers.insert(HeaderName::from_static("webhook-id"), value(&letter.id)?);
    headers.insert(
        HeaderName::from_static("webhook-timestamp"),
        HeaderValue::from(secs),
    );
    if let Some(secret) = secret {
        let signature = Key::parse(secret)?.sign(&letter.id, secs, &parts.body)?;
        headers.insert(
            HeaderName::from_static("webhook-signature"),
            value(&signature)?,
        );
    }
    Ok(parts)
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::Invalid("a token has characters that cannot be sent".to_owned()))
}

/// Refuses a token that no header can carry.
pub(crate) fn check_token(token: Option<&Secret<String>>) -> Result<(), Error> {
    match token {
        Some(token) if token.expose().trim().is_empty() => {
            Err(Error::Invalid("the token is empty".to_owned()))
        }
        Some(token) => value(token.expose().trim()).map(drop),
        None => Ok(()),
    }
}

/// Refuses an ntfy URL without a topic: its server would answer with a page and show nobody anything.
pub(crate) fn check_topic(url: &Url) -> Result<(), Error> {
    let topic = url
        .path()
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_matches('/');
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let last = topic.rsplit('/').next().unwrap_or_default();
    if last.is_empty() || last.len() > 64 || !last.chars().all(fits) {
        let why = "the URL names no topic: write it as https://server/TOPIC, with at most 64 letters, \
                   digits, `-` and `_` in the topic";
        return Err(Error::Invalid(why.to_owned()));
    }
    Ok(())
}

//! One POST over HTTP/1.1: no redirects, no proxies, short timeouts, little read of the answer.

use crate::hooks::Parts;
use crate::veil::Veil;
use crate::{Error, Reach};
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use livery_units::{Span, Timestamp, text};
use livery_web::{Client, Request, Url};
use std::time::Duration;

/// What is read of an answer, in bytes; it is only shown, never needed.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// How long is waited for it.
const TEXT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is shown of an answer, in characters.
const ANSWER_CHARS_SHOWN: usize = 160;

/// Posts, and returns what the server answered when it took it.
pub(crate) async fn post(
    url: Url,
    parts: Parts,
    reach: Reach,
    now: Timestamp,
) -> Result<String, Error> {
    let mut veil = Veil::of(&url);
    if let Some(Ok(bearer)) = parts.headers.get(AUTHORIZATION).map(HeaderValue::to_str) {
        veil.hide(bearer.trim_start_matches("Bearer "));
    }
    let request = Request {
        method: Method::POST,
        url,
        headers: parts.headers,
        body: parts.body.into(),
    };
    let answer = Client::default().send(&request, reach).await?;
    // What was taken was taken, whatever becomes of the rest of the answer.
    let text = answer.body.beginning(ANSWER_BYTES_MAX, TEXT_TIMEOUT).await;
    let text = veil.over(&String::from_utf8_lossy(&text));
    judge(answer.status, &answer.headers, &text, now)
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

fn said(status: StatusCode, answer: &str) -> String {
    let words = text::clean(answer, ANSWER_CHARS_SHOWN);
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
            "the server answered 204 No Content: no\u{fffd}[31m"
        );
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(!judge(status).unwrap_err().is_final(), "{status}");
        }
        for status in [301, 302, 307, 308, 400, 401, 403, 404, 410, 413] {
            assert!(judge(status).unwrap_err().is_final(), "{status}");
        }
    }
}

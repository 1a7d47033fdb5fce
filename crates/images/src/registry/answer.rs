//! What an answer of a registry, or the lack of one, means to a user.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use livery_units::text;
use livery_web::{Answer, Url};
use std::time::Duration;

use crate::Error;
use livery_domain::registry::Credentials;

/// What is read of an answer that is an error, in bytes, and for how long.
const TEXT_BYTES_MAX: usize = 16 << 10;
const TEXT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is shown of it, in characters.
const TEXT_CHARS_SHOWN: usize = 300;

/// What stands for a secret.
const MASK: &str = "***";

/// Who is asked for what, as users read it.
#[derive(Debug, Clone)]
pub(super) struct Who {
    /// The server that is asked, with its port.
    pub registry: String,
    /// The image in full.
    pub image: String,
    /// What no message repeats: servers may send back what they were sent.
    secrets: Vec<String>,
}

/// The shape of errors in the distribution specification.
#[derive(serde::Deserialize)]
struct Problems {
    errors: Vec<Problem>,
}

#[derive(serde::Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Who {
    pub fn new(registry: String, image: String, credentials: Option<&Credentials>) -> Self {
        let secrets = credentials.into_iter().flat_map(|known| {
            let password = known.password.expose().clone();
            let pair = STANDARD.encode(format!("{}:{password}", known.username));
            [pair, STANDARD.encode(&password), password]
        });
        Self {
            registry,
            image,
            secrets: secrets.filter(|secret| !secret.is_empty()).collect(),
        }
    }

    /// Says that the registry failed.
    pub fn failed(&self, reason: String) -> Error {
        Error::Registry {
            registry: self.registry.clone(),
            reason,
        }
    }

    /// Says that it cannot be reached, which may pass.
    pub fn unreachable(&self, reason: String) -> Error {
        Error::Unreachable {
            registry: self.registry.clone(),
            reason,
        }
    }

    /// Returns an answer that brings what was asked for; tells apart what a user would do something
    /// different about.
    pub async fn judge(&self, answer: Answer, token: Option<&str>) -> Result<Answer, Error> {
        let status = answer.status;
        if matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
            return Ok(answer);
        }
        let bytes = answer.body.beginning(TEXT_BYTES_MAX, TEXT_TIMEOUT).await;
        let (codes, words) = read(&bytes);
        let has = |names: &[&str]| codes.iter().any(|code| names.contains(&code.as_str()));
        let (registry, image) = (self.registry.clone(), self.image.clone());
        let hint = String::new();
        if has(&["TOOMANYREQUESTS"]) || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::RateLimited { registry });
        }
        if has(&["UNAUTHORIZED", "DENIED"])
            || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        {
            return Err(Error::Unauthorized { image });
        }
        if has(&[
            "MANIFEST_UNKNOWN",
            "NAME_UNKNOWN",
            "BLOB_UNKNOWN",
            "NOT_FOUND",
        ]) || status == StatusCode::NOT_FOUND
        {
            return Err(Error::NotFound { image, hint });
        }
        let said = self.said(status, &words, token);
        match status {
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(self.unreachable(said)),
            _ => Err(self.failed(said)),
        }
    }

    fn said(&self, status: StatusCode, words: &str, token: Option<&str>) -> String {
        let mut words = words.to_owned();
        let secrets = self.secrets.iter().map(String::as_str);
        for secret in secrets.chain(token.filter(|token| !token.is_empty())) {
            words = words.replace(secret, MASK);
        }
        let words = text::clean(&words, TEXT_CHARS_SHOWN);
        match words.is_empty() {
            true => format!("it answers {status}"),
            false => format!("it answers {status}: {words}"),
        }
    }
}

/// Says why a server gave no answer.
pub(super) fn unanswered(who: &Who, url: &Url, error: livery_web::Error) -> Error {
    use livery_web::Error as Web;
    match error {
        Web::NoConnection(why) | Web::Unreachable(why) => who.unreachable(why),
        Web::Forbidden { host } => Error::ForbiddenRegistry {
            registry: who.registry.clone(),
            host,
        },
        Web::TooLarge { most } => who.failed(format!("{url} answers with more than {most} bytes")),
        error @ Web::BadUrl(_) => bad_address(who, &error),
    }
}

/// Says that a registry leads to something that is no address.
pub(super) fn bad_address(who: &Who, error: &livery_web::Error) -> Error {
    who.failed(format!("it leads on, and {error}"))
}

/// Returns the codes and the words of an error.
fn read(bytes: &[u8]) -> (Vec<String>, String) {
    match serde_json::from_slice::<Problems>(bytes) {
        Ok(Problems { errors }) => {
            let words: Vec<&str> = errors.iter().map(|one| one.message.as_str()).collect();
            let words = words.join("; ");
            let codes = errors.iter().map(|one| one.code.to_ascii_uppercase());
            (codes.collect(), words)
        }
        Err(_) => (Vec::new(), String::from_utf8_lossy(bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_units::Secret;

    #[test]
    fn what_servers_say_is_short_and_has_no_secrets_and_no_commands_for_terminals() {
        let known = Credentials {
            username: "ada".to_owned(),
            password: Secret::new("hunter2".to_owned()),
        };
        let who = Who::new("r".to_owned(), "r/x:1".to_owned(), Some(&known));
        let pair = STANDARD.encode("ada:hunter2");
        let words = format!(
            "\u{1b}[31mno hunter2, {pair}, t0ken\n{}",
            "x".repeat(60 << 20)
        );
        let said = who.said(StatusCode::INTERNAL_SERVER_ERROR, &words, Some("t0ken"));
        let wanted = "it answers 500 Internal Server Error: \u{fffd}[31mno ***, ***, *** x";
        assert!(said.starts_with(wanted), "{said}");
        assert!(said.chars().count() < 400);
    }

    #[test]
    fn errors_are_read_in_their_own_shape_and_in_any_other() {
        let json = br#"{"errors":[{"code":"denied","message":"no"},{"code":"UNKNOWN"}]}"#;
        let (codes, words) = read(json);
        assert_eq!(
            (codes, words.as_str()),
            (vec!["DENIED".to_owned(), "UNKNOWN".to_owned()], "no; ")
        );
        assert_eq!(read(b"<html>").1, "<html>");
        assert_eq!(read(br#"{"errors":[]}"#).1, "");
    }
}

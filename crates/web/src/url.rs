//! Where a server is and what is asked of it.

use crate::Error;
use crate::address::{Reach, check_literal};
use http::Uri;
use std::fmt;

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// An HTTP server's address and what is asked of it. It prints as its server alone: the path may be
/// a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

/// A server: what a connection can be used for again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub scheme: Scheme,
    pub host: String,
    pub port: u16,
}

impl Scheme {
    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl Url {
    /// Reads `http://…` or `https://…`. What is wrong with it is said without repeating it.
    ///
    /// # Errors
    /// [`Error::BadUrl`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::BadUrl(why.to_owned());
        let uri: Uri = text
            .parse()
            .map_err(|_| wrong("cannot be read: write it as https://server/path"))?;
        let scheme = match uri.scheme_str() {
            Some("https") => Scheme::Https,
            Some("http") => Scheme::Http,
            Some(_) | None => return Err(wrong("must begin with https:// or http://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("names no server"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("may not contain a user or password"));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong("names no server"));
        }
        let port = match (
            authority.port_u16(),
            authority.as_str().ends_with(authority.host()),
        ) {
            (Some(port), _) if port != 0 => port,
            (None, true) => scheme.port(),
            (Some(_) | None, _) => return Err(wrong("has a port that is none")),
        };
        Ok(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
            authority: authority.to_string(),
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
        })
    }

    /// Returns where a redirect to `location` leads from here.
    ///
    /// # Errors
    /// [`Error::BadUrl`].
    pub fn join(&self, location: &str) -> Result<Self, Error> {
        let scheme = self.scheme.name();
        let path = self.path.split('?').next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let authority = &self.authority;
        let whole = if location.contains("://") {
            location.to_owned()
        } else if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{scheme}://{authority}{location}")
        } else if location.starts_with('?') {
            format!("{scheme}://{authority}{path}{location}")
        } else {
            format!("{scheme}://{authority}{folder}/{location}")
        };
        Self::parse(&whole)
    }

    /// Returns the same server with something else asked of it: a path with its query.
    ///
    /// # Errors
    /// [`Error::BadUrl`].
    pub fn with_path(&self, path: &str) -> Result<Self, Error> {
        Self::parse(&format!(
            "{}://{}{path}",
            self.scheme.name(),
            self.authority
        ))
    }

    /// Refuses what can be refused without asking for the host's addresses.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn check(&self, reach: Reach) -> Result<(), Error> {
        check_literal(&self.host, reach)
    }

    /// Returns whether it is encrypted.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the server's name or address, in lower case and without the brackets of IPv6.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the server's port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns what goes into the `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns path and query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns whether both are of one server: a connection to one may carry what is meant for the
    /// other.
    pub fn has_origin_of(&self, other: &Self) -> bool {
        self.origin() == other.origin()
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin {
            scheme: self.scheme,
            host: self.host.clone(),
            port: self.port,
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.authority)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}/…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_with_their_ports_and_paths() {
        for (url, host, port, path) in [
            (
                "https://Hooks.example/a/b?c=d",
                "hooks.example",
                443,
                "/a/b?c=d",
            ),
            ("http://127.0.0.1:8080", "127.0.0.1", 8080, "/"),
            ("http://[::1]:81/x", "::1", 81, "/x"),
            ("https://[2001:db8::1]/", "2001:db8::1", 443, "/"),
        ] {
            let read = Url::parse(url).unwrap();
            assert_eq!((read.host(), read.port()), (host, port), "{url}");
            assert_eq!(read.path(), path, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_repeating_it() {
        for url in [
            "",
            "secret",
            "/secret",
            "ftp://secret/",
            "https:///secret",
            "https://user:secret@host/",
            "https://host:99999/secret",
            "https://host:0/secret",
            "https://host:/secret",
            "https://ho st/secret",
        ] {
            let error = Url::parse(url).unwrap_err();
            assert!(matches!(error, Error::BadUrl(_)), "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let url = Url::parse("https://host/secret?key=secret").unwrap();
        assert_eq!(format!("{url} {url:?}"), "https://host https://host/…");
    }

    #[test]
    fn redirects_lead_on_from_where_they_were_found() {
        let from = Url::parse("http://host:5000/v2/blobs/one?x=1").unwrap();
        for (location, whole, is_same) in [
            ("https://other/a?b", "https://other/a?b", false),
            ("//other/a", "http://other/a", false),
            ("/other", "http://host:5000/other", true),
            ("two?y", "http://host:5000/v2/blobs/two?y", true),
            ("?y=2", "http://host:5000/v2/blobs/one?y=2", true),
            ("https://host:5000/", "https://host:5000/", false),
            ("http://HOST:5000/x", "http://HOST:5000/x", true),
        ] {
            let to = from.join(location).unwrap();
            assert_eq!(to, Url::parse(whole).unwrap(), "{location}");
            assert_eq!(to.has_origin_of(&from), is_same, "{location}");
        }
        for location in [
            "ftp://x/",
            "http://",
            "https://user@host/",
            "file:///etc/passwd",
        ] {
            assert!(from.join(location).is_err(), "{location}");
        }
    }
}

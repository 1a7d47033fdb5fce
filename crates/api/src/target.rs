//! Where a control plane listens.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a control plane listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A unix socket on this machine.
    Unix(PathBuf),
    /// Plain TCP: for the loopback, or inside a network that is trusted.
    Http {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// TLS.
    Https {
        /// Host name or address; the certificate must be for it.
        host: String,
        /// Port.
        port: u16,
    },
}

/// Why a text does not say where a control plane listens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the address of a control plane (expected the path of a unix socket, \
     `http://host:port` or `https://host[:port]`)"
)]
pub struct ParseTargetError(String);

impl FromStr for Target {
    type Err = ParseTargetError;

    fn from_str(text: &str) -> Result<Self, ParseTargetError> {
        let fail = || ParseTargetError(text.to_owned());
        let text = text.trim();
        if text.starts_with('/') && text.len() > 1 {
            return Ok(Self::Unix(text.into()));
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(fail)?;
        match scheme {
            "unix" if rest.starts_with('/') && rest.len() > 1 => Ok(Self::Unix(rest.into())),
            "http" => {
                let (host, port) = host_and_port(rest).ok_or_else(fail)?;
                let port = port.unwrap_or(80);
                Ok(Self::Http { host, port })
            }
            "https" => {
                let (host, port) = host_and_port(rest).ok_or_else(fail)?;
                let port = port.unwrap_or(443);
                Ok(Self::Https { host, port })
            }
            _ => Err(fail()),
        }
    }
}

/// Splits `host`, `host:port`, `[v6]` or `[v6]:port`; a trailing slash is no path.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            match after {
                "" => (host, None),
                _ => (host, Some(after.strip_prefix(':')?)),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let odd = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '@');
    if host.is_empty() || host.contains(odd) {
        return None;
    }
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    Some((host.to_owned(), port))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Http { host, port } => write!(f, "http://{}:{port}", bracketed(host)),
            Self::Https { host, port } => write!(f, "https://{}:{port}", bracketed(host)),
        }
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_a_round_trip() {
        for (text, shown) in [
            (
                "unix:///run/livery/livery.sock",
                "unix:///run/livery/livery.sock",
            ),
            ("/tmp/a.sock", "unix:///tmp/a.sock"),
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070"),
            ("http://box.lan/", "http://box.lan:80"),
            ("https://livery.example", "https://livery.example:443"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), shown);
            assert_eq!(shown.parse::<Target>().unwrap(), target);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "livery.example",
            "unix://",
            "unix://relative",
            "http://",
            "http://host:0",
            "http://host:99999",
            "http://user@host",
            "http://host/path",
            "ftp://host",
            "https://[::1",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}

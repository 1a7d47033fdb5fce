//! What the owner of a machine says about registries.

use std::fmt;
use std::str::FromStr;

use livery_web::{Scheme, Url};

/// What the owner of a machine says about registries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registries {
    /// Registries that are spoken to in plain HTTP. Those on this machine are anyway.
    pub insecure: Vec<RegistryHost>,
    /// Registries that pods of other accounts may use although they are not on the public internet.
    /// Those in `insecure` are allowed too.
    pub allowed: Vec<RegistryHost>,
    /// What is asked first for images of Docker Hub, in this order.
    pub mirrors: Vec<Mirror>,
}

/// A registry as the owner names it: `HOST` or `HOST:PORT`. Without a port it is the usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryHost {
    host: String,
    port: Option<u16>,
}

/// A mirror of Docker Hub: `http://HOST[:PORT]` or `https://HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror(Url);

/// Why a text names no registry or mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct ParseRegistryError {
    text: String,
    wanted: &'static str,
}

impl Registries {
    /// Returns whether a registry, as an image names it, is spoken to in plain HTTP.
    pub(crate) fn is_plain(&self, registry: &str) -> bool {
        let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
        let listed = registry
            .parse()
            .is_ok_and(|name| self.insecure.contains(&name));
        host == "localhost" || is_loopback || listed
    }

    /// Returns whether the owner allows everybody a server, wherever it is.
    pub(crate) fn is_allowed(&self, url: &Url) -> bool {
        let mut listed = self.allowed.iter().chain(&self.insecure);
        listed.any(|registry| registry.is(url))
    }
}

impl RegistryHost {
    fn is(&self, url: &Url) -> bool {
        let usual = match url.scheme() {
            Scheme::Http => 80,
            Scheme::Https => 443,
        };
        self.host == url.host() && self.port.unwrap_or(usual) == url.port()
    }
}

impl Mirror {
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Returns its server, for what is said of servers.
    pub(crate) fn host(&self) -> RegistryHost {
        RegistryHost {
            host: self.0.host().to_owned(),
            port: Some(self.0.port()),
        }
    }
}

impl FromStr for RegistryHost {
    type Err = ParseRegistryError;

    fn from_str(text: &str) -> Result<Self, ParseRegistryError> {
        let fail = || ParseRegistryError {
            text: text.to_owned(),
            wanted: "a registry; write HOST or HOST:PORT, such as registry.lab:5000",
        };
        // A user, a path or a query is no part of it.
        let url = Url::parse(&format!("https://{text}")).map_err(|_| fail())?;
        if url.authority() != text || url.path() != "/" {
            return Err(fail());
        }
        let bare = text.ends_with(']') || !text.contains(':');
        Ok(Self {
            host: url.host().to_owned(),
            port: (!bare).then_some(url.port()),
        })
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Mirror {
    type Err = ParseRegistryError;

    fn from_str(text: &str) -> Result<Self, ParseRegistryError> {
        let fail = || ParseRegistryError {
            text: text.to_owned(),
            wanted: "a mirror; write https://HOST[:PORT] or http://HOST[:PORT]",
        };
        let url = Url::parse(text).map_err(|_| fail())?;
        match url.path() {
            "/" => Ok(Self(url)),
            _ => Err(fail()),
        }
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registries(insecure: &[&str], allowed: &[&str]) -> Registries {
        let read = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        Registries {
            insecure: read(insecure),
            allowed: read(allowed),
            mirrors: Vec::new(),
        }
    }

    #[test]
    fn only_this_machine_and_listed_registries_are_spoken_to_in_the_clear() {
        let listed = registries(&["registry.lab:5000"], &["allowed.lab:5000"]);
        for registry in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "[::1]:5000",
            "registry.lab:5000",
        ] {
            assert!(listed.is_plain(registry), "{registry}");
        }
        for registry in [
            "docker.io",
            "registry.lab",
            "registry.lab:5001",
            "allowed.lab:5000",
            "localhost.example:5000",
            "10.0.0.1:5000",
        ] {
            assert!(!listed.is_plain(registry), "{registry}");
        }
    }

    #[test]
    fn what_the_owner_listed_is_allowed_on_its_port_alone() {
        let listed = registries(&["plain.lab:5000"], &["tls.lab", "[fd00::1]:5000"]);
        let is_allowed = |url: &str| listed.is_allowed(&Url::parse(url).unwrap());
        for url in [
            "http://plain.lab:5000/v2/",
            "https://tls.lab/v2/",
            "https://TLS.lab:443/v2/",
            "https://[fd00::1]:5000/v2/",
        ] {
            assert!(is_allowed(url), "{url}");
        }
        for url in [
            "http://plain.lab/v2/",
            "https://tls.lab:22/v2/",
            "https://x.tls.lab/v2/",
            "https://[fd00::1]/v2/",
        ] {
            assert!(!is_allowed(url), "{url}");
        }
    }

    #[test]
    fn settings_are_read_and_written() {
        for text in ["registry.lab", "registry.lab:5000", "[::1]:5000", "[::1]"] {
            let read: RegistryHost = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        for text in ["", "https://x", "x/y", "user@x", "x:port", "x:", "a b"] {
            assert!(text.parse::<RegistryHost>().is_err(), "{text}");
        }
        for text in ["https://mirror.lab", "http://10.0.0.1:5000"] {
            assert_eq!(text.parse::<Mirror>().unwrap().to_string(), text);
        }
        for text in ["mirror.lab", "https://mirror.lab/path", "ftp://x"] {
            assert!(text.parse::<Mirror>().is_err(), "{text}");
        }
    }
}

//! Where a letter goes, and whether it may go there.

use crate::Error;
use http::Uri;
use livery_units::Secret;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// Which machines may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Any: for the owner of the control plane's machine.
    Anywhere,
    /// Only addresses of the public internet: an account of somebody else's must not make the control
    /// plane talk to machines that only it reaches.
    Public,
}

/// An HTTP server's address and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) security: Security,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What goes into the `Host` header.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    Plain,
    Tls,
}

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

impl Endpoint {
    /// Reads `http://…` or `https://…`. What is wrong with it is said without repeating it.
    pub(crate) fn parse(url: &Secret<String>) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Invalid(format!("the URL {why}"));
        let uri: Uri = url
            .expose()
            .parse()
            .map_err(|_| wrong("cannot be read: write it as https://server/path"))?;
        let security = match uri.scheme_str() {
            Some("https") => Security::Tls,
            Some("http") => Security::Plain,
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
            (None, true) => match security {
                Security::Plain => 80,
                Security::Tls => 443,
            },
            (Some(_) | None, _) => return Err(wrong("has a port that is none")),
        };
        Ok(Self {
            security,
            host: host.to_owned(),
            port,
            authority: authority.to_string(),
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
        })
    }

    /// Refuses what can be refused without asking for the host's addresses.
    pub(crate) fn check(&self, reach: Reach) -> Result<(), Error> {
        check_literal(&self.host, reach)
    }
}

/// Refuses an address that is written as one and that may not be reached.
pub(crate) fn check_literal(host: &str, reach: Reach) -> Result<(), Error> {
    match host.parse::<IpAddr>() {
        Ok(address) if !may_reach(address, reach) => Err(forbidden()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Returns the addresses of a host that may be connected to. Whoever connects must connect to these
/// and not ask again: the answer could be another one then.
pub(crate) async fn resolve(host: &str, port: u16, reach: Reach) -> Result<Vec<SocketAddr>, Error> {
    let unknown =
        |why: String| Error::Unreachable(format!("the server's name has no address: {why}"));
    let looking = tokio::net::lookup_host((host, port));
    let found: Vec<SocketAddr> = match tokio::time::timeout(RESOLVE_TIMEOUT, looking).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => return Err(unknown(error.to_string())),
        Err(_) => return Err(unknown("no name server answered in time".to_owned())),
    };
    if found.is_empty() {
        return Err(unknown("none was found".to_owned()));
    }
    let allowed: Vec<SocketAddr> = found
        .into_iter()
        .filter(|address| may_reach(address.ip(), reach))
        .collect();
    if allowed.is_empty() {
        return Err(forbidden());
    }
    Ok(allowed)
}

fn forbidden() -> Error {
    Error::Forbidden(
        "the server's address is not on the public internet, and only the owner of the control plane \
         may send reminders to others"
            .to_owned(),
    )
}

fn may_reach(address: IpAddr, reach: Reach) -> bool {
    match reach {
        Reach::Anywhere => true,
        Reach::Public => is_public(address),
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 => true,
        100 => b & 0xc0 == 64,
        169 => b == 254,
        172 => b & 0xf0 == 16,
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        198 => b & 0xfe == 18 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        224.. => true,
        _ => false,
    };
    !special
}

/// Only global unicast is public; within it what leads to IPv4 is judged as IPv4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => v4(g, h),
        (0x2002, _) => v4(b, c),
        // Teredo, benchmarks, ORCHID and the like; documentation.
        (0x2001, 0..=0x1ff | 0xdb8) => false,
        (0x2000..=0x3fff, _) => a != 0x3fff || b & 0xf000 != 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Endpoint, Error> {
        Endpoint::parse(&Secret::new(url.to_owned()))
    }

    #[test]
    fn urls_are_read_with_their_ports_and_paths() {
        for (url, host, port, path) in [
            (
                "https://hooks.example/a/b?c=d",
                "hooks.example",
                443,
                "/a/b?c=d",
            ),
            ("http://127.0.0.1:8080", "127.0.0.1", 8080, "/"),
            ("http://[::1]:81/x", "::1", 81, "/x"),
            ("https://[2001:db8::1]/", "2001:db8::1", 443, "/"),
        ] {
            let endpoint = parse(url).unwrap();
            assert_eq!(
                (endpoint.host.as_str(), endpoint.port),
                (host, port),
                "{url}"
            );
            assert_eq!(endpoint.path, path, "{url}");
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
            let error = parse(url).unwrap_err();
            assert_eq!(error.code(), "NTC001", "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.254",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.9.9.9",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "64:ff9b:1::1",
            "5f00::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_refused_to_accounts_of_others() {
        let error = resolve("localhost", 80, Reach::Public).await.unwrap_err();
        assert_eq!(error.code(), "NTC002");
        assert!(
            !resolve("localhost", 80, Reach::Anywhere)
                .await
                .unwrap()
                .is_empty()
        );
    }
}

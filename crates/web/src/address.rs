//! Which addresses may be connected to.

use crate::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Which machines may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Any: for the owner of the machine that connects.
    Anywhere,
    /// Only addresses of the public internet: what somebody else asks for must not make a machine
    /// talk to machines that only it reaches.
    Public,
}

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Refuses an address that is written as one and that may not be reached.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn check_literal(host: &str, reach: Reach) -> Result<(), Error> {
    match host.parse::<IpAddr>() {
        Ok(address) if !may_reach(address, reach) => Err(forbidden(host)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Returns the addresses of a host that may be connected to. A caller must connect to these
/// and not ask again: the answer could be another one then.
///
/// # Errors
/// [`Error::Unreachable`] when the name has no address, [`Error::Forbidden`] when it has none that may
/// be reached.
pub async fn resolve(host: &str, port: u16, reach: Reach) -> Result<Vec<SocketAddr>, Error> {
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
        .filter(|address| may_reach(address.ip(), reach) && !is_kept_from(*address, reach))
        .collect();
    if allowed.is_empty() {
        return Err(forbidden(host));
    }
    Ok(allowed)
}

/// Returns whether an address is one of the public internet: none of this machine, of a private
/// network, of a link, of a provider's inner network, of documentation or of many at once. An IPv6
/// address that leads to an IPv4 address is judged as that.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn forbidden(host: &str) -> Error {
    Error::Forbidden {
        host: host.to_owned(),
    }
}

fn may_reach(address: IpAddr, reach: Reach) -> bool {
    match reach {
        Reach::Anywhere => true,
        Reach::Public => is_public(address),
    }
}

/// A public address may be one of this machine's own, which is not firewalled from itself.
fn is_kept_from(address: SocketAddr, reach: Reach) -> bool {
    match reach {
        Reach::Anywhere => false,
        Reach::Public => is_own(address).unwrap_or(false),
    }
}

/// Returns whether an address is one of this machine's: from there it would be spoken to. Nothing is
/// sent.
fn is_own(address: SocketAddr) -> std::io::Result<bool> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    Ok(socket.local_addr()?.ip() == address.ip())
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
    async fn a_name_that_leads_to_this_machine_is_not_public() {
        // The last three are other spellings of 127.0.0.1 that name lookup understands.
        for name in ["localhost", "127.1", "2130706433", "0x7f000001"] {
            let error = resolve(name, 80, Reach::Public).await.unwrap_err();
            assert!(matches!(error, Error::Forbidden { .. }), "{name}: {error}");
            let found = resolve(name, 80, Reach::Anywhere).await.unwrap();
            assert!(!found.is_empty());
        }
    }

    #[test]
    fn this_machines_own_addresses_are_known() {
        assert!(is_own(([127, 0, 0, 1], 9).into()).unwrap());
        let elsewhere = ([198, 51, 100, 1], 9).into();
        assert!(!is_own(elsewhere).unwrap_or(false));
        // Whatever address this machine speaks from, it is its own.
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        if socket.connect(elsewhere).is_ok() {
            let own = SocketAddr::new(socket.local_addr().unwrap().ip(), 9);
            assert!(is_own(own).unwrap(), "{own}");
        }
    }
}

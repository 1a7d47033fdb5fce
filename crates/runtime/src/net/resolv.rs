//! The name servers that pods use.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use super::Error;

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Where resolvers that run on the host itself write down their upstream servers.
const UPSTREAMS: [&str; 2] = [
    "/run/systemd/resolve/resolv.conf",
    "/run/NetworkManager/no-stub-resolv.conf",
];

/// As many as the C library asks.
const MAX_SERVERS: usize = 3;

/// Returns the text of a pod's `/etc/resolv.conf`: the chosen servers, else the host's, else the
/// upstream servers of the host's own resolver.
///
/// A host with no name server at all gives its pods none: the pod is as blind as its host.
pub(super) fn for_pods(chosen: &[IpAddr]) -> Result<String, Error> {
    if !chosen.is_empty() {
        let lines = chosen.iter().map(|server| format!("nameserver {server}\n"));
        return Ok(lines.collect());
    }
    // A missing file and an empty one mean the same.
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let upstreams: Vec<String> = UPSTREAMS.into_iter().map(read).collect();
    choose(&read(RESOLV_CONF), &upstreams, is_the_host_itself)
}

fn choose(
    own: &str,
    upstreams: &[String],
    is_local: impl Fn(IpAddr) -> bool,
) -> Result<String, Error> {
    let Some(first) = servers(own).next() else {
        return Ok("# the host has no name server\n".to_owned());
    };
    let texts = std::iter::once(own).chain(upstreams.iter().map(String::as_str));
    for text in texts {
        let reachable: Vec<String> = servers(text)
            .filter_map(|server| server.parse::<IpAddr>().ok())
            .filter(|server| server.is_ipv4() && !is_local(*server))
            .take(MAX_SERVERS)
            .map(|server| format!("nameserver {server}\n"))
            .collect();
        if !reachable.is_empty() {
            return Ok(settings(own).chain(reachable).collect());
        }
    }
    Err(Error::NoResolver {
        resolver: first.to_owned(),
    })
}

/// Returns the name servers that a text of `/etc/resolv.conf` names.
pub(super) fn name_servers(text: &str) -> impl Iterator<Item = Ipv4Addr> {
    servers(text).filter_map(|server| server.parse().ok())
}

fn servers(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next())?
    })
}

/// The lines that shape a lookup, whoever answers it.
fn settings(text: &str) -> impl Iterator<Item = String> {
    let shapes = |line: &&str| {
        let word = line.split_whitespace().next();
        matches!(word, Some("search" | "domain" | "options"))
    };
    text.lines()
        .filter(shapes)
        .map(|line| format!("{}\n", line.trim()))
}

/// Only an address of this machine can be bound.
fn is_the_host_itself(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(address: IpAddr) -> bool {
        address.is_loopback()
    }

    #[test]
    fn the_hosts_servers_are_given_with_its_search_list() {
        let own = "# made by x\nsearch lab.example\nnameserver 10.0.0.53\nnameserver ::1\n";
        assert_eq!(
            choose(own, &[], loopback).unwrap(),
            "search lab.example\nnameserver 10.0.0.53\n"
        );
    }

    #[test]
    fn a_stub_on_loopback_is_replaced_by_its_upstream() {
        let stub = "nameserver 127.0.0.53\noptions edns0\n";
        let upstream = ["".to_owned(), "nameserver 192.0.2.53\n".to_owned()];
        assert_eq!(
            choose(stub, &upstream, loopback).unwrap(),
            "options edns0\nnameserver 192.0.2.53\n"
        );
        assert!(matches!(
            choose(stub, &[], loopback),
            Err(Error::NoResolver { resolver }) if resolver == "127.0.0.53"
        ));
    }

    #[test]
    fn a_host_without_servers_gives_none_and_chosen_ones_win() {
        assert!(!choose("", &[], loopback).unwrap().contains("nameserver "));
        let chosen = ["192.0.2.1".parse().unwrap()];
        assert_eq!(for_pods(&chosen).unwrap(), "nameserver 192.0.2.1\n");
    }
}

//! Asks this machine's own name server from inside a pod's namespace: the whole way, for real.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use crate::support::{inside, pod};
use livery_runtime::net::{Error, Network, Options, Reach};

/// A query for the root's name servers, with recursion: every resolver has an answer.
const QUERY: [u8; 17] = [
    0x4c, 0x56, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, // header: id, recursion, one question
    0, // the root
    0, 2, 0, 1, // NS, IN
];

#[test]
fn names_resolve_from_inside_a_pod() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: network namespaces need root");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // This test stands on the real host, so its names and addresses follow its process id.
    let pid = std::process::id();
    let mut options = Options::new(dir.path().join("netns"));
    options.name = format!("t{:04x}", pid & 0xffff);
    options.subnet = format!("10.{}.{}.0/24", 224 + (pid >> 8 & 15), pid & 255)
        .parse()
        .unwrap();
    let network = Network::open(options).unwrap();
    let outcome = network.attach(&pod(1), 0, Reach::Everything).map(|made| {
        let server = made
            .resolv_conf
            .lines()
            .find_map(|line| line.strip_prefix("nameserver ")?.parse::<IpAddr>().ok());
        server.map(|server| (ask(&made.netns, server), ask_here(server)))
    });
    network.detach(&pod(1), 0).unwrap();
    network.close().unwrap();
    match outcome {
        Ok(None) | Err(Error::NoResolver { .. }) => {
            eprintln!("skipped: this machine has no name server that a pod could ask");
        }
        Ok(Some((_, None))) => eprintln!("skipped: this machine's name server does not answer"),
        Ok(Some((from_pod, Some(_)))) => assert!(from_pod.is_some(), "no answer inside the pod"),
        Err(failure) => panic!("{failure}"),
    }
}

fn ask(netns: &std::path::Path, server: IpAddr) -> Option<usize> {
    inside(netns, || ask_here(server))
}

/// Returns the length of the answer to our query, if one came.
fn ask_here(server: IpAddr) -> Option<usize> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect((server, 53)).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(3))).ok()?;
    let mut answer = [0; 2048];
    (0..3).find_map(|_| {
        socket.send(&QUERY).ok()?;
        let length = socket.recv(&mut answer).ok()?;
        (length >= 12 && answer[..2] == QUERY[..2]).then_some(length)
    })
}

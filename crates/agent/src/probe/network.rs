//! Whether a pod can reach something outside.
//!
//! Asked is what every job needs first: the pod's own name server, from inside the pod's network,
//! over UDP and TCP. Any answer will do, even a refusal: it came back. Where this machine
//! itself gets no answer either, the machine has no way outside that a pod could share, and the pod
//! is held to what it can have: its gateway must answer for its address.

use super::{no, yes};
use crate::netns;
use livery_host_api::dto::Answer;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// C libraries ask no more servers than this; the file may name any number.
const SERVERS_MAX: usize = 3;
/// A resolver file is a few lines.
const RESOLV_BYTES_MAX: u64 = 64 << 10;
const DNS_PORT: u16 = 53;

/// A question for the name servers of the root, which every resolver can answer.
const QUESTION: [u8; 17] = [
    0x4c, 0x56, // our mark
    0x01, 0x00, // a standard question, recursion desired
    0, 1, 0, 0, 0, 0, 0, 0, // one question
    0, // the root
    0, 2, 0, 1, // name servers, internet
];

/// Finds out whether a pod, by its first process, can reach something outside.
pub(super) fn outbound(pid: i32) -> Answer {
    let servers = match name_servers(pid) {
        Ok(servers) if servers.is_empty() => {
            return no("the pod's /etc/resolv.conf names no server");
        }
        Ok(servers) => servers
            .into_iter()
            .take(SERVERS_MAX)
            .map(|server| SocketAddr::new(server, DNS_PORT))
            .collect::<Vec<_>>(),
        Err(error) => {
            return no(format!(
                "the pod's /etc/resolv.conf cannot be read: {error}"
            ));
        }
    };
    let inside = netns::within(pid, || Ok(first_answer(&servers, WAYS)));
    let why = match inside {
        Ok(Ok(())) => return yes(),
        Ok(Err(why)) => why,
        Err(error) => return no(format!("the pod's network cannot be entered: {error}")),
    };
    if first_answer(&servers, WAYS).is_ok() {
        return no(format!("{why}, though this machine gets an answer"));
    }
    match netns::within(pid, gateway_answers) {
        Ok(()) => yes(),
        Err(error) => no(format!("{why}, and neither does the gateway: {error}")),
    }
}

/// Asks a server; fails when no answer comes back.
type Ask = fn(SocketAddr) -> io::Result<()>;

const WAYS: [Ask; 2] = [ask_udp, ask_tcp];

/// Asks all servers, in both ways, side by side: silent ones keep nobody waiting for the others.
fn first_answer(servers: &[SocketAddr], ways: [Ask; 2]) -> Result<(), String> {
    let (sender, answers) = mpsc::channel();
    for server in servers.iter().copied() {
        for ask in ways {
            let sender = sender.clone();
            // It is in the network that this thread is in, and ends by itself.
            std::thread::spawn(move || sender.send((server.ip(), ask(server))));
        }
    }
    drop(sender);
    let mut why = String::new();
    for (server, answer) in answers {
        match answer {
            Ok(()) => return Ok(()),
            Err(error) => why = format!("name server {server} does not answer: {error}"),
        }
    }
    Err(why)
}

fn ask_udp(server: SocketAddr) -> io::Result<()> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server)?;
    socket.send(&QUESTION)?;
    let mut answer = [0; 512];
    match socket.recv(&mut answer) {
        Ok(_) => Ok(()),
        // The server's machine answered that nobody listens: the way there and back is open.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
    }
}

fn ask_tcp(server: SocketAddr) -> io::Result<()> {
    match TcpStream::connect_timeout(&server, PATIENCE) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
    }
}

/// Reads the name servers of a pod. The file is the pod's own: links in it stay inside the pod.
fn name_servers(pid: i32) -> io::Result<Vec<IpAddr>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(format!("/proc/{pid}/root"), flags, Mode::empty())?;
    let file = rustix::fs::openat2(
        root,
        "etc/resolv.conf",
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK,
        Mode::empty(),
        ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
    )?;
    let mut text = String::new();
    File::from(file)
        .take(RESOLV_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok(parse_name_servers(&text))
}

fn parse_name_servers(text: &str) -> Vec<IpAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().filter(|word| *word == "nameserver")?;
        words.next()?.parse().ok()
    };
    text.lines().filter_map(server).collect()
}

/// Makes the kernel ask for the gateway's address and looks whether that was answered.
fn gateway_answers() -> io::Result<()> {
    let routes = std::fs::read_to_string("/proc/thread-self/net/route")?;
    let gateway = default_gateway(&routes).ok_or(io::ErrorKind::NetworkUnreachable)?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // The port for throwing things away; whether it is open does not matter.
    socket.send_to(&[0], (gateway, 9))?;
    let attempts = 20;
    for _ in 0..attempts {
        let neighbours = std::fs::read_to_string("/proc/thread-self/net/arp")?;
        if is_known(&neighbours, gateway) {
            return Ok(());
        }
        std::thread::sleep(PATIENCE / attempts);
    }
    Err(io::ErrorKind::HostUnreachable.into())
}

/// Reads `/proc/net/route`, whose addresses are hexadecimal in the machine's byte order.
fn default_gateway(routes: &str) -> Option<Ipv4Addr> {
    routes.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (destination, gateway) = (fields.get(1)?, fields.get(2)?);
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        let is_default = *destination == "00000000" && gateway != 0;
        is_default.then(|| Ipv4Addr::from(gateway.to_ne_bytes()))
    })
}

/// Reads `/proc/net/arp`: flag 2 says that the address was answered for.
fn is_known(neighbours: &str, address: Ipv4Addr) -> bool {
    neighbours.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let flags = fields.get(2).and_then(|flags| flags.strip_prefix("0x"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags, 16).ok());
        fields.first().and_then(|text| text.parse().ok()) == Some(address)
            && flags.is_some_and(|flags| flags & 2 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn the_kernels_tables_are_read() {
        let routes = "Iface\tDestination\tGateway \tFlags\n\
            eth0\t00000000\t0100D50A\t0003\n\
            eth0\t0000D50A\t00000000\t0001\n";
        let gateway = Ipv4Addr::new(10, 213, 0, 1);
        assert_eq!(default_gateway(routes), Some(gateway));
        let neighbours = "IP address       HW type     Flags       HW address            Mask     Device\n\
            10.213.0.1       0x1         0x2         aa:bb:cc:dd:ee:ff     *        eth0\n\
            10.213.0.9       0x1         0x0         00:00:00:00:00:00     *        eth0\n";
        assert!(is_known(neighbours, gateway));
        assert!(!is_known(neighbours, Ipv4Addr::new(10, 213, 0, 9)));
        let text = "# x\nnameserver 1.1.1.1\nsearch a\nnameserver ::1\nnameserver x\n";
        assert_eq!(parse_name_servers(text).len(), 2);
    }

    #[test]
    fn no_server_waits_for_the_answer_of_another() {
        static ALL_ASKED: Barrier = Barrier::new(4);
        // Each answers only once all are asked, by both ways.
        let answers: Ask = |_| {
            ALL_ASKED.wait();
            Ok(())
        };
        let servers = [1, 2].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        first_answer(&servers, [answers, answers]).unwrap();
        let fails: Ask = |_| Err(io::ErrorKind::TimedOut.into());
        let why = first_answer(&servers, [fails, fails]).unwrap_err();
        assert!(why.contains("127.0.0.1 does not answer"), "{why}");
    }

    #[test]
    fn any_answer_counts_and_silence_does_not() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = server.local_addr().unwrap();
        let answering = std::thread::spawn(move || {
            let mut question = [0; 64];
            let (length, from) = server.recv_from(&mut question).unwrap();
            assert_eq!(question[..length], QUESTION);
            server.send_to(b"x", from).unwrap();
        });
        ask_udp(address).unwrap();
        answering.join().unwrap();
        // Nobody listens there any more, and the machine says so.
        ask_udp(address).unwrap();
        ask_tcp(address).unwrap();
    }
}

//! A pretend host for network tests: fresh network and mount namespaces held by one thread, so that
//! nothing a test does is seen outside, and an "outside world" behind it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use livery_runtime::net::{Network, Options};
use livery_units::PodId;
use rustix::mount::MountPropagationFlags;
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

/// The pretend host's address towards the outside.
pub const HOST: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
/// A machine outside.
pub const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
/// Another, on no network of the host's own.
pub const INTERNET: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
/// Machines in networks around the host, as homes, companies, providers and overlays number them.
pub const LAN: [Ipv4Addr; 4] = [
    Ipv4Addr::new(192, 168, 1, 10),
    Ipv4Addr::new(10, 1, 2, 3),
    Ipv4Addr::new(172, 16, 5, 5),
    Ipv4Addr::new(100, 64, 0, 9),
];
/// A cloud's metadata service, on the machine outside.
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// The MTU between the two.
pub const MTU: u32 = 1380;

/// How long an answer is waited for: a packet that is lost while a link comes up is sent again, after one
/// second, three and seven.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an answer is waited for that must not come: longer than until a packet is sent again.
const DROPPED: Duration = Duration::from_millis(1_200);

/// What a test of the pretend host works with.
pub struct Host {
    pub run_dir: PathBuf,
    world: mpsc::Sender<()>,
    world_netns: PathBuf,
}

/// Runs a test on a pretend host, or says why it cannot.
pub fn on_a_host(test: impl FnOnce(&Host) + Send + 'static) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: network namespaces need root");
        return;
    }
    let body = thread::spawn(move || {
        enter_new_namespaces();
        let dir = tempfile::tempdir().unwrap();
        let host = Host::new(dir.path());
        test(&host);
        // A world nobody listens to ends its thread, and its namespace with it.
        drop(host.world);
    });
    if let Err(panic) = body.join() {
        std::panic::resume_unwind(panic);
    }
}

impl Host {
    fn new(dir: &Path) -> Self {
        run("ip link set lo up");
        let (world, ended) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            enter_new_namespaces();
            let tid = rustix::thread::gettid();
            tell.send(PathBuf::from(format!("/proc/self/task/{tid}/ns/net")))
                .unwrap();
            // Holds the namespace until the test is over.
            let _: Result<(), mpsc::RecvError> = ended.recv();
        });
        // Through our own pid: `ip` is another process, with another `self`.
        let task = told.recv().unwrap();
        let task = task.strip_prefix("/proc/self").unwrap();
        let world_netns = Path::new("/proc")
            .join(std::process::id().to_string())
            .join(task);
        let at = world_netns.display();
        run(&format!(
            "ip link add uplink mtu {MTU} type veth peer name wire mtu {MTU} netns {at}"
        ));
        run(&format!("ip addr add {HOST}/24 dev uplink"));
        run("ip link set uplink up");
        inside(&world_netns, || {
            run("ip link set lo up");
            run(&format!("ip addr add {OUTSIDE}/24 dev wire"));
            run(&format!("ip addr add {METADATA}/32 dev wire"));
            for address in LAN.into_iter().chain([INTERNET]) {
                run(&format!("ip addr add {address}/32 dev wire"));
            }
            run("ip link set wire up");
        });
        run(&format!("ip route add default via {OUTSIDE}"));
        Self {
            run_dir: dir.join("netns"),
            world,
            world_netns,
        }
    }

    /// The network under test, with a name server outside.
    pub fn network(&self) -> Network {
        self.network_with(&[OUTSIDE])
    }

    /// The network with other name servers outside.
    pub fn network_with(&self, resolvers: &[Ipv4Addr]) -> Network {
        let mut options = Options::new(self.run_dir.clone());
        options.resolvers = resolvers.iter().map(|&server| server.into()).collect();
        Network::open(options).unwrap()
    }

    /// Greets all that connect to the machine outside on the port of name servers.
    pub fn greet_outside_as_name_server(&self) -> u16 {
        greet_on(&self.world_netns, 53)
    }

    /// Greets all that connect to the machine outside on any of its addresses; returns the port.
    pub fn greet_outside(&self) -> u16 {
        greet(&self.world_netns)
    }
}

/// Greets all that connect to any address in a namespace; returns the port.
pub fn greet(netns: &Path) -> u16 {
    greet_on(netns, 0)
}

fn greet_on(netns: &Path, port: u16) -> u16 {
    let listener = inside(netns, || {
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap()
    });
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let peer = stream.peer_addr().map(|peer| peer.ip().to_string());
            // A peer that hung up is not this test's matter.
            let _: std::io::Result<()> = stream.write_all(peer.unwrap_or_default().as_bytes());
        }
    });
    port
}

/// Connects from a namespace; returns the address under which the greeter saw us.
pub fn call(netns: &Path, to: impl Into<std::net::IpAddr>, port: u16) -> Option<String> {
    connect(netns, SocketAddr::new(to.into(), port), PATIENCE)
}

/// Returns whether nothing answers who connects from a namespace.
pub fn is_dropped(netns: &Path, to: impl Into<std::net::IpAddr>, port: u16) -> bool {
    connect(netns, SocketAddr::new(to.into(), port), DROPPED).is_none()
}

fn connect(netns: &Path, to: SocketAddr, patience: Duration) -> Option<String> {
    inside(netns, || {
        let mut stream = TcpStream::connect_timeout(&to, patience).ok()?;
        let mut seen = String::new();
        stream.read_to_string(&mut seen).ok()?;
        Some(seen)
    })
}

/// The calling thread's own namespace.
pub fn here() -> PathBuf {
    let tid = rustix::thread::gettid();
    PathBuf::from(format!("/proc/self/task/{tid}/ns/net"))
}

/// Runs code in a namespace, on a thread of its own.
pub fn inside<T: Send>(netns: &Path, work: impl FnOnce() -> T + Send) -> T {
    let netns = File::open(netns).unwrap();
    thread::scope(|scope| {
        let enter = || {
            rustix::thread::move_into_link_name_space(
                netns.as_fd(),
                Some(LinkNameSpaceType::Network),
            )
            .unwrap();
            work()
        };
        scope.spawn(enter).join().unwrap()
    })
}

/// Runs a command line, which has to succeed, and returns what it printed.
pub fn run(line: &str) -> String {
    let (output, worked) = try_run(line);
    assert!(worked, "{line}: {output}");
    output
}

/// Runs a command line and returns what it printed and whether it succeeded.
pub fn try_run(line: &str) -> (String, bool) {
    let words: Vec<&str> = line.split(' ').collect();
    let out = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [out.stdout, out.stderr].concat();
    (
        String::from_utf8_lossy(&text).into_owned(),
        out.status.success(),
    )
}

/// A pod id that differs by number.
pub fn pod(number: u128) -> PodId {
    PodId::from_entropy(number)
}

fn enter_new_namespaces() {
    // SAFETY: this thread shares no file-system state with others that rely on it, and it ends
    // before the test does.
    unsafe {
        rustix::thread::unshare_unsafe(
            UnshareFlags::NEWNET | UnshareFlags::NEWNS | UnshareFlags::FS,
        )
    }
    .unwrap();
    rustix::mount::mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .unwrap();
}

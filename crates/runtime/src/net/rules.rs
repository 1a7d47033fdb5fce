//! The static firewall table, and the accept rules for hosts where another firewall drops.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};
use rustix::io::Errno;

use super::netlink::Netlink;
use super::plan::{self, Reach};
use super::{Error, Subnet};

/// Addresses where clouds answer questions about the machine, keys included. Some clouds keep their
/// name servers there too, so port 53 stays open.
const METADATA: &str = "169.254.0.0/16, 100.100.100.200, 192.0.0.192";

/// Administration tools are often missing from an ordinary user's PATH under sudo.
const PATH: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/// What Docker makes when it starts.
const DOCKER_BRIDGE: &str = "docker0";

/// What is closed to pods that reach the internet only, and what is open in it all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Around {
    /// The networks around the machine; no range lies in another.
    pub closed: Vec<Subnet>,
    /// The name servers that pods were given; they may be asked for names, and for nothing else.
    pub name_servers: BTreeSet<Ipv4Addr>,
}

/// The rules of one agent's pods.
#[derive(Debug)]
pub(super) struct Rules {
    table: String,
    prefix: String,
    /// What the interfaces of pods that reach the internet only begin with.
    internet: String,
    subnet: Subnet,
    /// As it was when the table was installed.
    around: Mutex<Around>,
    /// Set once a firewall in iptables was found and told to let us pass.
    docker_served: AtomicBool,
}

impl Rules {
    pub fn new(name: &str, subnet: Subnet, around: Around) -> Self {
        Self {
            table: format!("livery_{name}"),
            prefix: plan::interface_prefix(name),
            internet: plan::prefix_of(name, Reach::Internet),
            subnet,
            around: Mutex::new(around),
            docker_served: AtomicBool::new(false),
        }
    }

    /// Installs the table in one transaction, in place of an older one.
    pub fn install(&self) -> Result<(), Error> {
        let around = self.lock();
        nft(&self.ruleset(&around))?;
        self.accept_through_iptables()
    }

    /// Puts the table back when somebody flushed the firewall, renews it when the machine is in other
    /// networks or has other name servers than before, and gets along with a Docker that was started
    /// after us.
    pub fn ensure(&self, host: &Netlink, mut now: Around) -> Result<(), Error> {
        let mut around = self.lock();
        // Pods that run go on asking the servers that they were given.
        now.name_servers.extend(&around.name_servers);
        let changed = *around != now;
        if changed {
            nft(&self.ruleset(&now))?;
            *around = now;
        }
        drop(around);
        if changed
            || table_exists(&self.table).map_err(Error::io("ask for the firewall's tables"))?
        {
            let is_new =
                !self.docker_served.load(Ordering::Relaxed) && host.link(DOCKER_BRIDGE)?.is_some();
            if is_new {
                self.accept_through_iptables()?;
            }
            return Ok(());
        }
        tracing::warn!(
            table = self.table,
            "the pod network's rules were gone; putting them back"
        );
        self.install()
    }

    pub fn remove(&self) -> Result<(), Error> {
        for chain in ["DOCKER-USER", "FORWARD"] {
            for rule in self.accept_rules() {
                // Each is deleted as often as it was added; failing means that none is left.
                while iptables("-D", chain, &rule).is_some_and(|out| out.status.success()) {}
            }
        }
        let table = &self.table;
        nft(&format!("table inet {table}\ndelete table inet {table}\n"))
    }

    fn lock(&self) -> MutexGuard<'_, Around> {
        self.around.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ruleset(&self, around: &Around) -> String {
        let Self {
            table,
            prefix,
            internet,
            subnet,
            ..
        } = self;
        let closed = listed(&around.closed);
        // A set may be empty where a list may not.
        let elements = match around.name_servers.is_empty() {
            true => String::new(),
            false => format!("elements = {{ {} }}", listed(&around.name_servers)),
        };
        format!(
            r#"table inet {table}
delete table inet {table}
table inet {table} {{
    set name_servers {{
        type ipv4_addr
        {elements}
    }}
    chain input {{
        type filter hook input priority filter - 10; policy accept;
        iifname != "{prefix}*" accept
        ct state established,related accept
        icmp type echo-request accept
        drop
    }}
    chain forward {{
        type filter hook forward priority filter - 10; policy accept;
        oifname "{prefix}*" ct state established,related accept
        oifname "{prefix}*" drop
        iifname != "{prefix}*" accept
        ip saddr != {subnet} drop
        meta nfproto ipv6 drop
        ct status dnat drop
        iifname "{internet}*" ip daddr @name_servers meta l4proto {{ tcp, udp }} th dport 53 accept
        iifname "{internet}*" ip daddr {{ {closed} }} drop
        ip daddr {{ {METADATA} }} meta l4proto {{ tcp, udp }} th dport 53 accept
        ip daddr {{ {METADATA}, {subnet} }} drop
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {subnet} oifname != "{prefix}*" masquerade
    }}
}}
"#
        )
    }

    /// Docker sets iptables' FORWARD policy to drop and lets others speak in DOCKER-USER.
    ///
    /// An accept in our own table is not the last word: a packet has to pass every table.
    fn accept_through_iptables(&self) -> Result<(), Error> {
        let Some(chain) = dropping_chain() else {
            return Ok(());
        };
        self.docker_served.store(true, Ordering::Relaxed);
        for rule in self.accept_rules() {
            if iptables("-C", chain, &rule).is_some_and(|out| out.status.success()) {
                continue;
            }
            if let Some(out) = iptables("-I", chain, &rule).filter(|out| !out.status.success()) {
                return Err(refused(&out));
            }
            tracing::info!(chain, ?rule, "added an accept rule to iptables");
        }
        Ok(())
    }

    fn accept_rules(&self) -> [Vec<String>; 2] {
        let ours = format!("{}+", self.prefix);
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        [
            words(&format!("-i {ours} -j ACCEPT")),
            words(&format!(
                "-o {ours} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
            )),
        ]
    }
}

/// Returns the chain of iptables in which forwarded packets must be accepted, if there is one.
fn dropping_chain() -> Option<&'static str> {
    if iptables("-S", "DOCKER-USER", &[])?.status.success() {
        return Some("DOCKER-USER");
    }
    let forward = iptables("-S", "FORWARD", &[])?;
    forward
        .stdout
        .starts_with(b"-P FORWARD DROP")
        .then_some("FORWARD")
}

/// Runs iptables; a host without it has no rules of its.
fn iptables(verb: &str, chain: &str, rule: &[String]) -> Option<Output> {
    Command::new("iptables")
        .args(["-w", verb, chain])
        .args(rule)
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .output()
        .ok()
}

fn nft(script: &str) -> Result<(), Error> {
    let run = || {
        let mut child = Command::new("nft")
            .args(["-f", "-"])
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(script.as_bytes())?;
        }
        child.wait_with_output()
    };
    let out = run().map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::MissingTool {
            tool: "nft",
            package: "nftables",
        },
        _ => Error::io("run nft")(source),
    })?;
    match out.status.success() {
        true => Ok(()),
        false => Err(refused(&out)),
    }
}

fn listed<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    all.join(", ")
}

fn refused(out: &Output) -> Error {
    Error::Rules {
        message: String::from_utf8_lossy(&out.stderr).trim().to_owned(),
    }
}

/// Asks the kernel for a table by name: one netlink message, some microseconds, where starting
/// `nft` for every pod would take milliseconds.
fn table_exists(table: &str) -> io::Result<bool> {
    const NFT_MSG_GETTABLE: u16 = (10 << 8) | 1;
    const NLM_F_REQUEST: u16 = 1;
    const NLMSG_ERROR: u16 = 2;
    const NFPROTO_INET: u8 = 1;
    const NFTA_TABLE_NAME: u16 = 1;
    const NLMSG_HEADER: usize = 16;

    let mut name = table.as_bytes().to_vec();
    name.push(0);
    // A name is some dozen characters (`check_name`), so neither length can be cut.
    let attribute = u16::try_from(4 + name.len()).map_err(io::Error::other)?;
    name.resize(name.len().next_multiple_of(4), 0);
    let total = u32::try_from(NLMSG_HEADER + 4 + 4 + name.len()).map_err(io::Error::other)?;

    let mut bytes = Vec::new();
    bytes.extend(total.to_ne_bytes());
    bytes.extend(NFT_MSG_GETTABLE.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    bytes.extend([0; 8]); // sequence and port: one question, one answer
    bytes.extend([NFPROTO_INET, 0, 0, 0]);
    bytes.extend(attribute.to_ne_bytes());
    bytes.extend(NFTA_TABLE_NAME.to_ne_bytes());
    bytes.extend(name);

    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(&bytes, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let kind = answer.get(4..6).ok_or_else(cut)?;
    if kind != NLMSG_ERROR.to_ne_bytes() {
        return Ok(true);
    }
    let code = answer.get(NLMSG_HEADER..NLMSG_HEADER + 4).ok_or_else(cut)?;
    let code = i32::from_ne_bytes(code.try_into().map_err(io::Error::other)?);
    match -code {
        code if code == Errno::NOENT.raw_os_error() => Ok(false),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

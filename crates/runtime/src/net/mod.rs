//! A network of its own for every pod: a namespace, a veth pair, outbound NAT and DNS.
//!
//! What a pod can reach: the outside, through the host's own address. What it cannot: other pods,
//! any port of the host (echo requests are answered, nothing else), published ports of other
//! containers on the host, and the metadata services that clouds keep on link-local addresses. A pod
//! whose [`Reach`] is the internet gets no further into the networks around the host than to its name
//! servers: not to private addresses nor to the networks that the host is on.
//!
//! How: one static nftables table per agent matches interface names by prefix, so that a pod costs
//! no firewall change; [`Network::attach`] speaks netlink directly and starts no process. Every
//! attach checks that the table still stands and puts it back if somebody flushed it.
//!
//! The namespace belongs to the host's user namespace and not to the pod's. So root inside a pod
//! can neither change addresses and routes nor forge packets. Two consequences for the runtime:
//! `sysfs` cannot be mounted afresh by the pod's user namespace (bind the host's read-only), and
//! ports below 1024 and `ping` are allowed by the namespace's own settings instead of capabilities.
//!
//! Side effects on the host, all said in the log: `net.ipv4.ip_forward` is switched on and left on;
//! where a firewall in iptables drops forwarded packets (Docker does), two accept rules for our
//! interfaces are added and [`Network::close`] removes them. A firewalld zone that rejects forwarding
//! has to be told by its owner.
//!
//! IPv6 is off inside pods for now.

mod error;
mod namespace;
mod netlink;
mod plan;
mod resolv;
mod rules;
mod sysctl;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use livery_units::PodId;

pub use self::error::Error;
use self::netlink::{Link, Netlink};
use self::plan::Plan;
pub use self::plan::{ParseSubnetError, Reach, Subnet};
use self::rules::{Around, Rules};

/// Name of the interface inside a pod.
const POD_INTERFACE: &str = "eth0";

/// MTU of Ethernet, for a host with no way outside.
const ETHERNET_MTU: u32 = 1500;

/// How an agent's pods are connected.
#[derive(Debug, Clone)]
pub struct Options {
    /// The addresses that pods are given, four per pod.
    pub subnet: Subnet,
    /// At most six lower-case letters or digits that begin every interface's name; two agents on
    /// one machine need two names and two subnets.
    pub name: String,
    /// The directory where the namespaces are kept as files.
    pub run_dir: PathBuf,
    /// Name servers to give to pods; when empty, the host's own.
    pub resolvers: Vec<IpAddr>,
}

impl Options {
    /// Returns the usual settings, keeping namespaces under `run_dir`.
    pub fn new(run_dir: PathBuf) -> Self {
        Self {
            subnet: Subnet::DEFAULT,
            name: "lvy".to_owned(),
            run_dir,
            resolvers: Vec::new(),
        }
    }
}

/// The network of one agent's pods.
#[derive(Debug)]
pub struct Network {
    options: Options,
    rules: Rules,
}

/// A pod's connection, whole and up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The namespace, to be joined by path.
    pub netns: PathBuf,
    /// The pod's address.
    pub address: Ipv4Addr,
    /// The text of the pod's `/etc/resolv.conf`.
    pub resolv_conf: String,
    /// The host's end of the pair, for counting bytes.
    pub host_if: String,
}

impl Network {
    /// Checks the options, switches forwarding on and installs the firewall table.
    ///
    /// Safe to call again after a restart: pods that run keep their connections.
    pub fn open(options: Options) -> Result<Self, Error> {
        plan::check_name(&options.name)?;
        let prefix = plan::interface_prefix(&options.name);
        plan::check_routes(options.subnet, &prefix, &sysctl::routes()?)?;
        std::fs::create_dir_all(&options.run_dir)
            .map_err(Error::io(format!("create {}", options.run_dir.display())))?;
        sysctl::switch_forwarding_on()?;
        // A host whose name servers pods cannot use says so when one is connected.
        let resolv_conf = resolv::for_pods(&options.resolvers).unwrap_or_default();
        let rules = Rules::new(
            &options.name,
            options.subnet,
            around(&prefix, &resolv_conf)?,
        );
        rules.install()?;
        Ok(Self { options, rules })
    }

    /// Connects a pod, or returns its connection when it has one.
    ///
    /// `slot` picks the addresses and the host's interface; a slot belongs to one pod at a time.
    pub fn attach(&self, pod: &PodId, slot: u16, reach: Reach) -> Result<Attachment, Error> {
        let plan = self.plan(slot, reach)?;
        let resolv_conf = resolv::for_pods(&self.options.resolvers)?;
        sysctl::switch_forwarding_on()?;
        let host = Netlink::open()?;
        let prefix = plan::interface_prefix(&self.options.name);
        self.rules.ensure(&host, around(&prefix, &resolv_conf)?)?;
        if !self.is_whole(&host, pod, &plan)? {
            self.clear(&host, pod, slot)?;
            if let Err(failure) = self.build(&host, pod, &plan) {
                // What was half made goes; the reason it failed matters more than this result.
                let _ = self.clear(&host, pod, slot);
                return Err(failure);
            }
        }
        Ok(Attachment {
            netns: self.netns_path(pod),
            address: plan.address,
            resolv_conf,
            host_if: plan.host_if,
        })
    }

    /// Disconnects a pod; disconnecting what is gone succeeds.
    ///
    /// A slot that meanwhile belongs to another pod is left alone.
    pub fn detach(&self, pod: &PodId, slot: u16) -> Result<(), Error> {
        let host = Netlink::open()?;
        match self.clear(&host, pod, slot) {
            Err(Error::SlotTaken { .. }) => namespace::remove(&self.netns_path(pod)),
            other => other,
        }
    }

    /// Removes the firewall table once no pod is connected; until then does nothing.
    pub fn close(&self) -> Result<(), Error> {
        let prefix = plan::interface_prefix(&self.options.name);
        let links = Netlink::open()?.links()?;
        if links.iter().any(|link| link.name.starts_with(&prefix)) {
            return Ok(());
        }
        self.rules.remove()
    }

    fn plan(&self, slot: u16, reach: Reach) -> Result<Plan, Error> {
        Plan::new(&self.options.name, self.options.subnet, slot, reach)
    }

    fn netns_path(&self, pod: &PodId) -> PathBuf {
        self.options.run_dir.join(pod.as_str())
    }

    /// The host's end is named after the pod and raised last, so an end that is up means that all
    /// before it was done.
    fn is_whole(&self, host: &Netlink, pod: &PodId, plan: &Plan) -> Result<bool, Error> {
        let Some(link) = host.link(&plan.host_if)? else {
            return Ok(false);
        };
        Ok(link.alias.as_deref() == Some(pod.as_str())
            && link.up
            && namespace::exists(&self.netns_path(pod))?)
    }

    fn build(&self, host: &Netlink, pod: &PodId, plan: &Plan) -> Result<(), Error> {
        let mtu = outbound_mtu(host)?;
        let (netns, inside) = namespace::create(&self.netns_path(pod))?;
        host.add_veth(&plan.host_if, POD_INTERFACE, &netns, mtu)?;
        sysctl::guard_host_interface(&plan.host_if)?;

        inside.raise(inside.expect_link("lo")?.index, None)?;
        let eth0 = inside.expect_link(POD_INTERFACE)?.index;
        inside.add_address(eth0, plan.address)?;
        inside.raise(eth0, None)?;

        let outer = host.expect_link(&plan.host_if)?.index;
        host.add_address(outer, plan.gateway)?;
        inside.add_default_route(eth0, plan.gateway)?;
        host.raise(outer, Some(pod.as_str()))
    }

    /// Takes away what there is in a slot, whatever its pod reaches.
    fn clear(&self, host: &Netlink, pod: &PodId, slot: u16) -> Result<(), Error> {
        for reach in [Reach::Everything, Reach::Internet] {
            let interface = self.plan(slot, reach)?.host_if;
            if let Some(Link { index, alias, .. }) = host.link(&interface)? {
                match alias {
                    Some(owner) if owner != pod.as_str() => {
                        return Err(Error::SlotTaken { interface, owner });
                    }
                    Some(_) | None => host.delete_link(index)?,
                }
            }
        }
        namespace::remove(&self.netns_path(pod))
    }
}

/// Looks at the networks around the machine, and at the name servers that a pod is given.
fn around(prefix: &str, resolv_conf: &str) -> Result<Around, Error> {
    Ok(Around {
        closed: plan::around(prefix, &sysctl::routes()?),
        name_servers: resolv::name_servers(resolv_conf).collect(),
    })
}

/// Larger packets than the way outside takes would be lost where path MTU discovery is filtered.
fn outbound_mtu(host: &Netlink) -> Result<u32, Error> {
    let Some(name) = sysctl::outbound_interface()? else {
        return Ok(ETHERNET_MTU);
    };
    let link = host.link(&name)?;
    Ok(link.and_then(|link| link.mtu).unwrap_or(ETHERNET_MTU))
}

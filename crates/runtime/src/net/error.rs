//! Why a pod could not be connected or disconnected.

use std::io;

use super::Subnet;

/// Why the network did not do what was asked, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name cannot begin an interface's name.
    #[error("`{name}` cannot name a pod network; use one to six lower-case letters or digits")]
    BadName {
        /// What was given.
        name: String,
    },
    /// The host already has a route inside the subnet, so packets would go astray.
    #[error(
        "pod network {subnet} is in use: {interface} has a route to {route}; give this host another pod subnet"
    )]
    SubnetInUse {
        /// The subnet asked for.
        subnet: Subnet,
        /// The network in the way.
        route: Subnet,
        /// The interface that leads there.
        interface: String,
    },
    /// The subnet has no addresses for that many pods.
    #[error(
        "pod network {subnet} has room for {slots} pods, and slot {slot} is beyond it; give this host a larger pod subnet"
    )]
    SlotOutOfRange {
        /// The subnet asked for.
        subnet: Subnet,
        /// The slot asked for.
        slot: u16,
        /// How many slots there are.
        slots: u32,
    },
    /// Another pod uses the slot.
    #[error("interface {interface} belongs to {owner}; detach that pod first or use another slot")]
    SlotTaken {
        /// The host's end of the pair.
        interface: String,
        /// The id of the pod that has it.
        owner: String,
    },
    /// The host resolves names through a service of its own that pods cannot reach.
    #[error(
        "the host's name server {resolver} is the host itself, which pods cannot reach, and no upstream server is known; name one in the host's settings"
    )]
    NoResolver {
        /// The first name server in the host's `/etc/resolv.conf`.
        resolver: String,
    },
    /// A program that the network needs is not installed.
    #[error("`{tool}` is not installed; run `apt-get install {package}` on this host")]
    MissingTool {
        /// The program.
        tool: &'static str,
        /// The package that has it on Debian and Ubuntu.
        package: &'static str,
    },
    /// The firewall did not accept the rules.
    #[error(
        "nft refused the pod network's rules: {message}; check that this kernel has nftables with NAT"
    )]
    Rules {
        /// What nft said.
        message: String,
    },
    /// This process may not configure networks.
    #[error("not allowed to {action}; the host agent has to run as root")]
    NotAllowed {
        /// What was tried.
        action: String,
    },
    /// The system refused a step.
    #[error("could not {action}: {source}")]
    System {
        /// What was tried.
        action: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Returns a function that gives an I/O error the action it broke.
    pub(super) fn io<E: Into<io::Error>>(action: impl Into<String>) -> impl FnOnce(E) -> Self {
        let action = action.into();
        move |source| {
            let source = source.into();
            match source.kind() {
                io::ErrorKind::PermissionDenied => Self::NotAllowed { action },
                _ => Self::System { action, source },
            }
        }
    }
}

//! Which addresses and names a pod gets: pure arithmetic.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Error;

/// Addresses in a /30: network, gateway, pod, broadcast.
const ADDRESSES_PER_POD: u32 = 4;

/// Longest name; with `-` and a slot of five digits it stays within an interface's 15 characters.
const MAX_NAME: usize = 6;

/// What the interfaces of pods that are kept from the machine's own networks are marked with; no slot
/// begins like this.
const INTERNET_MARK: &str = "i";

/// Addresses that are not on the internet: private networks, the shared range of providers and overlay
/// networks, link-local and loopback addresses, multicast and broadcast.
const LOCAL: [Subnet; 9] = [
    Subnet::of(0, 0, 8),
    Subnet::of(10, 0, 8),
    Subnet::of(100, 64, 10),
    Subnet::of(127, 0, 8),
    Subnet::of(169, 254, 16),
    Subnet::of(172, 16, 12),
    Subnet::of(192, 168, 16),
    Subnet::of(224, 0, 4),
    Subnet::of(240, 0, 4),
];

/// A route to more of the world than this is a way out, and no network of the machine's own.
const WIDEST_OWN: u8 = 8;

/// What of the world a pod reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// All that its machine reaches, but neither the machine itself nor other pods.
    Everything,
    /// The internet and the pod's name servers, but none of the networks around the machine.
    Internet,
}

/// A range of IPv4 addresses, as in `10.213.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    base: Ipv4Addr,
    prefix: u8,
}

/// Why a text is not a subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a subnet (write a network address and a length up to 30, as 10.213.0.0/16)")]
pub struct ParseSubnetError(String);

/// One entry of the host's routing table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub interface: String,
    pub to: Subnet,
    pub via: Via,
    pub metric: u32,
}

/// How a route leads to its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// Over another machine.
    Gateway,
    /// They are on the interface's own network.
    Link,
}

/// Names and addresses of one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub host_if: String,
    pub gateway: Ipv4Addr,
    pub address: Ipv4Addr,
}

impl Subnet {
    /// The usual range, rarely used by home and company networks.
    pub const DEFAULT: Self = Self {
        base: Ipv4Addr::new(10, 213, 0, 0),
        prefix: 16,
    };

    /// Every address.
    pub(super) const ALL: Self = Self {
        base: Ipv4Addr::UNSPECIFIED,
        prefix: 0,
    };

    const fn of(first: u8, second: u8, prefix: u8) -> Self {
        Self {
            base: Ipv4Addr::new(first, second, 0, 0),
            prefix,
        }
    }

    /// Makes a range from its first address and the length of its prefix.
    pub fn new(base: Ipv4Addr, prefix: u8) -> Option<Self> {
        let subnet = Self { base, prefix };
        (prefix <= 32 && base.to_bits() & !subnet.mask() == 0).then_some(subnet)
    }

    /// Returns whether every address of `other` is one of ours.
    pub fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix && other.base.to_bits() & self.mask() == self.base.to_bits()
    }

    fn mask(self) -> u32 {
        u32::MAX
            .checked_shl(32 - u32::from(self.prefix))
            .unwrap_or(0)
    }

    fn slots(self) -> u32 {
        (!self.mask() / ADDRESSES_PER_POD).saturating_add(1)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = ParseSubnetError;

    fn from_str(text: &str) -> Result<Self, ParseSubnetError> {
        let fail = || ParseSubnetError(text.to_owned());
        let (base, prefix) = text.trim().split_once('/').ok_or_else(fail)?;
        let base = base.parse().map_err(|_| fail())?;
        let prefix = prefix.parse().ok().filter(|p| (1..=30).contains(p));
        Self::new(base, prefix.ok_or_else(fail)?).ok_or_else(fail)
    }
}

impl Plan {
    /// Lays out a slot.
    pub fn new(name: &str, subnet: Subnet, slot: u16, reach: Reach) -> Result<Self, Error> {
        let slots = subnet.slots();
        if u32::from(slot) >= slots {
            return Err(Error::SlotOutOfRange {
                subnet,
                slot,
                slots,
            });
        }
        let first = subnet.base.to_bits() + u32::from(slot) * ADDRESSES_PER_POD;
        Ok(Self {
            host_if: format!("{}{slot}", prefix_of(name, reach)),
            gateway: Ipv4Addr::from_bits(first + 1),
            address: Ipv4Addr::from_bits(first + 2),
        })
    }
}

/// What the names of an agent's interfaces begin with; the dash keeps `a` apart from `ab`.
pub(super) fn interface_prefix(name: &str) -> String {
    format!("{name}-")
}

/// The same for those of pods of one reach: the firewall tells pods apart by their interfaces' names, so
/// that a pod costs no change of its rules.
pub(super) fn prefix_of(name: &str, reach: Reach) -> String {
    let mark = match reach {
        Reach::Everything => "",
        Reach::Internet => INTERNET_MARK,
    };
    format!("{}{mark}", interface_prefix(name))
}

/// Returns the ranges that are closed to pods which reach the internet only: local addresses, and the
/// networks that the machine is on itself, whatever their addresses. No range lies in another.
pub(super) fn around(prefix: &str, routes: &[Route]) -> Vec<Subnet> {
    let own = routes.iter().filter(|route| {
        route.via == Via::Link
            && route.to.prefix >= WIDEST_OWN
            && !route.interface.starts_with(prefix)
    });
    let mut closed: Vec<Subnet> = Vec::new();
    for range in LOCAL.into_iter().chain(own.map(|route| route.to)) {
        if !closed.iter().any(|wider| wider.contains(range)) {
            closed.retain(|narrower| !range.contains(*narrower));
            closed.push(range);
        }
    }
    closed
}

pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let fits = (1..=MAX_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    match fits {
        true => Ok(()),
        false => Err(Error::BadName {
            name: name.to_owned(),
        }),
    }
}

/// Refuses a subnet when somebody else's route lies inside it. A wider route, such as a company's
/// 10.0.0.0/8, is no obstacle: ours are more specific.
pub(super) fn check_routes(subnet: Subnet, prefix: &str, routes: &[Route]) -> Result<(), Error> {
    let foreign = routes
        .iter()
        .find(|route| subnet.contains(route.to) && !route.interface.starts_with(prefix));
    match foreign {
        None => Ok(()),
        Some(route) => Err(Error::SubnetInUse {
            subnet,
            route: route.to,
            interface: route.interface.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn slots_do_not_overlap_and_end_with_the_subnet() {
        let net = subnet("10.9.8.0/24");
        let plan = |slot| Plan::new("lvy", net, slot, Reach::Everything);
        let last = plan(63).unwrap();
        assert_eq!(last.address, Ipv4Addr::new(10, 9, 8, 254));
        assert_eq!(last.host_if, "lvy-63");
        assert_eq!(plan(1).unwrap().gateway, Ipv4Addr::new(10, 9, 8, 5));
        assert!(matches!(
            plan(64),
            Err(Error::SlotOutOfRange { slots: 64, .. })
        ));
        assert!(Plan::new("lvy", Subnet::DEFAULT, 16_383, Reach::Internet).is_ok());
    }

    #[test]
    fn the_longest_interface_name_fits_the_kernel() {
        let net = subnet("10.0.0.0/8");
        let plan = Plan::new("abcdef", net, u16::MAX, Reach::Internet).unwrap();
        assert!(plan.host_if.len() <= 15, "{}", plan.host_if);
    }

    #[test]
    fn broken_subnets_and_names_are_refused() {
        for text in [
            "10.0.0.0",
            "10.0.0.1/24",
            "10.0.0.0/31",
            "10.0.0.0/0",
            "x/8",
            "",
        ] {
            assert!(text.parse::<Subnet>().is_err(), "{text}");
        }
        for name in ["", "Lvy", "toolong", "a-b", "a*"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_route_inside_the_subnet_is_a_clash_and_a_wider_or_own_one_is_not() {
        let route = |interface: &str, to: &str| Route {
            interface: interface.to_owned(),
            to: subnet(to),
            via: Via::Link,
            metric: 0,
        };
        let net = Subnet::DEFAULT;
        let fine = [
            route("eth0", "10.0.0.0/8"),
            route("eth0", "10.214.0.0/16"),
            route("lvy-7", "10.213.0.28/30"),
        ];
        assert!(check_routes(net, "lvy-", &fine).is_ok());
        let clash = [route("vpn0", "10.213.4.0/24")];
        assert!(matches!(
            check_routes(net, "lvy-", &clash),
            Err(Error::SubnetInUse { .. })
        ));
    }

    #[test]
    fn what_is_around_a_machine_is_closed_and_the_internet_is_not() {
        let route = |interface: &str, to: &str, via| Route {
            interface: interface.to_owned(),
            to: subnet(to),
            via,
            metric: 0,
        };
        let closed = around(
            "lvy-",
            &[
                // A laboratory's own public addresses, a home network, a default route on a link.
                route("eth0", "203.0.113.0/24", Via::Link),
                route("eth1", "192.168.1.0/24", Via::Link),
                route("tun0", "128.0.0.0/1", Via::Link),
                route("eth0", "198.51.100.0/24", Via::Gateway),
                route("wide0", "100.0.0.0/9", Via::Link),
                route("lvy-7", "11.0.0.28/30", Via::Link),
            ],
        );
        let is_closed = |address: &str| {
            let address = subnet(&format!("{address}/30"));
            closed.iter().any(|range| range.contains(address))
        };
        for address in [
            "203.0.113.8",
            "192.168.1.8",
            "10.1.2.0",
            "172.31.255.0",
            "100.64.0.0",
            "100.100.0.0",
            "169.254.169.252",
            "127.0.0.0",
            "224.0.0.0",
            "255.255.255.252",
        ] {
            assert!(is_closed(address), "{address}");
        }
        for address in [
            "1.1.1.0",
            "198.51.100.0",
            "130.0.0.0",
            "172.32.0.0",
            "192.169.0.0",
            "11.0.0.28",
        ] {
            assert!(!is_closed(address), "{address}");
        }
        // The firewall takes no range twice.
        for one in &closed {
            assert_eq!(
                closed.iter().filter(|other| one.contains(**other)).count(),
                1
            );
        }
    }
}

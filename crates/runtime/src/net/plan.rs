//! Which addresses and names a pod gets: pure arithmetic.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::Error;

/// Addresses in a /30: network, gateway, pod, broadcast.
const ADDRESSES_PER_POD: u32 = 4;

/// Longest name; with `-` and a slot of five digits it stays within an interface's 15 characters.
const MAX_NAME: usize = 6;

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
    pub metric: u32,
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
    pub fn new(name: &str, subnet: Subnet, slot: u16) -> Result<Self, Error> {
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
            host_if: format!("{}{slot}", interface_prefix(name)),
            gateway: Ipv4Addr::from_bits(first + 1),
            address: Ipv4Addr::from_bits(first + 2),
        })
    }
}

/// What the names of an agent's interfaces begin with; the dash keeps `a` apart from `ab`.
pub(super) fn interface_prefix(name: &str) -> String {
    format!("{name}-")
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
        let last = Plan::new("lvy", net, 63).unwrap();
        assert_eq!(last.address, Ipv4Addr::new(10, 9, 8, 254));
        assert_eq!(last.host_if, "lvy-63");
        assert_eq!(
            Plan::new("lvy", net, 1).unwrap().gateway,
            Ipv4Addr::new(10, 9, 8, 5)
        );
        assert!(matches!(
            Plan::new("lvy", net, 64),
            Err(Error::SlotOutOfRange { slots: 64, .. })
        ));
        assert!(Plan::new("lvy", Subnet::DEFAULT, 16_383).is_ok());
    }

    #[test]
    fn the_longest_interface_name_fits_the_kernel() {
        let plan = Plan::new("abcdef", subnet("10.0.0.0/8"), u16::MAX).unwrap();
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
}

//! What is read from and written to `/proc`: routes, forwarding, per-interface guards.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use super::plan::{Route, Via};
use super::{Error, Subnet};

const IP_FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

/// Lets the kernel pass packets between interfaces, and says so when it did not before.
pub(super) fn switch_forwarding_on() -> Result<(), Error> {
    let now = fs::read_to_string(IP_FORWARD).map_err(Error::io(format!("read {IP_FORWARD}")))?;
    if now.trim() == "1" {
        return Ok(());
    }
    write(IP_FORWARD, "1")?;
    tracing::info!("switched net.ipv4.ip_forward on, so that pods reach the outside");
    Ok(())
}

/// Makes the host's end of a pair deaf to IPv6 and to packets with a forged source.
pub(super) fn guard_host_interface(interface: &str) -> Result<(), Error> {
    write(
        &format!("/proc/sys/net/ipv4/conf/{interface}/rp_filter"),
        "1",
    )?;
    write_if_present(
        &format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6"),
        "1",
    )
}

/// Sets up the calling thread's network namespace for a pod.
pub(super) fn guard_namespace() -> Result<(), Error> {
    for scope in ["all", "default"] {
        write_if_present(
            &format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"),
            "1",
        )?;
    }
    // Root in a pod has no capability over this namespace: these two stand in for
    // CAP_NET_BIND_SERVICE and for the raw sockets that ping would want.
    write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")?;
    write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")
}

/// Returns the interface that leads outside, if one does.
pub(super) fn outbound_interface() -> Result<Option<String>, Error> {
    let outbound = routes()?
        .into_iter()
        .filter(|route| route.to == Subnet::ALL)
        .min_by_key(|route| route.metric);
    Ok(outbound.map(|route| route.interface))
}

/// Returns the host's IPv4 routes.
pub(super) fn routes() -> Result<Vec<Route>, Error> {
    // `/proc/net` would be that of the process's first thread.
    let path = "/proc/thread-self/net/route";
    let text = fs::read_to_string(path).map_err(Error::io(format!("read {path}")))?;
    Ok(text.lines().skip(1).filter_map(parse_route).collect())
}

/// Reads `Iface Destination Gateway Flags RefCnt Use Metric Mask ...`, addresses in hexadecimal
/// with the bytes as they lie in memory.
fn parse_route(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let address = |text: &str| {
        let raw = u32::from_str_radix(text, 16).ok()?;
        Some(Ipv4Addr::from(raw.to_ne_bytes()))
    };
    const THROUGH_A_GATEWAY: u32 = 2;
    let flags = u32::from_str_radix(fields.get(3)?, 16).ok()?;
    let via = match flags & THROUGH_A_GATEWAY {
        0 => Via::Link,
        _ => Via::Gateway,
    };
    let mask = address(fields.get(7)?)?.to_bits();
    let prefix = u8::try_from(mask.leading_ones()).ok()?;
    Some(Route {
        interface: (*fields.first()?).to_owned(),
        to: Subnet::new(address(fields.get(1)?)?, prefix)?,
        via,
        metric: fields.get(6)?.parse().ok()?,
    })
}

fn write_if_present(path: &str, value: &str) -> Result<(), Error> {
    match Path::new(path).exists() {
        true => write(path, value),
        false => Ok(()),
    }
}

fn write(path: &str, value: &str) -> Result<(), Error> {
    let done: io::Result<()> = fs::write(path, value);
    done.map_err(Error::io(format!("write {value} to {path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_routing_table_is_read() {
        let default = parse_route("eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0");
        assert_eq!(
            default,
            Some(Route {
                interface: "eth0".to_owned(),
                to: Subnet::ALL,
                via: Via::Gateway,
                metric: 100,
            })
        );
        let net = u32::from_ne_bytes([192, 0, 2, 0]);
        let mask = u32::from_ne_bytes([255, 255, 255, 0]);
        let line = format!("eth0 {net:08X} 00000000 0001 0 0 0 {mask:08X} 0 0 0");
        let own = parse_route(&line).unwrap();
        assert_eq!(
            (own.to, own.via),
            ("192.0.2.0/24".parse().unwrap(), Via::Link)
        );
        assert_eq!(parse_route("garbage"), None);
    }
}

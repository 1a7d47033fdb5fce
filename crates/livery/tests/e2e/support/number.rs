//! A number for a test's addresses and names.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

/// Reserves a number that no other test has, in this process or another: a bound name in the
/// kernel, which leaves nothing behind.
pub fn reserve() -> (u8, UnixListener) {
    let bind = |number: u8| {
        let name = format!("livery-e2e-{number}");
        let address = SocketAddr::from_abstract_name(name).unwrap();
        Some((number, UnixListener::bind_addr(&address).ok()?))
    };
    (0..=u8::MAX).find_map(bind).unwrap()
}

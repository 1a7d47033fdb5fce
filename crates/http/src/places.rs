//! How many connections there may be at once: in all, so that files can always be opened, and from one
//! address, so that nobody takes them all.

use rustix::process::{Resource, getrlimit};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections are not more than these, however many files may be open.
const TOTAL_MAX: usize = 4_096;

/// One address has this part of the places, and all of them together this part of the open files.
const EACH_PART: usize = 8;
const FILES_PART: u64 = 4;

/// Files that may be open where there is no limit.
const FILES_UNLIMITED: u64 = 1 << 20;

/// The places for connections; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    total: usize,
    /// The most of one address; a caller without one is on this machine, and has them all.
    each: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by: HashMap<IpAddr, usize>,
}

impl Places {
    /// Makes places for as many connections as this process may keep open besides its other files.
    pub(crate) fn of_this_machine() -> Self {
        let files = getrlimit(Resource::Nofile).current;
        let total = files.unwrap_or(FILES_UNLIMITED) / FILES_PART;
        let total = usize::try_from(total)
            .unwrap_or(TOTAL_MAX)
            .clamp(1, TOTAL_MAX);
        Self::new(total, total.div_ceil(EACH_PART))
    }

    fn new(total: usize, each: usize) -> Self {
        Self(Arc::new(Inner {
            total,
            each,
            taken: Mutex::default(),
        }))
    }

    /// Takes a place for a connection from there; none when there is none left.
    pub(crate) fn take(&self, from: Option<IpAddr>) -> Option<Place> {
        let from = from.map(neighbourhood);
        let mut taken = self.0.lock();
        let has = from.and_then(|from| taken.by.get(&from).copied());
        let is_full = if taken.total >= self.0.total {
            Some("there are too many connections")
        } else if has.unwrap_or(0) >= self.0.each {
            Some("there are too many connections from one address")
        } else {
            None
        };
        if let Some(why) = is_full {
            tracing::debug!(?from, why, "a connection was closed at once");
            return None;
        }
        taken.total += 1;
        if let Some(from) = from {
            *taken.by.entry(from).or_default() += 1;
        }
        Some(Place {
            places: Arc::clone(&self.0),
            from,
        })
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Inner>,
    from: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.total = taken.total.saturating_sub(1);
        let Some(from) = self.from else { return };
        if let Some(count) = taken.by.get_mut(&from) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.by.remove(&from);
            }
        }
    }
}

/// Returns what counts as one address: of IPv6, the network that is given to one customer.
fn neighbourhood(address: IpAddr) -> IpAddr {
    const NETWORK: u128 = !0 << 64;
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & NETWORK).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_its_part_and_all_have_the_whole() {
        let places = Places::new(3, 2);
        let at = |text: &str| Some(text.parse().unwrap());
        let first = places.take(at("192.0.2.1"));
        let second = places.take(at("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(places.take(at("192.0.2.1")).is_none());
        let other = places.take(at("2001:db8::1"));
        assert!(other.is_some());
        assert!(places.take(None).is_none(), "that was the last one");
        drop(first);
        let again = places.take(at("192.0.2.1"));
        assert!(again.is_some());
        drop((second, other, again));
        assert!(places.0.lock().by.is_empty());
        let network = ["2001:db8::1", "2001:db8::2"].map(|text| places.take(at(text)));
        assert!(network.iter().all(Option::is_some));
        assert!(places.take(at("2001:db8::ffff")).is_none());
        let unix = places.take(None);
        assert!(unix.is_some() && places.take(None).is_none());
    }
}

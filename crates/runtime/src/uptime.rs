//! The machine's uptime: a clock that nobody can set and that goes on while the machine sleeps.

use livery_units::Span;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::process::boot_id;

/// A moment in one boot of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Uptime {
    boot: String,
    millis: u64,
}

impl Uptime {
    /// Returns the present moment.
    pub fn now() -> Self {
        Self {
            boot: boot_id(),
            millis: millis(),
        }
    }

    /// Returns how long ago it was; none when the machine was started anew since.
    pub fn ago(&self) -> Option<Span> {
        let is_this_boot = !self.boot.is_empty() && self.boot == boot_id();
        is_this_boot.then(|| Span::from_millis(millis().saturating_sub(self.millis)))
    }
}

fn millis() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let secs = u64::try_from(now.tv_sec).unwrap_or(0);
    secs * 1_000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_is_as_long_ago_as_has_passed_in_this_boot() {
        let then = Uptime::now();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let ago = then.ago().unwrap();
        assert!(ago >= Span::from_millis(19), "{ago}");
        let another = Uptime {
            boot: "another".to_owned(),
            ..then
        };
        assert_eq!(another.ago(), None);
    }
}

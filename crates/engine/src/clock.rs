//! Where "now" comes from: the one place above the pure floors that reads a clock.

use async_trait::async_trait;
use livery_units::{Moment, Span, Steady, Timestamp};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of the present time, and of waiting for a later one.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the present time.
    fn now(&self) -> Timestamp;

    /// Returns what a clock shows now that nobody can set; none where there is none.
    fn steady(&self) -> Option<Steady> {
        None
    }

    /// Returns the present moment by both clocks.
    fn moment(&self) -> Moment {
        Moment {
            wall: self.now(),
            steady: self.steady(),
        }
    }

    /// Waits that long; by the machine's own time unless the clock has another.
    async fn sleep(&self, span: Span) {
        tokio::time::sleep(span.to_std()).await;
    }
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// The machine's uptime: it goes on while the machine sleeps, and whoever runs on it reads the same.
    fn steady(&self) -> Option<Steady> {
        static BOOT: OnceLock<Option<i64>> = OnceLock::new();
        let clock = (*BOOT.get_or_init(boot))?;
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let shows = parse_uptime(&uptime)?;
        Some(Steady { clock, shows })
    }
}

/// Returns a number for this start of the machine.
fn boot() -> Option<i64> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = id
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(15)
        .collect();
    i64::from_str_radix(&digits, 16).ok()
}

/// Reads `12345.67 54321.00`: seconds with two decimals.
fn parse_uptime(text: &str) -> Option<Span> {
    let (secs, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    let secs: u64 = secs.parse().ok()?;
    let hundredths: u64 = hundredths.parse().ok()?;
    Some(Span::from_millis(
        secs.checked_mul(1_000)? + hundredths * 10,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_is_read() {
        let read = |text| parse_uptime(text).map(Span::millis);
        assert_eq!(read("12345.67 54321.00\n"), Some(12_345_670));
        assert_eq!(read("0.05 0.00"), Some(50));
        assert_eq!((read(""), read("12 3")), (None, None));
    }

    #[test]
    fn the_machine_has_a_steady_clock() {
        let (one, other) = (SystemClock.steady().unwrap(), SystemClock.steady().unwrap());
        assert_eq!(one.clock, other.clock);
        assert!(one.shows <= other.shows);
    }
}

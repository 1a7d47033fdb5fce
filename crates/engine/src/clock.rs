//! Where "now" comes from: the one place above the pure floors that reads a clock.

use async_trait::async_trait;
use livery_units::{Span, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of the present time, and of waiting for a later one.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the present time.
    fn now(&self) -> Timestamp;

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
}

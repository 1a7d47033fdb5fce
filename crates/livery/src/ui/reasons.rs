//! Why something that is waited for does not come, said while it is waited for.

use super::say;
use livery_api::WAIT_MAX_MS;
use std::time::Duration;

/// How long it may take until a reason is said that comes up during the wait.
const LOOK_EVERY_MS: u64 = 2_000;

/// The reasons that were said already.
#[derive(Debug)]
pub struct Reasons {
    last: Option<String>,
}

impl Reasons {
    /// Says whatever comes up besides what was there before the wait.
    pub fn besides(known: Option<String>) -> Self {
        Self { last: known }
    }

    /// Returns for how long to wait before the next look, in milliseconds.
    pub fn wait_ms(&self, left: Duration) -> u64 {
        let left = u64::try_from(left.as_millis()).unwrap_or(WAIT_MAX_MS);
        left.min(LOOK_EVERY_MS).min(WAIT_MAX_MS)
    }

    /// Says a reason that is news.
    pub fn tell(&mut self, what: &str, reason: Option<String>) {
        if let Some(text) = reason.as_ref().filter(|_| reason != self.last) {
            say(&format!("{what}: {text}"));
        }
        self.last = reason;
    }
}

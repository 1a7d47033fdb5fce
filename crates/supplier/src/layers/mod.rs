//! Wrappers around any supplier: what every adapter needs and none should contain.

mod retry;
mod timeout;
mod traced;
mod volumes;

pub use retry::Retry;
pub use timeout::Timeout;
pub use traced::Traced;

//! Floor 0: the words that every other crate speaks in.
//!
//! Ids, money, rates, bytes, time, secrets and content hashes, each a type of its own so that a
//! pod's id cannot be passed for a run's and a dollar cannot be added to a byte; and what makes text
//! of others safe to print. Nothing here does I/O, reads a clock or draws a random number: entropy
//! and "now" come in as parameters.

mod bytes;
mod count;
mod day;
mod hash;
mod id;
mod moment;
mod money;
mod rate;
mod secret;
pub mod text;
mod time;

pub use bytes::{Bytes, ParseBytesError};
pub use count::counted;
pub use day::{Day, ParseDayError};
pub use hash::{ContentHash, ParseHashError};
pub use id::{
    AccountId, ClaimToken, HostId, LaunchKey, MeterId, OfferId, ParseIdError, PlaneId, PodId,
    RunId, TaskId, TransferId, VolumeId,
};
pub use moment::{Moment, Steady};
pub use money::{Money, MoneyError, ParseMoneyError};
pub use rate::{Per, Rate};
pub use secret::Secret;
pub use time::{ParseSpanError, Span, Timestamp};

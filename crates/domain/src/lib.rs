//! Floor 1: the pure core.
//!
//! Offers, the market, placement, pods and their policies, volumes, orphans, runs and their steps, the
//! gate, credit, reminders. Functions here take values and `now` and return values; nothing reads a
//! clock, a file or a socket, and nothing logs. The functions that decide ([`pod::plan`],
//! [`pod::due`], [`run::after`], [`gate::judge`]) return closed enums that other floors obey.

pub mod account;
mod counted;
pub mod credit;
pub mod env;
pub mod gate;
pub mod gpu;
pub mod job;
pub mod market;
pub mod needs;
pub mod offer;
pub mod orphan;
pub mod placement;
pub mod pod;
pub mod registry;
pub mod reminder;
pub mod run;
pub mod volume;
pub mod whole;

pub use counted::Counted;

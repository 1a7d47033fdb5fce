//! Floor 1: money as append-only double entry, in two phases.
//!
//! A launch places a [`hold`], metering posts [`charge`]s against it, and the end [`void`]s the
//! rest. Every movement is a [`Transfer`] between two [`Book`]s, so the sum of all books is always
//! zero. Ids are derived from what a transfer is for: posting it again changes nothing.

mod book;
mod check;
mod meter;
mod movement;
mod receipt;
mod transfer;

pub use book::{Book, ParseBookError};
pub use check::{Imbalance, balances, check};
pub use meter::Meter;
pub use movement::{Party, charge, hold, top_up, void};
pub use receipt::{Line, Receipt, receipt};
pub use transfer::{Kind, ParseKindError, Transfer};

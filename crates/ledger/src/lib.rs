//! Floor 1: money as append-only double entry, in two phases.
//!
//! A launch places a [`hold`], [`Meter`]s post [`charge`]s against it as [`plan`] decides, and the
//! end [`void`]s the rest. Every movement is a [`Transfer`] between two [`Book`]s, so the sum of all books is always
//! zero. Ids are derived from what a transfer is for: posting it again changes nothing.

mod book;
mod check;
mod days;
mod derive;
mod item;
mod meter;
mod movement;
mod plan;
mod receipt;
mod transfer;

pub use book::{Book, ParseBookError};
pub use check::{Checker, Imbalance, balances, check};
pub use item::{Item, ParseItemError};
pub use meter::{Meter, Subject};
pub use movement::{Party, charge, hold, top_up, void};
pub use plan::{Change, Stretch, Then, plan};
pub use receipt::{Line, Receipt, receipt};
pub use transfer::{Kind, ParseKindError, Transfer};

//! Credit: who may spend, and what happens when an account has none left.

mod spend;

pub(crate) use spend::{may_spend, may_start};

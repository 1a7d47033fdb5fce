//! A run with a user in front of it: steps and the job's output as they come, Ctrl-C, reconnecting.

mod follow;
pub mod log;
mod patience;
pub mod steps;

pub use follow::{Followed, follow};

//! A run with a user in front of it: handed in, its steps and the job's output as they come, Ctrl-C,
//! reconnecting.

mod cancelling;
mod follow;
pub mod log;
mod patience;
pub mod steps;
mod submitting;

pub use cancelling::Left;
pub use follow::{Followed, Start, follow};
pub use submitting::{Submitted, submit};

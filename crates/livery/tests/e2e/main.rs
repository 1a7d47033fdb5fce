//! The whole product as its users meet it: the binary, real pods, and nothing left afterwards.
//!
//! Every test has a control plane of its own, with its own data, addresses and names, so that they
//! run beside each other. They need root and say so where it is missing.

#![allow(
    clippy::print_stdout,
    reason = "says why a test was skipped and what was survived"
)]

#[allow(
    dead_code,
    reason = "the soak stands on the same, and uses other parts of it"
)]
mod support;

mod again;
mod bad_input;
mod billing;
mod content;
mod database_away;
mod disk_full;
mod faults;
mod hung;
mod images;
mod isolation;
mod leaving;
mod panic;
mod planes;
mod pods;
mod policies;
mod remembers;
mod reminders;
mod run_ends;
mod runs;
mod shell;
mod volumes;

//! Pods as the agent uses them, on the real kernel. They need root and say so where it is missing.

#![allow(clippy::print_stdout, reason = "says why a test was skipped")]

mod bench;
mod calls;
mod exec;
mod faults;
mod image;
mod isolation;
mod lifecycle;
mod limits;
mod volumes;

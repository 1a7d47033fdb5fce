//! The command line itself: help, mistakes, exit codes, JSON, and control planes that come and go.
//!
//! Nothing here makes a pod, so nothing here needs root: every control plane runs without a host.

#![allow(clippy::print_stdout, reason = "a test that is skipped says why")]

mod answers;
mod catalog;
#[path = "../../../notify/tests/suite/certificate.rs"]
mod certificate;
mod config;
mod errors;
mod help;
mod job_files;
mod market;
mod plane;
mod private;
mod registry;
mod reminders;
mod servers;
mod shapes;
mod web;

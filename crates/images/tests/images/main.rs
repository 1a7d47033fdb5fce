//! Images from a real registry, from layouts and from archives, good and bad.

#![allow(clippy::print_stderr, reason = "says why a test was skipped")]

mod build;
mod from_files;
mod from_registry;
mod hostile;
mod hostile_registry;
mod leave;
mod reach;
mod scripted;
mod store;
mod support;

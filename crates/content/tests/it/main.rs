//! Whole paths through the crate: directories in, stores between, directories out.
#![allow(clippy::print_stderr, reason = "says why a test was skipped")]

mod collecting;
mod disk_full;
mod escapes;
mod owned;
mod recovery;
mod scanning;
mod store;
mod support;
mod trees;

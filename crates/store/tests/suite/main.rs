//! The store's behaviour, the same on SQLite and PostgreSQL.

#![allow(
    clippy::print_stdout,
    reason = "skip reasons, and what a child tells its parent"
)]

mod claims;
mod crash;
mod database;
mod events;
mod files;
mod migrations;
mod money;
mod orphans;
mod pods;
mod rows;
mod runs;
mod samples;

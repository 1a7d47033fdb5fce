//! The store's behaviour, the same on SQLite and PostgreSQL.

#![allow(
    clippy::print_stdout,
    reason = "skip reasons, and what a child tells its parent"
)]

mod activity;
mod claims;
mod crash;
mod credit;
mod database;
mod deliveries;
mod events;
mod files;
mod holds;
mod kept;
mod meters;
mod migrations;
mod money;
mod orphans;
mod pods;
mod registry_logins;
mod reminders;
mod rows;
mod runs;
mod samples;
mod seats;
mod statements;
mod unreadable;
mod volumes;

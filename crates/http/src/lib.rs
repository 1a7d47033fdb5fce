//! Floor 5: the native REST API, served over the engine.
//!
//! - One file per resource in [`routes`]; every route stands in one table with who may use it.
//! - Who is calling is decided once per connection ([`Via`]) and once per request ([`Caller`]): on
//!   a unix socket the kernel says it, over TCP a token must.
//! - Every error leaves as a `Problem` (`error.rs`).
//! - A request that changes something is done to its end, whatever becomes of its connection
//!   (`work.rs`); a connection of which nothing comes is ended (`connection.rs`).
//!
//! Nothing here decides anything about pods, runs or money: that is the engine's.

mod app;
mod auth;
mod body;
mod connection;
mod convert;
mod error;
mod pace;
mod places;
pub mod routes;
mod server;
mod turns;
mod work;

pub use app::{App, AppOptions};
pub use auth::{Access, Caller, Via};
pub use server::{serve_tcp, serve_unix};

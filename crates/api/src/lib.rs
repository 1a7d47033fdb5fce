//! Floor 2: Livery's own REST API, its types and its client.
//!
//! - [`dto`] has what travels: plain data, JSON on the wire. The server converts domain values into
//!   these ([`dto::Pod::from`] and the like); the client hands them to whoever asked.
//! - [`Client`] speaks to a control plane over a unix socket, over plain TCP or over TLS, always
//!   HTTP/2, so that a terminal's bytes can flow both ways at once.
//! - [`Problem`] is the one shape of every error: a stable code, a message and a hint.
//!
//! Both sides say which version of the API they speak in the header [`PROTOCOL_HEADER`] of every
//! message; another version is refused by name.

mod client;
pub mod csv;
pub mod dto;
mod error;
mod problem;
mod read;
mod target;
mod text;

pub use client::{Client, Duplex, RunLog};
pub use error::Error;
pub use problem::{Code, Problem};
pub use target::{ParseTargetError, Target};

/// Version of this API; a client and a server of different versions refuse one another by name.
pub const PROTOCOL: u32 = 1;

/// The header in which both sides say which version of the API they speak.
pub const PROTOCOL_HEADER: &str = "livery-protocol";

/// The header that says at which offset a log begins whose first part was cut.
pub const LOG_START_HEADER: &str = "livery-log-start";

/// A stream of bytes that may break.
pub type ByteStream = futures_util::stream::BoxStream<'static, Result<bytes::Bytes, Error>>;

/// The longest that a server holds a long poll open, in milliseconds.
pub const WAIT_MAX_MS: u64 = 30_000;

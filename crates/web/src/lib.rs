//! Floor 2: HTTP/1.1 to servers of others.
//!
//! Whatever a server sends is read up to a bound that the caller says, no redirect is followed
//! unless the caller does it, and no proxy is asked. With [`Reach::Public`] only addresses of the
//! public internet are connected to: the address is judged after the name was looked up, and that
//! address and no other is connected to.

mod address;
mod body;
mod client;
mod connection;
mod error;
mod fetch;
mod url;

pub use address::{Reach, check_literal, is_public, resolve};
pub use body::Body;
pub use client::{Answer, Client, Request};
pub use error::Error;
pub use fetch::{FetchError, fetch};
pub use url::{Scheme, Url};

/// How this program names itself to servers.
pub const AGENT: &str = concat!("livery/", env!("CARGO_PKG_VERSION"));

//! Floor 2: the host agent's API, spoken over any byte stream.
//!
//! The control plane is the HTTP/2 *client* and the agent the *server*, whichever of the two opened
//! the stream: a unix socket, an in-process pipe, a connection that the agent dialled out, or the
//! stdio of an `ssh` into a rented machine. What is written against [`Host`] works on all of them.
//!
//! - [`Host`] is the whole surface as one trait; the agent implements it, [`HostClient`] speaks to it.
//! - [`serve`] serves a [`Host`] on one byte stream, [`serve_listener`] on a unix socket.
//! - [`frame`] is the codec of interactive sessions (exec), the same from the terminal to the pod.
//! - [`HostDirectory`] is where a control plane keeps the hosts that are connected to it.

mod client;
mod convert;
mod directory;
pub mod dto;
mod error;
pub mod frame;
mod host;
mod routes;
mod server;
mod stream;

pub use client::{ByteIo, Connector, HostClient, UnixConnector};
pub use convert::{ConvertError, gpu_groups};
pub use directory::HostDirectory;
pub use error::Error;
pub use host::{ByteStream, Follow, Host, LogStream};
pub use server::{serve, serve_listener};

/// Version of this API; both sides refuse another one by name.
///
/// Unknown fields are ignored, so whatever one side must not overlook raises it: version 2 says where a
/// network volume is mounted (version 1 would put it at `/workspace`, and what is meant for it elsewhere),
/// version 3 whose a pod is (version 2 would let a stranger's image reach the host's own network).
pub const PROTOCOL: u32 = 3;

//! `serve` and `host`: the long-lived processes, how they are started, and how they are ended.
//!
//! - [`control_plane`] puts the parts together: store, content, agent, suppliers, engine, API.
//! - [`host_agent`] makes the agent, inside the control plane or as a process of its own.
//! - [`background`] starts either as a daemon; [`sudo`] where an ordinary user needs root for it.
//! - [`lock`] keeps it to one process per data directory.

pub mod background;
pub mod control_plane;
pub mod host_agent;
mod host_link;
pub mod lock;
pub mod log_args;
mod logging;
mod plane_id;
pub mod process;
mod ranges;
mod registry_args;
pub mod stop;
pub mod sudo;

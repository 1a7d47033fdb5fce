//! Interactive sessions: commands on pipes or on a terminal, and ports.

mod command;
mod forward;
mod input;
mod terminal;

pub(crate) use command::exec;
pub(crate) use forward::{forward, pid};

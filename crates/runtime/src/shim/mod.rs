//! The small processes beside the agent: `livery shim init|task|exec`.
//!
//! One `init` per pod and one `task` per durable command, each in a session of its own and not a
//! child of the agent, so that an agent may end, crash or be replaced while they go on. They have
//! one thread, because they fork and change namespaces.

mod daemon;
mod exec;
mod init;
mod log;
mod task;
mod terminal;

use std::ffi::OsString;
use std::fmt;

use livery_units::text::chain;

pub(crate) use self::daemon::{Unbegun, start};
pub(crate) use self::exec::SPEC_DESCRIPTOR;

/// Code of a command that never reached the pod, as `docker exec` uses it.
const UNREACHABLE: i32 = 125;

/// Runs a shim and returns the process's exit code.
///
/// `arguments` are those after `shim`. To be called before the program starts any thread.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let mut arguments = arguments.into_iter();
    let role = arguments.next().unwrap_or_default();
    let directory = arguments.next();
    match (role.to_str(), directory) {
        (Some("init"), Some(directory)) => daemon::run(|| init::run(directory.into())),
        (Some("task"), Some(directory)) => daemon::run(|| task::run(directory.into())),
        (Some("exec"), Some(directory)) => exec::run(directory.into()),
        _ => {
            complain(&"`livery shim` is started by the host agent, not by hand");
            2
        }
    }
}

/// Says something on the standard error; a shim has no other place to talk.
fn complain(what: &dyn fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "livery: {what}");
}

/// Says an error and everything that caused it.
fn complain_of(error: &dyn std::error::Error) {
    complain(&chain(error));
}

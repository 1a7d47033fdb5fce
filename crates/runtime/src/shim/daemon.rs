//! Leaving the agent, and telling it when the work has begun.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use livery_units::text::chain;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

use super::complain_of;
use crate::error::Error;

/// What a shim tells the agent, once, over its standard output.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    Begun,
    Failed(String),
    NoCommand(String),
}

/// Why a shim's work has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unbegun {
    /// Something failed.
    Failed(String),
    /// The pod's start command cannot be started.
    NoCommand(String),
}

/// What a shim's work gives once it has begun: the rest of it.
pub(super) type Rest = Box<dyn FnOnce() -> Result<(), Error>>;

/// Leaves the agent's session and family, begins, tells how that went, and does the rest.
pub(super) fn run(begin: impl FnOnce() -> Result<Rest, Error>) -> i32 {
    // SAFETY: the shim has one thread, so the child may use everything it inherits.
    match unsafe { libc::fork() } {
        0 => {}
        // The agent waits for this process only; its child belongs to the machine's init from now.
        1.. => return 0,
        _ => {
            return say(&Word::Failed(
                "the machine has no room for another process".to_owned(),
            ));
        }
    }
    // SAFETY: a fresh child leads no group, so this only fails if it was done already.
    unsafe { libc::setsid() };
    match begin() {
        Ok(rest) => {
            say(&Word::Begun);
            match rest() {
                Ok(()) => 0,
                Err(error) => {
                    complain_of(&error);
                    1
                }
            }
        }
        Err(error) => {
            complain_of(&error);
            say(&match error {
                Error::NoCommand(reason) => Word::NoCommand(reason),
                error => Word::Failed(chain(&error)),
            });
            1
        }
    }
}

/// Tells the agent and hangs up, so that it waits no longer.
fn say(word: &Word) -> i32 {
    let text = serde_json::to_vec(word).unwrap_or_default();
    // An agent that died meanwhile will find what became of this on disk.
    let _ = io::stdout()
        .write_all(&text)
        .and_then(|()| io::stdout().flush());
    if let Ok(nowhere) = OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(nowhere.as_fd());
    }
    1
}

/// Starts a shim from the agent and waits until it says how its beginning went.
///
/// The inner result is the shim's own word.
pub(crate) fn start(
    program: &Path,
    role: &str,
    directory: &Path,
    log: &Path,
    patience: Duration,
) -> io::Result<Result<(), Unbegun>> {
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let mut child = Command::new(program)
        .args(["shim", role])
        .arg(directory)
        // Root inside the pod may find a way to this process; the agent's secrets are not in it.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .process_group(0)
        .spawn()?;
    let word = match child.stdout.take() {
        Some(stdout) => listen(stdout, patience),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    };
    // The parent of the real shim ends at once.
    child.wait()?;
    word
}

fn listen(
    mut stdout: std::process::ChildStdout,
    patience: Duration,
) -> io::Result<Result<(), Unbegun>> {
    let deadline = Instant::now() + patience;
    let mut text = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut polled = [PollFd::new(&stdout, PollFlags::IN)];
        match poll(&mut polled, Some(&wait)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let mut part = [0; 4096];
        match stdout.read(&mut part)? {
            0 => break,
            length => text.extend_from_slice(&part[..length]),
        }
    }
    match serde_json::from_slice(&text) {
        Ok(Word::Begun) => Ok(Ok(())),
        Ok(Word::Failed(detail)) => Ok(Err(Unbegun::Failed(detail))),
        Ok(Word::NoCommand(reason)) => Ok(Err(Unbegun::NoCommand(reason))),
        Err(_) => Ok(Err(Unbegun::Failed(
            "its shim ended without a word; see shim.log in its directory".to_owned(),
        ))),
    }
}

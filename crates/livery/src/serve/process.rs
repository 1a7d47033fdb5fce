//! What every long-lived process does first: a session of its own, directories, a runtime.

use crate::failure::Failure;
use crate::ui::warn;
use anyhow::Context;
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit, umask};
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::fd::RawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a daemon that found another one of its kind; its starter waits for that one.
pub const EXIT_TAKEN: u8 = 75;

/// Threads for work that never blocks. Two are plenty, and more cost memory.
const WORKERS: usize = 2;

/// Whether a process is in front of a user or behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// On the user's terminal.
    Foreground,
    /// A daemon.
    Background,
}

/// Leaves the user's session, directory and open files behind.
pub fn leave_user() -> anyhow::Result<()> {
    close_inherited();
    // Fails only for the leader of a process group, which a daemon's starter does not make it.
    rustix::process::setsid().context("cannot begin a session of its own")?;
    std::env::set_current_dir("/")?;
    Ok(())
}

/// Closes what the starter's own starters left open: a pipe or a lock that a daemon holds is never
/// let go.
fn close_inherited() {
    const FIRST: RawFd = 3;
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let open: Vec<RawFd> = names.filter_map(|name| name.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd >= FIRST) {
        // The directory just read was among them, and is closed by now.
        if fs::read_link(format!("/proc/self/fd/{fd}")).is_err() {
            continue;
        }
        // SAFETY: this runs before this process has opened anything itself, so nothing here owns
        // a descriptor above standard error, and this one is open.
        unsafe { rustix::io::close(fd) };
    }
}

/// Keeps what this process makes to its user, whatever it was started with: what others must reach gets a
/// mode by name. The one place where that is said, for all that lives longer than a command.
pub fn keep_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Lets this process open as many files as its user may let it: connections, pods and blobs are files.
pub fn open_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, files = limit.current, "no more files than these may be open");
    }
}

/// Makes a directory for its owner alone, with what is above it. One that is there must be ours, and is
/// closed to others.
pub fn private_dir(path: &Path) -> anyhow::Result<()> {
    const OTHERS_MAY: u32 = 0o077;
    const OTHERS_MAY_WRITE: u32 = 0o022;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make the directory {}", path.display()))?;
    let cannot = || format!("cannot look at the directory {}", path.display());
    let found = fs::metadata(path).with_context(cannot)?;
    let (mode, place) = (found.mode() & 0o7777, path.display());
    let user = geteuid().as_raw();
    if found.uid() != user {
        let message = format!(
            "the directory {place} belongs to user {}, and this is user {user}",
            found.uid()
        );
        return Err(Failure::mistake(message)
            .hint("name another with `--data-dir`, or have it given to this user (`chown -R`)")
            .into());
    }
    if mode & OTHERS_MAY == 0 {
        return Ok(());
    }
    let is_empty = fs::read_dir(path).with_context(cannot)?.next().is_none();
    if mode & OTHERS_MAY_WRITE != 0 && !is_empty {
        let message = format!(
            "other users may write in the directory {place} (its mode is {mode:04o}), so what is in it \
             cannot be trusted"
        );
        let hint = format!(
            "look through it and close it with `chmod 700 {place}`, or name another with `--data-dir`"
        );
        return Err(Failure::mistake(message).hint(hint).into());
    }
    let closed = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    closed.with_context(|| format!("cannot close the directory {place} to other users"))?;
    warn(&format!(
        "the directory {place} was open to other users (its mode was {mode:04o}); it is closed now"
    ));
    Ok(())
}

/// Makes the runtime of a long-lived process.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()?;
    Ok(runtime)
}

/// Cancels when the process is asked to end.
pub fn stop_on_signals(stop: &CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: ending"),
            _ = interrupt.recv() => tracing::info!("SIGINT: ending"),
        }
        stop.cancel();
    });
    Ok(())
}

/// Listens on a unix socket for its owner alone; what a dead process left in its place is removed.
/// The caller holds the lock, so nobody who lives listens there.
pub fn listen(socket: &Path) -> anyhow::Result<tokio::net::UnixListener> {
    let cannot = || format!("cannot listen on {}", socket.display());
    if let Some(dir) = socket.parent() {
        way(dir).with_context(cannot)?;
    }
    match fs::remove_file(socket) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(cannot),
    }
    let listener = tokio::net::UnixListener::bind(socket).with_context(cannot)?;
    let own = fs::Permissions::from_mode(0o600);
    fs::set_permissions(socket, own).with_context(cannot)?;
    Ok(listener)
}

/// Makes the directories that lead to a socket. Everybody may pass: the socket may be somebody else's.
fn way(dir: &Path) -> std::io::Result<()> {
    if dir.exists() {
        return Ok(());
    }
    if let Some(above) = dir.parent() {
        way(above)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => fs::set_permissions(dir, fs::Permissions::from_mode(0o755)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

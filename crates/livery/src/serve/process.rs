//! What every long-lived process does first: a session of its own, directories, a runtime.

use anyhow::Context;
use std::fs::DirBuilder;
use std::os::fd::RawFd;
use std::os::unix::fs::DirBuilderExt;
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
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let open: Vec<RawFd> = names.filter_map(|name| name.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd >= FIRST) {
        // The directory just read was among them, and is closed by now.
        if std::fs::read_link(format!("/proc/self/fd/{fd}")).is_err() {
            continue;
        }
        // SAFETY: this runs before this process has opened anything itself, so nothing here owns
        // a descriptor above standard error, and this one is open.
        unsafe { rustix::io::close(fd) };
    }
}

/// Makes a directory for its owner alone, with what is above it.
pub fn private_dir(path: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make the directory {}", path.display()))
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
    use std::os::unix::fs::PermissionsExt;
    let cannot = || format!("cannot listen on {}", socket.display());
    if let Some(dir) = socket.parent() {
        std::fs::create_dir_all(dir).with_context(cannot)?;
    }
    match std::fs::remove_file(socket) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(cannot),
    }
    let listener = tokio::net::UnixListener::bind(socket).with_context(cannot)?;
    let own = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(socket, own).with_context(cannot)?;
    Ok(listener)
}

//! Starts commands inside the pod.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::Pid;
use rustix::pty::OpenptFlags;

use super::Defaults;
use super::users::{self, Identity};
use crate::spec::CommandSpec;
use crate::wire::Size;

/// Where programs are looked for when nobody said.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that runs; it leads its own session and process group.
#[derive(Debug)]
pub(super) struct Child {
    pub pid: Pid,
}

/// Why a command does not run.
#[derive(Debug)]
pub(super) struct Refusal {
    /// 127 for a program that is not there, 126 for everything else, as in a shell.
    pub code: i32,
    pub reason: String,
}

impl Refusal {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            code: 126,
            reason: reason.into(),
        }
    }
}

/// Runs a command on this process's own streams, which lead to the pod's log.
pub(super) fn on_own_streams(spec: &CommandSpec, defaults: &Defaults) -> Result<Child, Refusal> {
    let command = prepare(spec, defaults)?;
    launch(command, spec, Controlling::No)
}

/// Runs a command on three streams that came from outside.
pub(super) fn on_pipes(
    spec: &CommandSpec,
    defaults: &Defaults,
    descriptors: Vec<OwnedFd>,
) -> Result<Child, Refusal> {
    let Ok([stdin, stdout, stderr]) = <[OwnedFd; 3]>::try_from(descriptors) else {
        return Err(Refusal::new("the command came without its three streams"));
    };
    let mut command = prepare(spec, defaults)?;
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    launch(command, spec, Controlling::No)
}

/// Runs a command on a new terminal of the pod's own and returns the controlling end.
///
/// The terminal is made in here so that it has a name in the pod's `/dev/pts`; programs such as
/// `tmux` and `gpg` look themselves up there.
pub(super) fn on_terminal(
    spec: &CommandSpec,
    defaults: &Defaults,
    size: Option<Size>,
) -> Result<(Child, OwnedFd), Refusal> {
    let broken = |error: io::Error| Refusal::new(format!("could not make a terminal: {error}"));
    let (controller, terminal) = open_terminal(size).map_err(broken)?;
    let mut command = prepare(spec, defaults)?;
    let second = terminal.try_clone().map_err(broken)?;
    let third = terminal.try_clone().map_err(broken)?;
    command.stdin(terminal).stdout(second).stderr(third);
    if !spec.env.iter().any(|(key, _)| key == "TERM") {
        command.env("TERM", "xterm");
    }
    launch(command, spec, Controlling::Yes).map(|child| (child, controller))
}

fn open_terminal(size: Option<Size>) -> io::Result<(OwnedFd, OwnedFd)> {
    let controller =
        rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&controller)?;
    rustix::pty::unlockpt(&controller)?;
    if let Some(size) = size {
        rustix::termios::tcsetwinsize(&controller, size.into())?;
    }
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let terminal = rustix::pty::ioctl_tiocgptpeer(&controller, flags)?;
    Ok((controller, terminal))
}

/// Puts together what the command sees; the pod's settings first, the command's own on top.
fn prepare(spec: &CommandSpec, defaults: &Defaults) -> Result<Command, Refusal> {
    let Some(program) = spec.argv.first() else {
        return Err(Refusal::new("the command is empty"));
    };
    let user = spec.user.as_deref().unwrap_or(&defaults.user);
    let identity = users::find(user).map_err(Refusal::new)?;
    let mut command = Command::new(program);
    command
        .args(&spec.argv[1..])
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", &identity.home)
        .env("HOSTNAME", &defaults.hostname)
        .envs(defaults.env.iter().map(|(key, value)| (key, value)))
        .envs(spec.env.iter().map(|(key, value)| (key, value)))
        .current_dir(spec.workdir.as_ref().unwrap_or(&defaults.workdir));
    become_user(&mut command, identity);
    Ok(command)
}

fn become_user(command: &mut Command, identity: Identity) {
    let Identity {
        uid, gid, groups, ..
    } = identity;
    let become_it = move || {
        // SAFETY: plain system calls; the list lives as long as the closure, and the set is
        // initialised before use.
        unsafe {
            // This process blocks signals to poll for them, and ignores some; commands shall not.
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            for signal in 1..=libc::SIGRTMAX() {
                libc::signal(signal, libc::SIG_DFL);
            }
            if libc::setsid() < 0
                || libc::setgroups(groups.len(), groups.as_ptr()) != 0
                || libc::setresgid(gid, gid, gid) != 0
                || libc::setresuid(uid, uid, uid) != 0
            {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure only makes system calls and allocates nothing.
    unsafe { command.pre_exec(become_it) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Controlling {
    Yes,
    No,
}

fn launch(
    mut command: Command,
    spec: &CommandSpec,
    controlling: Controlling,
) -> Result<Child, Refusal> {
    if controlling == Controlling::Yes {
        // SAFETY: one system call on the terminal that is the standard input by now.
        unsafe {
            command.pre_exec(|| match libc::ioctl(0, libc::TIOCSCTTY, 0) {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
    }
    let spawned = command.spawn();
    // Its copies of the streams would keep a pipe open that the command has closed.
    drop(command);
    let child = spawned.map_err(|error| explain(spec, &error))?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.map(|pid| Child { pid })
        .ok_or_else(|| Refusal::new("the command has no process number"))
}

fn explain(spec: &CommandSpec, error: &io::Error) -> Refusal {
    let program = spec.argv.first().map_or("", String::as_str);
    let workdir = spec.workdir.as_ref().filter(|dir| !dir.is_dir());
    let (code, reason) = match (error.kind(), workdir) {
        (_, Some(dir)) => (
            126,
            format!("`{}` is not a directory in the pod", dir.display()),
        ),
        (io::ErrorKind::NotFound, None) => (
            127,
            format!("`{program}` was not found in the pod; is it installed and on PATH?"),
        ),
        (io::ErrorKind::PermissionDenied, None) => (126, format!("`{program}` may not be run")),
        (_, None) => (126, format!("`{program}` could not be started: {error}")),
    };
    Refusal { code, reason }
}

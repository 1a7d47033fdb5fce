//! The loop of the pod's first process.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group};

use super::Defaults;
use super::spawn::{self, Child, Refusal};
use crate::spec::{CommandSpec, Streams};
use crate::state::Exit;
use crate::wire::{self, Reply, Request};

/// How long a client may take to finish a message it has begun.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(5);

/// Code for a pod without start command that was asked to end, as a shell would report SIGTERM.
const ENDED_ON_REQUEST: i32 = 128 + 15;

struct Server<'a> {
    defaults: &'a Defaults,
    /// The start command; the pod ends with it.
    main: Option<Pid>,
    running: Vec<Running>,
    ending: Ending,
}

struct Running {
    child: Child,
    task: Option<String>,
    stream: UnixStream,
}

#[derive(PartialEq, Eq)]
enum Ending {
    NotAsked,
    Asked,
}

/// Serves until the pod shall end and returns the pod's exit code.
pub(super) fn run(
    listener: UnixListener,
    mut report: File,
    defaults: &Defaults,
    start: Option<CommandSpec>,
) -> i32 {
    let signals = match block_signals() {
        Ok(signals) => signals,
        Err(_) => return 70,
    };
    // As Docker does: images name working directories that they do not hold.
    let _ = std::fs::create_dir_all(&defaults.workdir);
    let mut server = Server {
        defaults,
        main: None,
        running: Vec::new(),
        ending: Ending::NotAsked,
    };
    if let Some(command) = start {
        match spawn::on_own_streams(&command, defaults) {
            Ok(child) => server.main = Some(child.pid),
            Err(refusal) => {
                // A shim that is gone makes no pod either.
                let _ = report.write_all(refusal.reason.as_bytes());
                return refusal.code;
            }
        }
    }
    drop(report);
    loop {
        match server.turn(&listener, &signals) {
            Ok(None) => {}
            Ok(Some(code)) => return code,
            Err(_) => return 70,
        }
    }
}

/// Turns the signals that matter into something to poll.
fn block_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised before use, and signalfd returns a new descriptor or -1.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        match libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            descriptor => Ok(OwnedFd::from_raw_fd(descriptor)),
        }
    }
}

impl Server<'_> {
    /// Waits for something to happen and deals with it; returns a code when the pod shall end.
    fn turn(&mut self, listener: &UnixListener, signals: &OwnedFd) -> io::Result<Option<i32>> {
        let readable: Vec<bool> = {
            let mut polled = vec![
                PollFd::new(signals, PollFlags::IN),
                PollFd::new(listener, PollFlags::IN),
            ];
            for running in &self.running {
                polled.push(PollFd::new(&running.stream, PollFlags::IN));
            }
            match poll(&mut polled, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            polled.iter().map(|one| !one.revents().is_empty()).collect()
        };
        // Last to first, so that removing one does not move those still to be looked at.
        for index in (0..self.running.len()).rev() {
            if readable[index + 2] {
                self.hear(index);
            }
        }
        if readable[0] {
            self.take_signals(signals);
        }
        if let Some(code) = self.reap() {
            return Ok(Some(code));
        }
        if readable[1]
            && let Ok((stream, _)) = listener.accept()
        {
            // A client that goes away halfway is its own loss.
            let _ = self.welcome(stream);
        }
        Ok(None)
    }

    fn welcome(&mut self, stream: UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(MESSAGE_PATIENCE))?;
        let Some((request, descriptors)) = wire::receive::<Request>(&stream)? else {
            return Ok(());
        };
        match request {
            Request::Run {
                task,
                command,
                streams,
                size,
            } => {
                let started = match streams {
                    Streams::Pipes => spawn::on_pipes(&command, self.defaults, descriptors)
                        .map(|child| (child, None)),
                    Streams::Terminal => spawn::on_terminal(&command, self.defaults, size)
                        .map(|(child, terminal)| (child, Some(terminal))),
                };
                self.answer(stream, task, started)
            }
            Request::SignalTask { task, signal } => {
                for running in &self.running {
                    if running.task.as_deref() == Some(&task) {
                        running.child.signal_all(signal);
                    }
                }
                wire::send(&stream, &Reply::Signalled, &[])
            }
            // Only a connection that runs something can be told this.
            Request::Signal(_) => Ok(()),
        }
    }

    fn answer(
        &mut self,
        stream: UnixStream,
        task: Option<String>,
        started: Result<(Child, Option<OwnedFd>), Refusal>,
    ) -> io::Result<()> {
        match started {
            Ok((child, terminal)) => {
                let along: Vec<_> = terminal.iter().map(AsFd::as_fd).collect();
                if wire::send(&stream, &Reply::Started, &along).is_err() {
                    child.signal_all(libc::SIGKILL);
                }
                self.running.push(Running {
                    child,
                    task,
                    stream,
                });
                Ok(())
            }
            Err(Refusal { code, reason }) => {
                wire::send(&stream, &Reply::Refused { code, reason }, &[])
            }
        }
    }

    /// Deals with what a client that runs something says, or with its hanging up.
    fn hear(&mut self, index: usize) {
        let running = &self.running[index];
        match wire::receive::<Request>(&running.stream) {
            Ok(Some((Request::Signal(signal), _))) => running.child.signal(signal),
            Ok(Some((Request::Run { .. } | Request::SignalTask { .. }, _))) => {}
            Ok(None) | Err(_) => {
                // Whoever wanted the command is gone, so the command goes too.
                running.child.signal_all(libc::SIGKILL);
                self.running.swap_remove(index);
            }
        }
    }

    fn take_signals(&mut self, signals: &OwnedFd) {
        let mut info = [0; size_of::<libc::signalfd_siginfo>()];
        while let Ok(read) = rustix::io::read(signals, &mut info) {
            if read < info.len() {
                break;
            }
            let number = u32::from_ne_bytes([info[0], info[1], info[2], info[3]]);
            let Ok(number) = i32::try_from(number) else {
                continue;
            };
            if number == libc::SIGCHLD {
                continue;
            }
            if number != libc::SIGHUP {
                self.ending = Ending::Asked;
            }
            // SAFETY: signals every process of this pid namespace but this one.
            unsafe { libc::kill(-1, number) };
        }
    }

    /// Waits for whatever ended, orphans of others included.
    fn reap(&mut self) -> Option<i32> {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    let exit = exit_of(status);
                    if self.main == Some(pid) {
                        return Some(exit.code());
                    }
                    if let Some(index) = self.running.iter().position(|one| one.child.pid == pid) {
                        let running = self.running.swap_remove(index);
                        // If nobody listens any more, nobody wants to know.
                        let _ = wire::send(&running.stream, &Reply::Ended(exit), &[]);
                    }
                }
                Ok(None) => return None,
                // Nothing is left; without a start command that is the end if one was asked for.
                Err(_) if self.main.is_none() && self.ending == Ending::Asked => {
                    return Some(ENDED_ON_REQUEST);
                }
                Err(_) => return None,
            }
        }
    }
}

fn exit_of(status: WaitStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Code(0),
    }
}

impl Child {
    /// Signals the process group that the command leads.
    fn signal(&self, number: i32) {
        // SAFETY: the number only travels to the kernel, which refuses what it does not know.
        let signal = unsafe { Signal::from_raw_unchecked(number) };
        if kill_process_group(self.pid, signal).is_err() {
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Signals every process of the command's session, whatever groups it made.
    fn signal_all(&self, number: i32) {
        self.signal(number);
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return;
        };
        for entry in entries.flatten() {
            let pid = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            let Some(pid) = pid.and_then(Pid::from_raw) else {
                continue;
            };
            let group = rustix::process::getpgid(Some(pid)).ok();
            if group != Some(self.pid) && rustix::process::getsid(Some(pid)).ok() == Some(self.pid)
            {
                // SAFETY: as above.
                let _ = kill_process(pid, unsafe { Signal::from_raw_unchecked(number) });
            }
        }
    }
}

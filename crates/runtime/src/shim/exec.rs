//! The shim of an interactive command: joins the agent's streams to a command in the pod.
//!
//! On pipes it hands the streams themselves over and only waits; on a terminal it stands between
//! the agent's terminal and the one made inside the pod. When it dies, or the agent does, the
//! pod's first process ends the command.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags};

use super::terminal::{self, Relay, Turn};
use super::{UNREACHABLE, complain, complain_of};
use crate::error::Error;
use crate::layout::PodDir;
use crate::spec::{ExecSpec, Streams};
use crate::wire::{self, Reply, Request};

/// Where the agent leaves what shall be run.
pub(crate) const SPEC_DESCRIPTOR: i32 = 3;

/// How long a pod that does not answer yet is waited for after a signal: a command that has just begun
/// is to get the signal itself.
const SIGNAL_GRACE: Duration = Duration::from_secs(1);

/// Code of a command that the pod's end took with it.
const POD_ENDED: i32 = 128 + 9;

/// What a `livery shim exec` waits for besides its command.
struct Watch {
    signals: OwnedFd,
    agent: OwnedFd,
}

/// Runs the command that the agent left, in the pod whose directory is given.
pub(super) fn run(directory: PathBuf) -> i32 {
    let started = start(&PodDir::from_path(directory));
    let (stream, relay, watch) = match started {
        Ok(started) => started,
        Err(Stop::Refused { code, reason }) => {
            complain(&reason);
            return code;
        }
        Err(Stop::Signalled(signal)) => return 128 + signal,
        Err(Stop::Broken(error)) => {
            complain_of(&error);
            return UNREACHABLE;
        }
    };
    match attend(&stream, relay, &watch) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("the pod was lost: {error}"));
            UNREACHABLE
        }
    }
}

/// Why there is nothing to attend to.
enum Stop {
    Refused {
        code: i32,
        reason: String,
    },
    /// The one who wants the command wants it no longer, or is gone.
    Signalled(i32),
    Broken(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

fn start(dir: &PodDir) -> Result<(UnixStream, Option<Relay>, Watch), Stop> {
    const ACTION: &str = "reach the pod";
    let spec = wire::with_init(read_spec(), "read what to run")?;
    let watch = wire::with_init(Watch::begin(), "watch the agent")?;
    let stream = wire::with_init(wire::connect(&dir.socket()), ACTION)?;
    let request = Request::Run {
        task: None,
        command: spec.command,
        streams: spec.streams,
        size: terminal::size(),
    };
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let streams = match spec.streams {
        Streams::Pipes => vec![stdin.as_fd(), stdout.as_fd(), stderr.as_fd()],
        Streams::Terminal => Vec::new(),
    };
    wire::with_init(wire::send(&stream, &request, &streams), ACTION)?;
    let early = watch.wait_for_answer(&stream)?;
    let ended = || io::ErrorKind::UnexpectedEof.into();
    let answer = wire::receive::<Reply>(&stream).and_then(|answer| answer.ok_or_else(ended));
    let (reply, mut descriptors) = wire::with_init(answer, ACTION)?;
    match reply {
        Reply::Started => {
            if let Some(number) = early {
                wire::with_init(wire::send(&stream, &Request::Signal(number), &[]), ACTION)?;
            }
        }
        Reply::Refused { code, reason } => return Err(Stop::Refused { code, reason }),
        Reply::Ended(_) | Reply::Signalled => return Ok(wire::with_init(nonsense(), ACTION)?),
    }
    let relay = match spec.streams {
        Streams::Pipes => let_go_of_streams().map(|()| None),
        Streams::Terminal => match descriptors.pop() {
            Some(inner) => Relay::begin(inner).map(Some),
            None => nonsense(),
        },
    };
    Ok((stream, wire::with_init(relay, "join the command")?, watch))
}

/// What comes from the pod's side and cannot be meant.
fn nonsense<T>() -> io::Result<T> {
    Err(io::ErrorKind::InvalidData.into())
}

fn read_spec() -> io::Result<ExecSpec> {
    // SAFETY: the agent left this descriptor to us, and nothing else knows of it.
    let mut file = unsafe { File::from_raw_fd(SPEC_DESCRIPTOR) };
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// The command has the streams now; copies here would keep pipes open that it closed.
fn let_go_of_streams() -> io::Result<()> {
    let nowhere = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(nowhere.as_fd())?;
    rustix::stdio::dup2_stdout(nowhere.as_fd())?;
    rustix::stdio::dup2_stderr(nowhere.as_fd())?;
    Ok(())
}

impl Watch {
    /// Waits until the pod's first process answers, or until there is no more use in that. Returns the
    /// signal that came meanwhile, which is the command's.
    fn wait_for_answer(&self, stream: &UnixStream) -> Result<Option<i32>, Stop> {
        let mut polled = [
            PollFd::new(stream, PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(&self.agent, PollFlags::IN),
        ];
        let mut deadline = Instant::now() + wire::PATIENCE;
        let mut early = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = Timespec::try_from(left).unwrap_or_default();
            match poll(&mut polled, Some(&wait)) {
                Ok(0) => {
                    let silent = Stop::Broken(Error::Silent);
                    return Err(early.map_or(silent, Stop::Signalled));
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    return Ok(wire::with_init(Err(error.into()), "wait for the pod")?);
                }
                Ok(_) if !polled[0].revents().is_empty() => return Ok(early),
                Ok(_) if !polled[2].revents().is_empty() => {
                    return Err(Stop::Signalled(libc::SIGKILL));
                }
                // A new size is read from the terminal itself once there is somebody to have it.
                Ok(_) => match self.next_signal() {
                    None | Some(libc::SIGWINCH) => {}
                    Some(number) if early.is_some() => return Err(Stop::Signalled(number)),
                    Some(number) => {
                        early = Some(number);
                        deadline = deadline.min(Instant::now() + SIGNAL_GRACE);
                    }
                },
            }
        }
    }

    /// Takes the next signal that has come.
    fn next_signal(&self) -> Option<i32> {
        let mut info = [0; size_of::<libc::signalfd_siginfo>()];
        let length = rustix::io::read(&self.signals, &mut info).ok()?;
        let whole = length == info.len();
        whole.then(|| i32::from_ne_bytes([info[0], info[1], info[2], info[3]]))
    }

    fn begin() -> io::Result<Self> {
        let agent = rustix::process::getppid()
            .and_then(|parent| rustix::process::pidfd_open(parent, PidfdFlags::empty()).ok())
            .ok_or(io::ErrorKind::NotFound)?;
        // Had the agent died before it was watched, somebody else would be the parent by now.
        let expected = std::env::args_os().next_back();
        let parent = rustix::process::getppid().map_or(0, Pid::as_raw_pid);
        if expected.as_deref() != Some(Path::new(&parent.to_string()).as_os_str()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Self {
            signals: catch_signals()?,
            agent,
        })
    }
}

fn catch_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised before use, and signalfd returns a new descriptor or -1.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [
            libc::SIGHUP,
            libc::SIGINT,
            libc::SIGQUIT,
            libc::SIGTERM,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGWINCH,
        ] {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        match libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            descriptor => Ok(OwnedFd::from_raw_fd(descriptor)),
        }
    }
}

/// Waits for the command's end, passing signals and, on a terminal, everything typed and shown.
fn attend(stream: &UnixStream, mut relay: Option<Relay>, watch: &Watch) -> io::Result<i32> {
    loop {
        let (heard, abandoned) = {
            let mut polled = vec![
                PollFd::new(stream, PollFlags::IN),
                PollFd::new(&watch.signals, PollFlags::IN),
                PollFd::new(&watch.agent, PollFlags::IN),
            ];
            if let Some(relay) = &relay {
                relay.wants(&mut polled);
            }
            match poll(&mut polled, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let happened = |index: usize| !polled[index].revents().is_empty();
            (happened(0), happened(2))
        };
        if abandoned {
            return Ok(POD_ENDED);
        }
        if let Some(relay) = &mut relay
            && relay.listen()? == Turn::HungUp
        {
            return Ok(128 + libc::SIGHUP);
        }
        // A size that was changed before a key was typed must arrive before the key does: the
        // signal is there by the time the key has been read.
        pass_signals(stream, relay.as_ref(), watch)?;
        if let Some(relay) = &mut relay {
            relay.pass()?;
        }
        if heard {
            let reply = wire::receive::<Reply>(stream)?;
            if let Some(relay) = &mut relay {
                relay.finish();
            }
            return match reply {
                Some((Reply::Ended(exit), _)) => Ok(exit.code()),
                None => Ok(POD_ENDED),
                Some((Reply::Started | Reply::Refused { .. } | Reply::Signalled, _)) => nonsense(),
            };
        }
    }
}

fn pass_signals(stream: &UnixStream, relay: Option<&Relay>, watch: &Watch) -> io::Result<()> {
    while let Some(number) = watch.next_signal() {
        match (number, relay) {
            (libc::SIGWINCH, Some(relay)) => relay.resize(),
            (libc::SIGWINCH, None) => {}
            (number, _) => wire::send(stream, &Request::Signal(number), &[])?,
        }
    }
    Ok(())
}

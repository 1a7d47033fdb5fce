//! The two terminals of an interactive command, joined.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use crate::wire::Size;

/// Joins this process's terminal to the one inside the pod.
#[derive(Debug)]
pub(super) struct Relay {
    inner: OwnedFd,
    /// Typed and not yet taken by the pod.
    typed: Vec<u8>,
    /// Shown by the pod and not yet taken by the agent.
    shown: Vec<u8>,
    inner_open: InnerEnd,
    /// How the agent's terminal was set before.
    before: Option<Termios>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InnerEnd {
    Open,
    Closed,
}

/// Measures the agent's terminal, if there is one.
pub(super) fn size() -> Option<Size> {
    let size = tcgetwinsize(io::stdin()).ok()?;
    Some(Size {
        rows: size.ws_row,
        columns: size.ws_col,
    })
}

/// What a look at the agent's terminal found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    GoOn,
    /// The agent closed its side.
    HungUp,
}

/// Most bytes that wait in each direction.
const ROOM: usize = 64 << 10;

impl Relay {
    /// Begins with the controlling end of the pod's terminal.
    pub fn begin(inner: OwnedFd) -> io::Result<Self> {
        let stdin = io::stdin();
        let mut before = None;
        if stdin.is_terminal() {
            // Every key goes through as it is; line editing is the inner terminal's business.
            let settings = tcgetattr(&stdin)?;
            let mut raw = settings.clone();
            raw.make_raw();
            tcsetattr(&stdin, OptionalActions::Now, &raw)?;
            before = Some(settings);
        }
        for end in [stdin.as_fd(), io::stdout().as_fd(), inner.as_fd()] {
            let flags = rustix::fs::fcntl_getfl(end)?;
            rustix::fs::fcntl_setfl(end, flags | OFlags::NONBLOCK)?;
        }
        Ok(Self {
            inner,
            typed: Vec::new(),
            shown: Vec::new(),
            inner_open: InnerEnd::Open,
            before,
        })
    }

    /// Gives the inner terminal the size of the outer one.
    pub fn resize(&self) {
        if let Ok(size) = tcgetwinsize(io::stdin()) {
            let _ = tcsetwinsize(&self.inner, size);
        }
    }

    /// Adds what is waited for.
    pub fn wants<'a>(&'a self, polled: &mut Vec<PollFd<'a>>) {
        // SAFETY: the standard streams stay open as long as the process lives.
        let (stdin, stdout) = unsafe { (BorrowedFd::borrow_raw(0), BorrowedFd::borrow_raw(1)) };
        if self.typed.len() < ROOM {
            polled.push(PollFd::from_borrowed_fd(stdin, PollFlags::IN));
        }
        if !self.shown.is_empty() {
            polled.push(PollFd::from_borrowed_fd(stdout, PollFlags::OUT));
        }
        if self.inner_open == InnerEnd::Open {
            let mut flags = PollFlags::empty();
            if self.shown.len() < ROOM {
                flags |= PollFlags::IN;
            }
            if !self.typed.is_empty() {
                flags |= PollFlags::OUT;
            }
            if !flags.is_empty() {
                polled.push(PollFd::new(&self.inner, flags));
            }
        }
    }

    /// Takes what was typed, without waiting.
    pub fn listen(&mut self) -> io::Result<Turn> {
        if self.typed.len() < ROOM && fill(io::stdin().as_fd(), &mut self.typed)? == Filled::End {
            return Ok(Turn::HungUp);
        }
        Ok(Turn::GoOn)
    }

    /// Moves what can be moved in both directions, without waiting.
    pub fn pass(&mut self) -> io::Result<()> {
        if self.inner_open == InnerEnd::Open {
            if drain(self.inner.as_fd(), &mut self.typed).is_err() {
                self.typed.clear();
            }
            if self.shown.len() < ROOM {
                match fill(self.inner.as_fd(), &mut self.shown) {
                    Ok(Filled::Some) => {}
                    // Reading fails when the last program has closed the terminal.
                    Ok(Filled::End) | Err(_) => self.inner_open = InnerEnd::Closed,
                }
            }
        }
        drain(io::stdout().as_fd(), &mut self.shown)
    }

    /// Shows the last of it and puts the agent's terminal back as it was.
    pub fn finish(&mut self) {
        let stdout = io::stdout();
        if let Ok(flags) = rustix::fs::fcntl_getfl(&stdout) {
            let _ = rustix::fs::fcntl_setfl(&stdout, flags - OFlags::NONBLOCK);
        }
        loop {
            let filled = fill(self.inner.as_fd(), &mut self.shown);
            let more = matches!(filled, Ok(Filled::Some)) && !self.shown.is_empty();
            if drain(stdout.as_fd(), &mut self.shown).is_err() || !more {
                break;
            }
        }
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    Some,
    End,
}

fn fill(from: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> io::Result<Filled> {
    let mut part = [0; 16 << 10];
    match rustix::io::read(from, &mut part) {
        Ok(0) => Ok(Filled::End),
        Ok(length) => {
            buffer.extend_from_slice(&part[..length]);
            Ok(Filled::Some)
        }
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(Filled::Some),
        Err(rustix::io::Errno::IO) => Ok(Filled::End),
        Err(error) => Err(error.into()),
    }
}

fn drain(to: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> io::Result<()> {
    while !buffer.is_empty() {
        match rustix::io::write(to, buffer) {
            Ok(length) => drop(buffer.drain(..length)),
            Err(rustix::io::Errno::AGAIN) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

//! The signals by which a user ends a command.

use rustix::process::Signal;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Ctrl-C.
    Interrupt,
    /// The command is to end at once: it was terminated, or its terminal is gone.
    End(Signal),
}

/// The signals, caught from when this is made: none that comes before it is asked for is lost.
pub struct Signals {
    interrupt: Stream,
    terminate: Stream,
    /// None where the process that started the command has it ignored, as `nohup` does.
    hangup: Option<Stream>,
}

impl Signals {
    /// Begins to catch them.
    pub fn catch() -> std::io::Result<Self> {
        let hangup = match is_ignored(Signal::HUP) {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Wish {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Wish::Interrupt,
            _ = self.terminate.recv() => Wish::End(Signal::TERM),
            _ = hangup => Wish::End(Signal::HUP),
        }
    }

    /// Waits for the next Ctrl-C; the end comes back as the exit code that says so.
    pub async fn interrupted(&mut self) -> Result<(), Signal> {
        match self.next().await {
            Wish::Interrupt => Ok(()),
            Wish::End(signal) => Err(signal),
        }
    }
}

/// Returns the exit code of a command that a signal ended, as shells have it.
pub fn exit_code(signal: Signal) -> u8 {
    const SIGNALLED: i32 = 128;
    u8::try_from(SIGNALLED + signal.as_raw()).unwrap_or(1)
}

fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

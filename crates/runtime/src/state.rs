//! What was observed of pods and tasks, as read back from disk and from the kernel.

use livery_units::{Bytes, PodId, Span, Timestamp, VolumeId};
use serde::{Deserialize, Serialize};

use crate::spec::millis;

/// A pod as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodState {
    /// Who it is.
    pub id: PodId,
    /// What it does.
    pub status: Status,
}

/// What a pod does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It is being made by this very agent.
    Starting,
    /// Its first process runs.
    Up {
        /// That process, as this machine numbers it.
        pid: i32,
    },
    /// Its first process ended and said how.
    Down {
        /// How.
        end: End,
    },
    /// It vanished without a word (its shim was killed, the machine was restarted) or was never
    /// finished; it can be started again or removed.
    Lost,
}

impl Status {
    /// Names the status in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up { .. } => "up",
            Self::Down { .. } => "down",
            Self::Lost => "lost",
        }
    }
}

/// How long ago a pod's first process began and ended, by a clock that nobody can set; none where that
/// is not known, as after the machine was started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ran {
    /// When it began this time.
    pub began_ago: Option<Span>,
    /// When it ended, if it has.
    pub ended_ago: Option<Span>,
}

/// How and when something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How.
    pub exit: Exit,
    /// When.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// How many processes the kernel killed because the pod's memory was full.
    pub oom_kills: u64,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It could not be started; the code is 126 or 127 as in a shell, or 125 when the pod's first
    /// process did not answer.
    NotStarted(i32),
    /// The pod ended around it.
    PodEnded,
}

impl Exit {
    /// Returns the code a shell would report.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) | Self::NotStarted(code) => code,
            Self::Signal(signal) => 128 + signal,
            Self::PodEnded => 128 + 9,
        }
    }
}

/// What a durable task does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// It was accepted and has not begun.
    Pending,
    /// It runs.
    Running {
        /// Since when.
        since: Timestamp,
    },
    /// It ended.
    Ended {
        /// When it began.
        since: Timestamp,
        /// How and when it ended.
        end: End,
    },
    /// What watched over it vanished, and it with that.
    Lost,
}

/// A network volume as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeState {
    /// Who it is.
    pub id: VolumeId,
    /// Its hard size.
    pub size: Bytes,
    /// How much of this machine's disk it takes now.
    pub allocated: Bytes,
}

/// What a pod that is up has used since it came up, as the kernel counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// CPU time in microseconds.
    pub cpu_micros: u64,
    /// What came and went over its network interface, loopback aside.
    pub network: Bytes,
    /// What was written to its disks.
    pub written: Bytes,
}

/// What a pod uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Processor time of all processes, in microseconds.
    pub cpu_micros: u64,
    /// Memory in use now, in bytes.
    pub memory_bytes: u64,
    /// The most memory that was in use.
    pub memory_peak_bytes: u64,
    /// Processes and threads now.
    pub pids: u64,
    /// Bytes in use on the container disk.
    pub disk_bytes: u64,
    /// Bytes in use on the volume disk.
    pub volume_bytes: u64,
    /// Bytes received over the network.
    pub rx_bytes: u64,
    /// Bytes sent over the network.
    pub tx_bytes: u64,
}

//! Whether somebody uses a pod: what its host counts, and what that says.
//!
//! A host counts from when the pod came up and concludes nothing. Here two looks are compared:
//! whatever grew by more than an idle pod's noise is use. How long a pod was idle is counted by
//! the host's own clock, so that no clock set forward elsewhere makes a busy pod idle, and a pod
//! that could not be looked at is never idle.

use livery_units::{Bytes, Span, Timestamp};

/// What a pod had used at one moment, as its host counts it since the pod came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Usage {
    /// The host's clock: how long it had been up.
    pub host_uptime: Span,
    /// CPU time in microseconds.
    pub cpu_micros: u64,
    /// What came and went over its network interface.
    pub network: Bytes,
    /// What was written to its disks.
    pub written: Bytes,
    /// When one of its GPUs was last seen to work, by the host's clock.
    pub gpu_at: Option<Span>,
    /// When a shell, a command or a forwarded connection was last open, by the host's clock.
    pub session_at: Option<Span>,
}

/// What a pod was last used by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PodUse {
    /// It came up, or could not be looked at for a while: nobody knows that it was idle.
    Unknown,
    /// Somebody is in it: a shell, a command, a forwarded connection.
    Session,
    /// Its processes computed.
    Cpu,
    /// Its GPUs worked.
    Gpu,
    /// It sent or received.
    Network,
    /// It wrote to a disk.
    Disk,
}

crate::offer::words!(
    PodUse,
    "use of a pod",
    "unknown, session, cpu, gpu, network, disk",
    Unknown = "unknown",
    Session = "session",
    Cpu = "cpu",
    Gpu = "gpu",
    Network = "network",
    Disk = "disk"
);

/// An idle pod's processes may take this share of one CPU: a sleeping server wakes now and then.
pub const CPU_NOISE_PERCENT: u64 = 1;

/// An idle pod's GPUs may work this share of the time at which they are looked at.
pub const GPU_NOISE_PERCENT: u32 = 1;

/// What may pass the network interface of an idle pod in a minute: neighbours ask for addresses.
pub const NETWORK_NOISE_PER_MINUTE: Bytes = Bytes::new(64 << 10);

/// What may be written to the disks of an idle pod in a minute: a log line, a file system's own
/// notes.
pub const DISK_NOISE_PER_MINUTE: Bytes = Bytes::new(64 << 10);

/// Looks closer to each other than this are added up before they are judged, so that neither a
/// single packet is use nor steady small use is lost between looks.
pub const WINDOW_LEAST: Span = Span::from_secs(10);

/// Looks further apart than this are allowed no more noise than for so long: what happened between
/// them may have been a short burst.
pub const WINDOW_MOST: Span = Span::from_secs(60);

/// A look that is older than the last one by no more than this came late and says nothing new; the
/// clock of a host that is set back further was started again.
pub const LATE_MOST: Span = Span::from_secs(600);

/// What is known about the use of one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Activity {
    /// When it was last found in use, by our clock: the beginning of the idle stretch.
    pub active_at: Timestamp,
    /// What it was used by then.
    pub used: PodUse,
    /// How long it has been idle without a break, by the host's clock.
    pub idle: Span,
    /// When the host was last asked, by our clock.
    pub sampled: Timestamp,
    /// What the next look is compared with.
    pub base: Usage,
    /// How long it had been idle then.
    pub idle_at_base: Span,
}

impl Activity {
    /// Makes what is known after the first look: nobody has seen that it was idle.
    pub fn first(usage: Usage, now: Timestamp) -> Self {
        Self {
            active_at: now,
            used: PodUse::Unknown,
            idle: Span::ZERO,
            sampled: now,
            base: usage,
            idle_at_base: Span::ZERO,
        }
    }

    /// Takes a look in. Looks may come twice, late, or after a gap; none of that makes a pod idle
    /// for longer than its host saw it idle.
    pub fn after(&self, usage: Usage, now: Timestamp) -> Self {
        let behind = minus(self.base.host_uptime, usage.host_uptime);
        if behind > Span::ZERO && behind <= LATE_MOST {
            return *self;
        }
        if let Some(used) = used(&self.base, &usage) {
            return Self {
                used,
                ..Self::first(usage, now)
            };
        }
        let elapsed = minus(usage.host_uptime, self.base.host_uptime);
        let idle = plus(self.idle_at_base, elapsed);
        let (base, idle_at_base) = if elapsed >= WINDOW_LEAST {
            (usage, idle)
        } else {
            (self.base, self.idle_at_base)
        };
        Self {
            idle: idle.max(self.idle),
            sampled: now,
            base,
            idle_at_base,
            ..*self
        }
    }
}

/// Returns what a pod was used by between two looks at it; none when it was idle.
///
/// Whatever went backwards counts anew: the pod came up again, or its host did, and nobody knows
/// what happened in between.
pub fn used(before: &Usage, after: &Usage) -> Option<PodUse> {
    if after.host_uptime < before.host_uptime || went_back(before, after) {
        return Some(PodUse::Unknown);
    }
    let window = minus(after.host_uptime, before.host_uptime).clamp(WINDOW_LEAST, WINDOW_MOST);
    let a_minute = Span::from_secs(60).millis();
    let cpu_noise = window.millis() * 1_000 * CPU_NOISE_PERCENT / 100;
    let bytes = |per_minute: Bytes| per_minute.get() * window.millis() / a_minute;
    if after.session_at > Some(before.host_uptime) {
        return Some(PodUse::Session);
    }
    if after.gpu_at > Some(before.host_uptime) {
        return Some(PodUse::Gpu);
    }
    if after.cpu_micros - before.cpu_micros > cpu_noise {
        return Some(PodUse::Cpu);
    }
    if after.network.get() - before.network.get() > bytes(NETWORK_NOISE_PER_MINUTE) {
        return Some(PodUse::Network);
    }
    if after.written.get() - before.written.get() > bytes(DISK_NOISE_PER_MINUTE) {
        return Some(PodUse::Disk);
    }
    None
}

fn went_back(before: &Usage, after: &Usage) -> bool {
    after.cpu_micros < before.cpu_micros
        || after.network < before.network
        || after.written < before.written
}

fn minus(left: Span, right: Span) -> Span {
    Span::from_millis(left.millis().saturating_sub(right.millis()))
}

fn plus(left: Span, right: Span) -> Span {
    Span::from_millis(left.millis().saturating_add(right.millis()))
}

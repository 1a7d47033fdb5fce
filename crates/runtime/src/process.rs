//! Processes named so that a number used again by another process is not taken for the first.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// One process of one boot of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessRef {
    pub pid: i32,
    /// When it began, in clock ticks since boot: two processes with one number differ in this.
    started_ticks: u64,
    boot: String,
}

impl ProcessRef {
    /// Names a running process; none if there is no such process.
    pub fn of(pid: i32) -> Option<Self> {
        Some(Self {
            pid,
            started_ticks: stat(pid)?.started_ticks,
            boot: boot_id(),
        })
    }

    /// Names the calling process.
    pub fn this() -> Option<Self> {
        Self::of(rustix::process::getpid().as_raw_pid())
    }

    /// Says whether the process still runs; one that ended and was not waited for does not.
    pub fn is_alive(&self) -> bool {
        self.boot == boot_id()
            && stat(self.pid).is_some_and(|now| {
                now.started_ticks == self.started_ticks && now.state != 'Z' && now.state != 'X'
            })
    }

    /// Sends a signal if the process is still the one that was named.
    pub fn signal(&self, signal: Signal) {
        if self.is_alive()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            // It may end in between; that is what the caller wants.
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until the process is gone; says whether it is.
    pub fn wait_gone(&self, patience: Duration) -> Gone {
        let deadline = Instant::now() + patience;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return Gone::No;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Gone::Yes
    }
}

/// Whether something waited for went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    Yes,
    No,
}

struct Stat {
    state: char,
    started_ticks: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so the fields are counted from its end.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        started_ticks: fields.get(19)?.parse().ok()?,
    })
}

/// Returns what tells this boot of the machine from others; empty when the kernel does not say.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ended_is_not_alive_even_before_it_is_waited_for() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let named = ProcessRef::of(i32::try_from(child.id()).unwrap()).unwrap();
        assert_eq!(named.wait_gone(Duration::from_secs(10)), Gone::Yes);
        child.wait().unwrap();
        assert!(!named.is_alive());
    }

    #[test]
    fn another_start_time_or_boot_is_another_process() {
        let this = ProcessRef::this().unwrap();
        assert!(this.is_alive());
        let other = ProcessRef {
            started_ticks: this.started_ticks + 1,
            ..this.clone()
        };
        assert!(!other.is_alive());
        let earlier = ProcessRef {
            boot: "another".to_owned(),
            ..this
        };
        assert!(!earlier.is_alive());
    }
}

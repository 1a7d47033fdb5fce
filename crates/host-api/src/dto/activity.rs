//! What pods use and have used, as it travels.

use serde::{Deserialize, Serialize};

/// What every pod of a host that is up has used. Nothing is concluded here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostActivity {
    /// How long the host has been up, in milliseconds: the clock of all times here.
    pub uptime_ms: u64,
    /// The pods.
    pub pods: Vec<PodActivity>,
}

/// What one pod has used since it came up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PodActivity {
    /// Its id.
    pub pod: String,
    /// CPU time in microseconds.
    pub cpu_usec: u64,
    /// Bytes that came and went over its network interface.
    pub network_bytes: u64,
    /// Bytes written to its disks.
    pub written_bytes: u64,
    /// When one of its GPUs was last seen to work; absent when none was.
    #[serde(default)]
    pub gpu_at_ms: Option<u64>,
    /// When a shell, a command or a forwarded connection was last open; absent when none was.
    #[serde(default)]
    pub session_at_ms: Option<u64>,
}

/// What a pod uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// CPU time used, in microseconds.
    pub cpu_usec: u64,
    /// Memory now, in bytes.
    pub memory: u64,
    /// Most memory so far, in bytes.
    pub memory_peak: u64,
    /// Processes and threads now.
    pub pids: u64,
    /// Bytes used of the container disk.
    pub container_disk_used: u64,
    /// Bytes used of the volume disk.
    pub volume_disk_used: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
}

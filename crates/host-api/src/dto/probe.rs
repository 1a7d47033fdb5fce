//! The gate's questions about a pod and what is found.

use super::Gpu;
use serde::{Deserialize, Serialize};

/// What to probe besides the standard facts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProbeSpec {
    /// Commands of the job; each must exit with 0.
    pub commands: Vec<ProbeCommand>,
}

/// A job's own check of a fresh pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeCommand {
    /// What a shell is given to run.
    pub command: String,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

/// What a probe found; `None` where it could not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Whether a shell answered.
    pub shell: Option<Answer>,
    /// Whether `/workspace` is a mount of its own.
    pub workspace_mounted: Option<Answer>,
    /// Whether it can be written.
    pub workspace_writable: Option<Answer>,
    /// Free bytes under it.
    pub free_disk: Option<u64>,
    /// Memory limit in bytes.
    pub memory: Option<u64>,
    /// CPU limit in thousandths.
    pub vcpu_milli: Option<u32>,
    /// The host's clock, and the pod's by it.
    pub clock: Option<Clock>,
    /// Whether something outside could be reached.
    pub outbound: Option<Answer>,
    /// GPUs by the host's driver library.
    pub gpus_host: Vec<Gpu>,
    /// GPUs by `nvidia-smi` in the pod.
    pub gpus_pod: Vec<Gpu>,
    /// The driver's CUDA, `major.minor`.
    pub cuda_driver: Option<String>,
    /// The image's CUDA, `major.minor`.
    pub cuda_image: Option<String>,
    /// The commands' results, in order.
    pub commands: Vec<CommandResult>,
}

/// The host's clock around a probe. With the asker's own clock at both ends it tells how far apart the
/// two are, however long the probe itself took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// When the host was asked, in milliseconds since 1970.
    pub asked_ms: i64,
    /// When it answered, in milliseconds since 1970.
    pub answered_ms: i64,
    /// The pod's clock less the host's, in milliseconds: the least that it can be.
    pub pod_less_host_ms: i64,
}

/// A yes or a no with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it is so.
    pub yes: bool,
    /// Why not.
    pub why: Option<String>,
}

/// How one command of a probe ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// The command.
    pub command: String,
    /// Its exit code; `None` when it did not end in time.
    pub exit_code: Option<i32>,
    /// The last of its output.
    pub output: String,
}

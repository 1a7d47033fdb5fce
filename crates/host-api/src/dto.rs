//! The types that travel: plain data, JSON on the wire.
//!
//! Domain types are not serde types, so these are twins of them; `From`/`TryFrom` stand in
//! `convert.rs`. Sizes are in bytes, times in milliseconds, vCPU in thousandths.

mod activity;
mod probe;
mod volume;

pub use activity::{HostActivity, PodActivity, Stats};
pub use probe::{Answer, Clock, CommandResult, Facts, ProbeCommand, ProbeSpec};
pub use volume::{VolumeSpec, VolumeStatus};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which version of the API an agent speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the API.
    pub protocol: u32,
    /// Version of the program.
    pub version: String,
}

/// What a machine is, has and has free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostInfo {
    /// Stable id, made at the agent's first start.
    pub host_id: String,
    /// The machine's name.
    pub hostname: String,
    /// Version of the agent's program.
    pub version: String,
    /// Version of this API.
    pub protocol: u32,
    /// Changes when the machine restarts: pods do not survive that.
    pub boot_id: String,
    /// All of the machine that pods may use.
    pub total: Resources,
    /// What is left of it now.
    pub free: Resources,
    /// GPUs of the machine.
    pub gpus: Vec<Gpu>,
    /// The GPU driver's version, when there is one.
    pub driver: Option<String>,
    /// The newest CUDA that the driver supports, as `major.minor`.
    pub cuda: Option<String>,
    /// Price per hour in nano-dollars that the owner asks for the whole machine.
    pub price_hourly_nanos: i64,
    /// Where it stands: `local`, `secure` or `community`.
    pub tier: String,
    /// Region, in the owner's words.
    pub region: String,
    /// What a month of a GB of a running pod's disks costs beside, in nano-dollars.
    #[serde(default)]
    pub storage_monthly_nanos: i64,
    /// What a month of a GB of a stopped pod's volume disk costs, in nano-dollars.
    #[serde(default)]
    pub stopped_storage_monthly_nanos: i64,
    /// What a month of a GB of a network volume costs, in nano-dollars.
    #[serde(default)]
    pub volume_monthly_nanos: i64,
}

/// An amount of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resources {
    /// Virtual CPUs in thousandths.
    pub vcpu_milli: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// Disk in bytes.
    pub disk: u64,
}

/// One GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// Index on the machine.
    pub index: u32,
    /// The driver's id, such as `GPU-…`.
    pub uuid: String,
    /// Model as the driver names it.
    pub name: String,
    /// Memory in bytes.
    pub vram: u64,
    /// Whether it is only pretended.
    pub simulated: bool,
    /// The pod that has it, if any.
    pub pod: Option<String>,
}

/// Whose pod it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tenant {
    /// The owner of the control plane.
    Owner,
    /// Another account, by its id.
    Account(String),
}

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodSpec {
    /// Whose it is.
    pub tenant: Tenant,
    /// The launch key that it carries.
    pub launch_key: String,
    /// Name, used as the host name inside.
    pub name: String,
    /// Image: `host`, a registry reference, `oci:DIR[:TAG]`, `docker-archive:FILE[:TAG]`.
    pub image: String,
    /// Registry credentials, when the image needs them.
    pub credentials: Option<Credentials>,
    /// Command instead of the image's own. `None` idles, so that others can be run in the pod; an
    /// empty one stands for the image's own.
    pub command: Option<Vec<String>>,
    /// Environment on top of the image's.
    pub env: BTreeMap<String, String>,
    /// Number of GPUs.
    pub gpu_count: u32,
    /// Model that they must be of, under any spelling; any model when absent.
    pub gpu_model: Option<String>,
    /// Virtual CPUs in thousandths.
    pub vcpu_milli: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// Container disk in bytes.
    pub container_disk: u64,
    /// Volume disk in bytes, mounted at `/workspace`.
    pub volume_disk: u64,
    /// The network volume that it has.
    #[serde(default)]
    pub network_volume: Option<String>,
    /// Where it is mounted; at `/workspace`, in the volume disk's place, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_path: Option<String>,
    /// Most processes and threads.
    pub pids: u32,
}

/// Registry credentials.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Password or token.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &"***")
            .finish()
    }
}

/// How a pod on a host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodStatus {
    /// Its id.
    pub pod: String,
    /// The launch key that it carries.
    pub launch_key: String,
    /// Its state.
    pub state: PodState,
    /// What is going on or went wrong, in words for the user.
    pub detail: Option<String>,
    /// Why it failed, as an error that the caller can act on.
    pub failure: Option<Failure>,
    /// Exit code of its command, once that has ended.
    pub exit_code: Option<i32>,
    /// How many milliseconds ago it came up, by the host's uptime; none when that is not known.
    pub began_ago_ms: Option<u64>,
    /// How many milliseconds ago its command ended, by the same clock.
    pub ended_ago_ms: Option<u64>,
    /// Address inside the host.
    pub address: Option<String>,
}

/// The states of a pod on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodState {
    /// Its image is fetched or its disks are made.
    Starting,
    /// Its first process runs.
    Up,
    /// Stopped, or its command ended.
    Down,
    /// It could not be made; `failure` says why.
    Failed,
    /// Its processes vanished without being asked to.
    Lost,
}

/// An error as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which variant of [`crate::Error`], in kebab case.
    pub code: String,
    /// Its message.
    pub message: String,
}

/// A durable command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Program and arguments; the program is looked up in the pod's `PATH`.
    pub argv: Vec<String>,
    /// Environment on top of the pod's.
    pub env: BTreeMap<String, String>,
    /// Working directory; made if it is missing.
    pub workdir: String,
}

/// How a task is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStatus {
    /// Its id.
    pub task: String,
    /// Its state.
    pub state: TaskState,
    /// Exit code once it has ended; 128 + n when signal n ended it.
    pub exit_code: Option<i32>,
    /// When it began, in milliseconds since 1970.
    pub started_ms: Option<i64>,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Bytes of output so far.
    pub log_size: u64,
    /// What went wrong, in words for the user.
    pub detail: Option<String>,
}

/// The states of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// Begun and not ended.
    Running,
    /// Ended; `exit_code` says how.
    Exited,
    /// It could not be started.
    Failed,
    /// Its pod or its shim died with it; how it ended is not known.
    Lost,
}

/// A signal for a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalTask {
    /// The signal's number.
    pub signal: i32,
    /// When set, SIGKILL follows after that many milliseconds.
    pub kill_after_ms: Option<u64>,
}

/// An interactive command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecSpec {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Environment on top of the pod's.
    pub env: BTreeMap<String, String>,
    /// Working directory; the pod's own when absent.
    pub workdir: Option<String>,
    /// A terminal of this size, when one is wanted.
    pub tty: Option<Window>,
}

/// The size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// A list of content hashes in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Blobs {
    /// The hashes.
    pub hashes: Vec<String>,
}

/// A tree to write into a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyTree {
    /// Hash of the manifest blob.
    pub manifest: String,
    /// Destination inside the pod: absolute, or relative to `/workspace`.
    pub dest: String,
}

/// What writing a tree did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Applied {
    /// Files written.
    pub files_written: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Files that were there already.
    pub files_kept: u64,
}

/// Files to take from a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectTree {
    /// Directory inside the pod that patterns are relative to.
    pub base: String,
    /// Globs.
    pub patterns: Vec<String>,
}

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Hash of the manifest blob.
    pub manifest: String,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was left out and why, in words for the user.
    pub notes: Vec<String>,
    /// The same of files that were wanted and could not be kept.
    pub lost: Vec<String>,
}

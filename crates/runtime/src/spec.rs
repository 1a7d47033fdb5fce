//! What a caller asks for: pods, tasks and interactive commands.

use std::path::PathBuf;

use livery_units::{Bytes, PodId, TaskId, VolumeId};
use serde::{Deserialize, Serialize};

use crate::cdi::Devices;
use crate::net::Reach;

/// A pod as it shall be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodSpec {
    /// Who the pod is; making the same id twice changes nothing.
    #[serde(with = "text")]
    pub id: PodId,
    /// What the pod sees as `/`.
    pub rootfs: Rootfs,
    /// The name the pod has for itself.
    pub hostname: String,
    /// The start command; without one the pod idles until it is stopped.
    pub command: Option<Vec<String>>,
    /// Variables for the start command and for everything run in the pod later.
    pub env: Vec<(String, String)>,
    /// Where commands start; `/workspace` or `/` when not said.
    pub workdir: Option<PathBuf>,
    /// Who commands run as: a name or number, with an optional `:group`; root when empty.
    pub user: String,
    /// Thousandths of a CPU.
    pub milli_cpus: u32,
    /// The most memory all processes of the pod may use together.
    #[serde(with = "amount")]
    pub memory: Bytes,
    /// The most processes and threads the pod may have.
    pub pids: u32,
    /// Size of the disk under `/`, gone when the pod stops.
    #[serde(with = "amount")]
    pub container_disk: Bytes,
    /// The disk that stays while the pod exists.
    pub volume: Option<Volume>,
    /// A network volume beside it, at another place.
    #[serde(default)]
    pub beside: Option<Volume>,
    /// Size of `/dev/shm`.
    #[serde(with = "amount")]
    pub shm: Bytes,
    /// GPUs and other devices, resolved by [`crate::cdi`].
    pub devices: Devices,
    /// How the pod reaches the world.
    pub network: NetworkMode,
    /// Name servers to use instead of those of the pod's network.
    pub dns: Vec<String>,
    /// How much of the end of the command's output is kept.
    #[serde(with = "amount")]
    pub log_limit: Bytes,
}

impl PodSpec {
    /// Returns its disks besides the one under `/`, outer places first.
    pub fn volumes(&self) -> impl Iterator<Item = &Volume> {
        self.volume.iter().chain(&self.beside)
    }

    /// Returns the one of them that is a network volume.
    pub fn network_volume(&self) -> Option<&Volume> {
        self.volumes().find(|volume| volume.network.is_some())
    }
}

/// What a pod sees as `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rootfs {
    /// This machine's own root, homes and secrets hidden, everything else as `nobody`.
    Host,
    /// An image: directory trees with overlayfs whiteouts, lowest first.
    Layers(Vec<PathBuf>),
}

/// The disk that is kept while the pod is stopped: its own, or a network volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// The hard size of the pod's own disk; a network volume has its own.
    #[serde(with = "amount")]
    pub size: Bytes,
    /// Where the pod sees it; `/workspace` unless the user chose another place.
    pub mount_path: PathBuf,
    /// The network volume that stands in for a disk of the pod's own, and stays when the pod goes.
    #[serde(default, with = "text_option")]
    pub network: Option<VolumeId>,
}

/// How a pod reaches the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkMode {
    /// An address of its own behind this machine, with name servers.
    Own(Reach),
    /// Nothing but the loopback interface.
    Loopback,
}

/// A command that outlives the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Who the task is; starting the same id twice runs it once.
    #[serde(with = "text")]
    pub id: TaskId,
    /// What to run.
    pub command: CommandSpec,
    /// How much of the end of its output is kept.
    #[serde(with = "amount")]
    pub log_limit: Bytes,
}

/// A command whose streams the caller holds and that ends when the caller does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecSpec {
    /// What to run.
    pub command: CommandSpec,
    /// Whether it runs on pipes or on a terminal.
    pub streams: Streams,
}

/// What stands on a command's three streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Streams {
    /// Three streams, passed into the pod as they are.
    Pipes,
    /// A terminal made inside the pod and joined to the caller's, which is on the streams.
    Terminal,
}

/// A command inside a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables besides the pod's own; these win.
    pub env: Vec<(String, String)>,
    /// Where it starts; the pod's own place when not said.
    pub workdir: Option<PathBuf>,
    /// Who it runs as; the pod's own user when not said.
    pub user: Option<String>,
}

impl CommandSpec {
    /// Makes a command with nothing but its arguments.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            workdir: None,
            user: None,
        }
    }
}

/// Writes ids as the text they print as.
pub(crate) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Writes ids that may be missing.
pub(crate) mod text_option {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(ToString::to_string).serialize(to)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        let text: Option<String> = Option::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom))
            .transpose()
    }
}

/// Writes amounts as a number of bytes.
pub(crate) mod amount {
    use livery_units::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.get())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        u64::deserialize(from).map(Bytes::new)
    }
}

/// Writes points in time as milliseconds since 1970.
pub(crate) mod millis {
    use livery_units::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(value.millis())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_millis)
    }
}

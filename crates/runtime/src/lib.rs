//! The built-in container runtime: pods on this machine, one small shim process beside each.
//!
//! A pod is a container in namespaces of its own, users included (root inside is nobody outside),
//! under a seccomp filter, with few capabilities, with limits on processors, memory and processes,
//! on disks of a hard size. Its root is this machine's own, covered where it must be, or the layers
//! of an image.
//!
//! [`Runtime`] is what the agent calls. It keeps nothing in memory that matters: pods are found
//! again on disk, and their processes go on when the agent ends. Beside each pod stands a shim
//! ([`shim`]), which made the container and writes down how it ended; inside, the first process is
//! this program too. Commands are run by asking that process over a socket, so they are confined
//! exactly as the pod is.
//!
//! What is absent: any knowledge of images (they come as directories), of prices, of the network
//! protocol, and any thread or clock that runs by itself.

pub mod cdi;
mod cgroup;
mod disk;
mod disk_template;
mod error;
mod init;
mod layout;
mod mounts;
pub mod net;
mod oci;
mod process;
mod runtime;
pub mod shim;
mod spec;
mod state;
mod uptime;
mod wire;

pub use disk::DISK_SPARE;
pub use error::Error;
pub use runtime::{Options, PodRoot, Runtime};
pub use spec::{CommandSpec, ExecSpec, NetworkMode, PodSpec, Rootfs, Streams, TaskSpec, Volume};
pub use state::{Counters, End, Exit, PodState, Ran, Stats, Status, TaskState, VolumeState};

//! What can go wrong with pods on this machine, one variant per meaning.

use std::io;
use std::path::{Path, PathBuf};

use livery_units::{Bytes, PodId, TaskId, VolumeId};

/// Why the runtime could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory operation failed.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A system call that concerns no single file failed.
    #[error("could not {action}")]
    System {
        /// What was tried, as a verb phrase.
        action: &'static str,
        /// What the system answered.
        source: io::Error,
    },
    /// A record on disk is not what this version writes.
    #[error(
        "{} is damaged or from another version; use the version that wrote it, or remove what it \
         describes",
        path.display()
    )]
    Damaged {
        /// The record.
        path: PathBuf,
        /// Where it stops making sense.
        source: serde_json::Error,
    },
    /// The pod is not on this machine.
    #[error("pod {0} is not on this machine")]
    NoSuchPod(PodId),
    /// The task was never started in this pod.
    #[error("pod {pod} has no task {task}")]
    NoSuchTask {
        /// Where it was looked for.
        pod: PodId,
        /// What was looked for.
        task: TaskId,
    },
    /// The volume is not on this machine.
    #[error("volume {0} is not on this machine")]
    NoSuchVolume(VolumeId),
    /// A volume is for one pod at a time.
    #[error("volume {volume} is in use by pod {pod}; remove that pod first, the volume stays")]
    VolumeInUse {
        /// The volume.
        volume: VolumeId,
        /// Who has it.
        pod: PodId,
    },
    /// The volume grows just now.
    #[error("volume {0} is growing; try again once it has grown")]
    VolumeGrows(VolumeId),
    /// This process may not grow what is mounted.
    #[error(
        "a volume cannot grow under a pod that runs, for this agent lacks CAP_SYS_RESOURCE: stop the pod, \
         and resize it again"
    )]
    VolumeMounted,
    /// No pod has the volume, and the kernel holds it all the same.
    #[error("volume {0} is still held by the kernel; try again")]
    VolumeStuck(VolumeId),
    /// The pod does not run, so nothing can be run in it.
    #[error("pod {pod} is {status}; start it first")]
    NotUp {
        /// The pod.
        pod: PodId,
        /// What it is instead of up.
        status: &'static str,
    },
    /// The pod's first process is stopped, stuck or starved.
    #[error(
        "the pod's first process does not answer; it may be starved by what else runs in the pod: stop \
         the pod and start it again, or terminate it"
    )]
    Silent,
    /// A command could not be started by its shim.
    #[error("task {task} could not be started: {detail}")]
    NotStarted {
        /// The task.
        task: TaskId,
        /// What the shim said.
        detail: String,
    },
    /// A pod was described in a way that cannot be built.
    #[error("pod cannot be made: {0}")]
    BadSpec(String),
    /// The machine has not enough room for the disks that were promised.
    #[error(
        "the disks of this pod need {wanted}, but only {free} on {} are not promised to other pods; \
         remove pods or choose smaller disks", root.display()
    )]
    DiskFull {
        /// What the new disks may grow to.
        wanted: Bytes,
        /// What is left when every pod fills its disks.
        free: Bytes,
        /// Where the disks lie.
        root: PathBuf,
    },
    /// A program that the runtime calls is missing or failed.
    #[error("{tool} failed: {detail}; {hint}")]
    Tool {
        /// The program.
        tool: &'static str,
        /// What it said.
        detail: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The kernel lacks something.
    #[error("this machine's kernel cannot {what}; {hint}")]
    Kernel {
        /// What it cannot do.
        what: String,
        /// What to do about it.
        hint: &'static str,
        /// What the kernel answered.
        source: io::Error,
    },
    /// Control groups lack a controller that a pod's limits need.
    #[error("control group controller `{controller}` is missing; {hint}")]
    Controller {
        /// The controller.
        controller: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// The pod's shim could not bring it up.
    #[error("pod {pod} could not be started: {detail}")]
    Shim {
        /// The pod.
        pod: PodId,
        /// What the shim said.
        detail: String,
    },
    /// The pod's start command cannot be started; it would end as soon as it began, every time.
    #[error("its start command cannot be started: {0}")]
    NoCommand(String),
    /// Something of the pod is still there after everything was tried.
    #[error("pod {pod} could not be cleaned up: {what} is still there; try again")]
    Stuck {
        /// The pod.
        pod: PodId,
        /// What would not go away.
        what: String,
    },
    /// Another agent owns the pods under this root.
    #[error("another host agent already runs the pods in {}; stop it first", .0.display())]
    RootInUse(PathBuf),
    /// Pods need root.
    #[error("pods on this machine need root; start the host agent with sudo")]
    NotRoot,
    /// Every user id range is taken.
    #[error("all {0} pod slots of this machine are taken; remove pods first")]
    NoSlot(u16),
    /// A CDI file or device is wrong.
    #[error("device `{device}` cannot be given to a pod: {why}")]
    Device {
        /// The device as it was asked for.
        device: String,
        /// What is wrong.
        why: String,
    },
    /// The pod's network could not be made or unmade.
    #[error("the pod's network failed")]
    Network(#[from] crate::net::Error),
}

/// Adds what was tried, and on what, to an error of the system.
pub(crate) trait Context<T> {
    /// Names the action and the file it was tried on.
    fn on(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, Error>;
    /// Names the action alone.
    fn during(self, action: &'static str) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn on(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, Error> {
        self.map_err(|source| Error::Io {
            action,
            path: path.as_ref().to_owned(),
            source: source.into(),
        })
    }

    fn during(self, action: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::System {
            action,
            source: source.into(),
        })
    }
}

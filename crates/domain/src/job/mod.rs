//! Jobs: what a user wants done, as one job file says it.
//!
//! A [`Job`] answers four questions, and its fields stand in that order:
//!
//! - **What is it?** [`Job::name`], and the commands: [`Job::setup`] prepares, [`Job::run`] trains.
//! - **What does it need?** [`Job::resources`], a machine or several alternatives;
//!   [`Job::workdir`] and [`Job::file_mounts`], files from the submitter's machine; [`Job::volume`];
//!   [`Job::envs`] and [`Job::secrets`].
//! - **What may it cost?** [`Job::budget`] and [`Job::idle`], and whom may it be rented from: [`Job::tiers`],
//!   [`Job::suppliers`], each alternative's pricing.
//! - **What comes back?** [`Job::outputs`] and [`Job::checkpoint`].
//!
//! A job is a description and never changes while it runs; what happens to it is a
//! [`Run`](crate::run::Run), which takes it through the eight steps.
//!
//! These types are not read from any format here. The job file's YAML, its key names and its
//! error messages belong to the `jobfile` crate, which checks everything that a text can get
//! wrong. So inward of it nothing is checked again: a [`PodPath`] is absolute and has no `..`, an
//! [`OutputPattern`] stays under the workspace, an [`Alternatives`] is never empty.

mod pattern;
mod pod_path;
mod resources;
mod volume;

pub use pattern::{OutputPattern, OutputPatternError};
pub use pod_path::{PodPath, PodPathError, WORKDIR};
pub use resources::{Accelerators, Alternatives, Bound, DEFAULT_DISK, Resources, SMALLEST_DISK};
pub use volume::{JobVolume, JobVolumeError};

use crate::offer::{SupplierName, Tier};
use crate::pod::IdlePolicy;
use livery_units::{Bytes, Money, Secret, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What a user wants done, complete and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Shown in listings; not unique. The job file's own name when the file says none.
    pub name: String,
    /// Prepares the pod after `workdir` is there, in one shell; none when nothing is to prepare.
    pub setup: Option<String>,
    /// The work itself, in one shell; its exit code is the run's.
    pub run: String,

    /// The machine that it needs.
    pub resources: Alternatives,
    /// How many machines; always 1 today, and the parser says so to whoever wants more.
    pub num_nodes: u32,
    /// Directory on the submitter's machine that is copied to [`WORKDIR`]; commands start there.
    pub workdir: Option<PathBuf>,
    /// Further files and directories from the submitter's machine, each destination once.
    pub file_mounts: Vec<FileMount>,
    /// The network volume that the pod has; what is on it stays when the run is over.
    pub volume: Option<JobVolume>,
    /// Environment of every command.
    pub envs: BTreeMap<String, String>,
    /// Environment of every command that is never shown.
    pub secrets: BTreeMap<String, Secret<String>>,
    /// Names that the file leaves without a value; the job can start once this is empty.
    pub required: Required,
    /// Checks of the fresh pod beside the gate's own, in order.
    pub validate: Vec<GateCommand>,

    /// The most that it may cost.
    pub budget: Budget,
    /// What happens when nothing goes on in its pod; as its account has settled when it says nothing.
    pub idle: Option<IdlePolicy>,
    /// Kinds of machines that are good enough; none named means any.
    pub tiers: Vec<Tier>,
    /// Suppliers that may be asked; none named means all.
    pub suppliers: Vec<SupplierName>,

    /// What comes home, whether or not the work succeeded.
    pub outputs: Vec<OutputPattern>,
    /// Where the work leaves its checkpoints.
    pub checkpoint: Option<Checkpoint>,
}

impl Job {
    /// Returns the sizes that are asked for of one alternative's container disk and volume disk. A
    /// network volume at the workspace takes the volume disk's place: reckoned as the smallest,
    /// which is not made.
    pub fn disks_wanted(&self, resources: &Resources) -> (Option<Bytes>, Option<Bytes>) {
        let volume = match &self.volume {
            Some(volume) if volume.is_workspace() => Some(SMALLEST_DISK),
            Some(_) | None => resources.volume_wanted(),
        };
        (resources.disk_size, volume)
    }
}

/// A file or directory that is copied into the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMount {
    /// Where it goes in the pod.
    pub dest: PodPath,
    /// Where it is on the submitter's machine: absolute, under `~`, or relative to the job file.
    pub source: PathBuf,
}

/// Names whose value must come from outside the file: `--env NAME=VALUE`, `--secret NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Required {
    /// Names of [`Job::envs`] still without a value.
    pub envs: BTreeSet<String>,
    /// Names of [`Job::secrets`] still without a value.
    pub secrets: BTreeSet<String>,
}

/// A user's own check of a fresh pod: it passes when the command ends with 0 in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateCommand {
    /// Its row in the gate's table; the command's first line when the file gives none.
    pub name: String,
    /// The command, run by a shell in the pod before anything is sent to it.
    pub run: String,
    /// How long it may take.
    pub timeout: Span,
}

impl GateCommand {
    /// How long a check may take when the file does not say.
    pub const DEFAULT_TIMEOUT: Span = Span::from_secs(60);
}

/// Where the work leaves its checkpoints, and how often it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Directory in the pod, under the workspace; the newest entry in it comes home.
    pub dir: PodPath,
    /// How often the control plane takes a copy while the work goes on; none means at its end.
    pub interval: Option<Span>,
}

/// The most that a job may cost; a run past any of these is stopped, pulled and torn down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// The highest price per hour that may be rented at.
    pub max_hourly: Option<Money>,
    /// The most that the whole run may cost.
    pub max_total: Option<Money>,
    /// The longest that the run may hold a machine.
    pub max_hours: Option<Span>,
}

//! Runs: one job file taken through the eight steps, the last of which always happens.

mod step;

pub use step::{Halt, Next, Outcome, RunStep, StepEnd, after, halted};

use crate::job::JobVolume;
use crate::offer::words;
use crate::pod::IdlePolicy;
use livery_units::{AccountId, ContentHash, Money, OfferId, PodId, RunId, Secret, Span, Timestamp};
use std::collections::BTreeMap;

/// A run as the control plane knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Who pays for it.
    pub account: AccountId,
    /// Shown in listings; not unique.
    pub name: String,
    /// What was submitted.
    pub submission: Submission,
    /// Where it is.
    pub step: RunStep,
    /// When it came to this step.
    pub step_began: Timestamp,
    /// How it ended, or that it has not.
    pub outcome: Outcome,
    /// Whether teardown is done too: nothing of it is left and the bill is settled.
    pub ended: Option<Timestamp>,
    /// The pod that it has now.
    pub pod: Option<PodId>,
    /// Offers that failed it: not chosen again.
    pub excluded: Vec<OfferId>,
    /// Exit code of `run`.
    pub exit_code: Option<i32>,
    /// Why it did not succeed, in words for the user.
    pub reason: Option<String>,
    /// Whether somebody asked for its end.
    pub cancel_requested: Option<Timestamp>,
    /// Manifest of the files that pull brought home.
    pub results: Option<ContentHash>,
    /// When it was accepted.
    pub created: Timestamp,
    /// When a reconciler should look at it next.
    pub due: Timestamp,
    /// Fences writers: every change adds one.
    pub generation: i64,
}

impl Run {
    /// Returns whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.ended.is_some()
    }
}

/// What a user submitted: never changed afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The job file's text.
    pub job_text: String,
    /// The job file's name, for messages.
    pub job_file: String,
    /// Name given on the command line; wins over the job file's.
    pub name: Option<String>,
    /// Environment given on the command line; wins over the job file's.
    pub envs: BTreeMap<String, String>,
    /// Secrets given on the command line; win over the job file's.
    pub secrets: BTreeMap<String, Secret<String>>,
    /// Manifest of `workdir`, already in the content store.
    pub workdir: Option<ContentHash>,
    /// Manifests of `file_mounts` by destination, already in the content store. Each has one entry
    /// at its top, named as the last part of its destination: a file, or a directory.
    pub mounts: BTreeMap<String, ContentHash>,
    /// Limits given on the command line; win over the job file's.
    pub limits: RunLimits,
    /// The network volume given on the command line; wins over the job file's.
    pub volume: Option<JobVolume>,
}

/// What ends a run before its time, where the command line says so instead of the job file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RunLimits {
    /// The most that the whole run may cost.
    pub max_total: Option<Money>,
    /// The longest that it may hold a machine.
    pub max_hours: Option<Span>,
    /// What happens when nothing goes on in its pod.
    pub idle: Option<IdlePolicy>,
}

/// Something that happened in a run, in order; what `livery run` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEvent {
    /// Counts from 1 without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// In which step.
    pub step: RunStep,
    /// Of which kind.
    pub kind: EventKind,
    /// In words for the user; may have several lines (the gate's table).
    pub message: String,
}

/// Kinds of [`RunEvent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The step began.
    Began,
    /// Something to know while it goes on.
    Note,
    /// The step ended well.
    Done,
    /// The step failed.
    Failed,
    /// The run is over; the message is its receipt.
    Over,
}

words!(
    EventKind,
    "kind of event",
    "began, note, done, failed, over",
    Began = "began",
    Note = "note",
    Done = "done",
    Failed = "failed",
    Over = "over"
);

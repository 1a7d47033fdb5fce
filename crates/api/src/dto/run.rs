//! Runs as they travel.

use super::policy::Limits;
use crate::text;
use livery_domain::run::{EventKind, Outcome, RunStep};
use livery_units::{Bytes, ContentHash, PodId, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    #[serde(with = "text")]
    pub id: RunId,
    /// Its name; not unique.
    pub name: String,
    /// The job file's name.
    pub job_file: String,
    /// The step where it is.
    #[serde(with = "text")]
    pub step: RunStep,
    /// When it came to this step.
    #[serde(with = "text::millis")]
    pub step_began: Timestamp,
    /// How it ended, or that it has not.
    #[serde(with = "text")]
    pub outcome: Outcome,
    /// Exit code of the job's `run`.
    pub exit_code: Option<i32>,
    /// Why it did not succeed.
    pub reason: Option<String>,
    /// The pod that it has now.
    #[serde(with = "text::option")]
    pub pod: Option<PodId>,
    /// Manifest of the files that pull brought home.
    #[serde(with = "text::option")]
    pub results: Option<ContentHash>,
    /// When somebody asked for its end.
    #[serde(with = "text::millis_option")]
    pub cancel_requested: Option<Timestamp>,
    /// When it was accepted.
    #[serde(with = "text::millis")]
    pub created: Timestamp,
    /// When everything, teardown included, was done.
    #[serde(with = "text::millis_option")]
    pub ended: Option<Timestamp>,
}

impl From<livery_domain::run::Run> for Run {
    fn from(run: livery_domain::run::Run) -> Self {
        Self {
            id: run.id,
            name: run.name,
            job_file: run.submission.job_file,
            step: run.step,
            step_began: run.step_began,
            outcome: run.outcome,
            exit_code: run.exit_code,
            reason: run.reason,
            pod: run.pod,
            results: run.results,
            cancel_requested: run.cancel_requested,
            created: run.created,
            ended: run.ended,
        }
    }
}

/// Some runs, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<Run>,
}

/// A job to run. The files it names are in the content store already.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The job file's text.
    pub job_text: String,
    /// The job file's name, for messages.
    pub job_file: String,
    /// Name instead of the job file's.
    #[serde(default)]
    pub name: Option<String>,
    /// Environment; wins over the job file's.
    #[serde(default)]
    pub envs: BTreeMap<String, String>,
    /// Secrets; win over the job file's.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Manifest of `workdir`.
    #[serde(default, with = "text::option")]
    pub workdir: Option<ContentHash>,
    /// Manifests of `file_mounts` by destination, as hexadecimal.
    #[serde(default)]
    pub mounts: BTreeMap<String, String>,
    /// Limits; win over the job file's.
    #[serde(default)]
    pub limits: Limits,
    /// Network volume instead of the job file's, as `NAME:PATH`.
    #[serde(default)]
    pub volume: Option<String>,
}

/// Prints everything but the secrets.
impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submission")
            .field("job_file", &self.job_file)
            .field("name", &self.name)
            .field("envs", &self.envs)
            .field("secrets", &self.secrets.keys())
            .field("workdir", &self.workdir)
            .field("mounts", &self.mounts)
            .field("limits", &self.limits)
            .field("volume", &self.volume)
            .finish_non_exhaustive()
    }
}

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Counts from 1 without gaps.
    pub seq: i64,
    /// When.
    #[serde(with = "text::millis")]
    pub at: Timestamp,
    /// In which step.
    #[serde(with = "text")]
    pub step: RunStep,
    /// Of which kind.
    #[serde(with = "text")]
    pub kind: EventKind,
    /// In words for the user; may have several lines.
    pub message: String,
}

impl From<livery_domain::run::RunEvent> for RunEvent {
    fn from(event: livery_domain::run::RunEvent) -> Self {
        Self {
            seq: event.seq,
            at: event.at,
            step: event.step,
            kind: event.kind,
            message: event.message,
        }
    }
}

/// Some events of a run, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunEvents {
    /// The events.
    pub events: Vec<RunEvent>,
}

/// Which events are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsQuery {
    /// Only those after this one.
    pub after: i64,
    /// How long to wait for one, in milliseconds; at most [`crate::WAIT_MAX_MS`].
    pub wait_ms: u64,
}

/// Which part of a log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogQuery {
    /// From this byte on.
    pub offset: u64,
    /// Whether to go on until the run's last output.
    pub follow: bool,
}

/// What a run cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// Each line: what, how long, at which rate, how much; and the total.
    pub text: String,
}

/// The files that a run brought home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// Hash of their manifest, which is itself in the content store.
    #[serde(with = "text")]
    pub manifest: ContentHash,
}

/// How much more the caller's account may send to the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRoom {
    /// How many more bytes of files it may send.
    #[serde(with = "text::size")]
    pub room: Bytes,
    /// How many it keeps there, as they are before compression.
    #[serde(with = "text::size")]
    pub kept: Bytes,
    /// How many it may keep; none for as many as the disk takes.
    #[serde(with = "text::size_option")]
    pub quota: Option<Bytes>,
}

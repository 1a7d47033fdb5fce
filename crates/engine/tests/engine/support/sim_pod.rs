//! What the simulated host is told to do, and a pod of it.

use bytes::Bytes;
use livery_content::{ContentError, ContentStore, Entry, Kind, Manifest, RelPath};
use livery_host_api::Error;
use livery_host_api::dto::{
    Answer, Clock, Facts, Failure, PodSpec, PodState, PodStatus, TaskStatus,
};
use livery_units::Span;
use std::collections::BTreeMap;

/// What the host does when it is asked.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Every call fails as if the host were off the network.
    pub unreachable: bool,
    /// What `pod_create` answers instead of making a pod.
    pub create_error: Option<Error>,
    /// Why pods cannot be made, as it turns out after they were taken on.
    pub unmade: Option<Error>,
    /// What `pod_start` answers instead of starting a pod.
    pub start_error: Option<Error>,
    /// The next `pod_create` makes its pod and is not heard.
    pub create_answer_lost: bool,
    /// The host is off the network as soon as it has made a pod.
    pub leaves_when_created: bool,
    /// Whether `/workspace` is missing, which the gate must notice.
    pub no_workspace: bool,
    /// What every pod has written to the file that comes home.
    pub result: Option<Vec<u8>>,
    /// Whether results never come: the collection is asked for and not answered.
    pub collect_hangs: bool,
    /// What is said of files that were wanted and could not be kept.
    pub lost: Vec<String>,
    /// Whoever asks what pods have used panics, as in code with a mistake in it.
    pub activity_panics: bool,
    /// How long the host has been up, by its own clock.
    pub uptime: Span,
    /// CPU time that every pod has used, in microseconds.
    pub cpu_usec: u64,
    /// What a GB of a pod's disks costs in a month.
    pub storage_monthly_nanos: i64,
    /// What `task_start` answers instead of starting a task.
    pub task_error: Option<Error>,
    /// What every task has written.
    pub output: Output,
    /// How `run` ends; it goes on until it is signalled when there is no code.
    pub run_exit: Option<i32>,
}

/// Output of which the beginning may be cut.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// The offset of the text.
    pub start: u64,
    /// What there is.
    pub text: String,
}

impl Output {
    /// What a reader gets that wants it from an offset on, and where that begins.
    pub fn after(&self, offset: u64) -> (u64, Bytes) {
        let start = offset.max(self.start);
        let from = usize::try_from(start - self.start).unwrap();
        let text = self.text.get(from..).unwrap_or_default();
        (start, Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// A pod that is only an entry in a map.
pub struct SimPod {
    pub spec: PodSpec,
    pub state: PodState,
    pub failure: Option<Failure>,
    pub tasks: BTreeMap<String, TaskStatus>,
    /// What the host says about how long ago it came up and ended.
    pub began_ago: Option<Span>,
    pub ended_ago: Option<Span>,
}

/// How a pod is.
pub fn status(id: &str, pod: &SimPod) -> PodStatus {
    PodStatus {
        pod: id.to_owned(),
        launch_key: pod.spec.launch_key.clone(),
        state: pod.state,
        detail: pod.failure.as_ref().map(|failure| failure.message.clone()),
        failure: pod.failure.clone(),
        exit_code: None,
        began_ago_ms: pod.began_ago.map(Span::millis),
        ended_ago_ms: pod.ended_ago.map(Span::millis),
        address: None,
    }
}

/// The tree of what a pod has written: one file, if any.
pub fn outputs(content: &ContentStore, file: Option<Vec<u8>>) -> Result<Manifest, ContentError> {
    let Some(bytes) = file else {
        return Manifest::new(Vec::new());
    };
    let hash = content.put(&bytes)?;
    Manifest::new(vec![Entry {
        path: RelPath::new("result")?,
        mode: 0o644,
        mtime_ns: 0,
        kind: Kind::File {
            size: bytes.len() as u64,
            chunks: vec![hash],
        },
    }])
}

/// What a probe of a pod finds that is as it was ordered, but for its workspace if something is wrong
/// with that.
pub fn facts(spec: &PodSpec, no_workspace: Option<&str>) -> Facts {
    let yes = || {
        Some(Answer {
            yes: true,
            why: None,
        })
    };
    let workspace_mounted = match no_workspace {
        None => yes(),
        Some(why) => Some(Answer {
            yes: false,
            why: Some(why.to_owned()),
        }),
    };
    Facts {
        shell: yes(),
        workspace_mounted,
        workspace_writable: yes(),
        free_disk: Some(spec.volume_disk),
        memory: Some(spec.memory),
        vcpu_milli: Some(spec.vcpu_milli),
        // It has none of its own: whatever the engine's clock shows is right.
        clock: Some(Clock {
            asked_ms: i64::MAX,
            answered_ms: i64::MIN,
            pod_less_host_ms: 0,
        }),
        outbound: yes(),
        ..Facts::default()
    }
}

//! Durable commands of a run in its pod: `setup` and `run`.

use super::Scene;
use crate::error::Error;
use crate::run::logs;
use livery_domain::job::WORKDIR;
use livery_domain::pod::Pod;
use livery_domain::run::StepEnd;
use livery_host_api::dto::{Applied, SignalTask, TaskSpec, TaskState, TaskStatus};
use livery_host_api::{Error as HostError, Host};
use livery_units::{Bytes, Span, TaskId, counted, text};
use std::collections::BTreeMap;

/// The task that runs `setup`.
pub(super) const SETUP: &str = "task_setup";

/// The task that runs `run`.
pub(super) const RUN: &str = "task_run";

/// How long a task gets between SIGTERM and SIGKILL: time to write a last checkpoint.
const GRACE: Span = Span::from_secs(30);

/// What is kept of a host's words about a task, in characters.
const DETAIL_CHARS_MAX: usize = 500;

/// Runs a script with bash where the image has it, as SkyPilot does, else with sh.
const SHELL: &str =
    "if command -v bash >/dev/null 2>&1; then exec bash -c \"$1\"; else exec sh -c \"$1\"; fi";

const SIGTERM: i32 = 15;

/// Runs a script as a durable task, copies its output to the run's log, and returns its exit code;
/// a task that another driver began is joined.
pub(super) async fn run(
    scene: &Scene,
    host: &dyn Host,
    pod: &Pod,
    name: &str,
    script: &str,
) -> Result<Result<i32, StepEnd>, Error> {
    let id = task_id(name)?;
    let argv = ["/bin/sh", "-c", SHELL, "livery", script]
        .map(str::to_owned)
        .to_vec();
    let spec = TaskSpec {
        argv,
        env: environment(scene, pod),
        workdir: WORKDIR.to_owned(),
    };
    if let Err(error) = host.task_start(&pod.id, &id, &spec).await {
        return not_started(name, error);
    }
    loop {
        logs::copy(&scene.services, &scene.run, host, &pod.id, &id).await?;
        let status = host.task(&pod.id, &id, Span::from_secs(5)).await?;
        if let Some(end) = ended(name, &status) {
            return Ok(end);
        }
    }
}

/// What the pod cannot do however often it is asked ends the step, such as making the directory that
/// tasks start in where a file is; what may pass is tried again.
fn not_started(name: &str, error: HostError) -> Result<Result<i32, StepEnd>, Error> {
    match error {
        HostError::Invalid(_) | HostError::DiskFull(_) => {
            let what = name.trim_start_matches("task_");
            let why = format!("{what} could not be started: {error}");
            Ok(Err(StepEnd::Failed(why)))
        }
        // The pod may be gone or stopped, which the next try sees.
        HostError::NotFound(_)
        | HostError::NoCapacity(_)
        | HostError::Image(_)
        | HostError::WrongState(_)
        | HostError::Internal(_)
        | HostError::Unreachable(_) => Err(error.into()),
    }
}

fn ended(name: &str, status: &TaskStatus) -> Option<Result<i32, StepEnd>> {
    let what = name.trim_start_matches("task_");
    match status.state {
        TaskState::Running => None,
        TaskState::Exited => Some(Ok(status.exit_code.unwrap_or(-1))),
        TaskState::Failed => {
            let why = status.detail.as_deref().unwrap_or("no reason given");
            let why = text::clean(why, DETAIL_CHARS_MAX);
            Some(Err(StepEnd::Failed(format!(
                "{what} could not be started: {why}"
            ))))
        }
        TaskState::Lost => Some(Err(StepEnd::Failed(format!(
            "{what} vanished: its pod or the process that watched over it was killed"
        )))),
    }
}

/// What `setup` and `run` find in their environment: Livery's own names and those that SkyPilot's
/// users rely on, then the job's, which win.
fn environment(scene: &Scene, pod: &Pod) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = BTreeMap::from([
        ("LIVERY_RUN_ID".to_owned(), scene.run.id.to_string()),
        ("LIVERY_POD_ID".to_owned(), pod.id.to_string()),
        ("SKYPILOT_TASK_ID".to_owned(), scene.run.id.to_string()),
        ("SKYPILOT_NUM_NODES".to_owned(), "1".to_owned()),
        ("SKYPILOT_NODE_RANK".to_owned(), "0".to_owned()),
        ("SKYPILOT_NODE_IPS".to_owned(), "127.0.0.1".to_owned()),
        (
            "SKYPILOT_NUM_GPUS_PER_NODE".to_owned(),
            pod.order.gpu_count.to_string(),
        ),
    ]);
    if let Some(checkpoint) = &scene.job.checkpoint {
        env.insert(
            "LIVERY_CHECKPOINT_DIR".to_owned(),
            checkpoint.dir.to_string(),
        );
    }
    env.extend(scene.job.envs.clone());
    env.extend(
        scene
            .job
            .secrets
            .iter()
            .map(|(key, value)| (key.clone(), value.expose().clone())),
    );
    env
}

/// Ends whatever the run has running in its pod: SIGTERM, time for a last checkpoint, SIGKILL. What
/// cannot be reached, or does not end even so, is left to teardown.
pub(crate) async fn stop_tasks(scene: &Scene) {
    let most = Span::from_millis(2 * GRACE.millis());
    if tokio::time::timeout(most.to_std(), stop_each(scene))
        .await
        .is_err()
    {
        tracing::warn!(run.id = %scene.run.id, "what runs in the pod did not end within {most}");
    }
}

async fn stop_each(scene: &Scene) {
    let Ok(Ok((pod, host))) = scene.pod_up().await else {
        return;
    };
    for name in [SETUP, RUN] {
        let Ok(id) = task_id(name) else { continue };
        let Ok(status) = host.task(&pod.id, &id, Span::ZERO).await else {
            continue;
        };
        if status.state != TaskState::Running {
            continue;
        }
        let signal = SignalTask {
            signal: SIGTERM,
            kill_after_ms: Some(GRACE.millis()),
        };
        if let Err(error) = host.task_signal(&pod.id, &id, &signal).await {
            tracing::warn!(run.id = %scene.run.id, task = name, %error, "a task was not signalled");
            continue;
        }
        let patience = Span::from_millis(GRACE.millis() + 5_000);
        drop(host.task(&pod.id, &id, patience).await);
        drop(logs::copy(&scene.services, &scene.run, &*host, &pod.id, &id).await);
    }
}

fn task_id(name: &str) -> Result<TaskId, Error> {
    name.parse()
        .map_err(|error: livery_units::ParseIdError| Error::Invalid(error.to_string()))
}

/// Says what was sent, for the run's events.
pub(super) fn sent(dest: &str, applied: &Applied) -> String {
    let kept = match applied.files_kept {
        0 => String::new(),
        kept => format!(", {kept} were there already"),
    };
    format!(
        "{dest}: {}, {}{kept}",
        counted(applied.files_written, "file", "files"),
        Bytes::new(applied.bytes_written)
    )
}

/// A tree that does not fit or is refused ends the step; what may pass is tried again.
pub(super) fn end_or_retry(error: Error) -> Result<StepEnd, Error> {
    match error {
        Error::Invalid(why) => Ok(StepEnd::Failed(why)),
        other => Err(other),
    }
}

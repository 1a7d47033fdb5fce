//! Durable commands and their output.

use crate::agent::Core;
use crate::content::make_dir;
use crate::error::{of_io, of_runtime};
use crate::pods::ended;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use livery_host_api::dto::{SignalTask, TaskSpec, TaskState, TaskStatus};
use livery_host_api::{ByteStream, Error, Follow};
use livery_runtime::{CommandSpec, Exit, TaskState as Found};
use livery_units::{Bytes as Size, PodId, Span, TaskId};
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// How much output is kept of one task.
const LOG_MAX: Size = Size::gib(1);
/// How often a task that is waited for is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(50);
/// Output is sent in pieces of at most this.
const PIECE_BYTES: usize = 64 << 10;
/// The signal that cannot be caught.
const SIGKILL: i32 = 9;

impl Core {
    /// Starts a task once, however often it is asked for.
    pub(crate) async fn task_start(
        self: &Arc<Self>,
        pod: &PodId,
        task: &TaskId,
        spec: &TaskSpec,
    ) -> Result<TaskStatus, Error> {
        if spec.argv.is_empty() {
            return Err(Error::Invalid("the command is empty".to_owned()));
        }
        let found = self.find(pod)?;
        let workdir = PathBuf::from(&spec.workdir);
        let task_spec = livery_runtime::TaskSpec {
            id: task.clone(),
            command: CommandSpec {
                argv: spec.argv.clone(),
                env: spec.env.clone().into_iter().collect(),
                workdir: (!spec.workdir.is_empty()).then(|| workdir.clone()),
                user: None,
            },
            log_limit: LOG_MAX,
        };
        self.blocking(move |core| {
            let known = core.runtime.task_state(&found.id, &task_spec.id).is_ok();
            if !known && task_spec.command.workdir.is_some() {
                make_dir(core, &found, &workdir)?;
            }
            let started = core.runtime.task_start(&found.id, &task_spec);
            started.map(drop).map_err(of_runtime)
        })
        .await?;
        self.task(pod, task, Span::ZERO).await
    }

    /// Returns how a task is, or has ended if it does so in time.
    pub(crate) async fn task(
        self: &Arc<Self>,
        pod: &PodId,
        task: &TaskId,
        wait: Span,
    ) -> Result<TaskStatus, Error> {
        let deadline = tokio::time::Instant::now() + wait.to_std();
        loop {
            let (pod, task) = (self.find(pod)?.id.clone(), task.clone());
            let status = self
                .blocking(move |core| core.task_status(&pod, &task))
                .await?;
            let now = tokio::time::Instant::now();
            match status.state {
                TaskState::Running if now < deadline => {
                    tokio::time::sleep_until(deadline.min(now + LOOK_PERIOD)).await;
                }
                TaskState::Running | TaskState::Exited | TaskState::Failed | TaskState::Lost => {
                    return Ok(status);
                }
            }
        }
    }

    fn task_status(&self, pod: &PodId, task: &TaskId) -> Result<TaskStatus, Error> {
        let found = self.runtime.task_state(pod, task).map_err(of_runtime)?;
        let log = self.runtime.task_log_path(pod, task).map_err(of_runtime)?;
        let mut status = TaskStatus {
            task: task.to_string(),
            state: TaskState::Running,
            exit_code: None,
            started_ms: None,
            ended_ms: None,
            // A task that has written nothing yet has no log.
            log_size: std::fs::metadata(log).map_or(0, |log| log.len()),
            detail: None,
        };
        match found {
            Found::Pending => {}
            Found::Running { since } => status.started_ms = Some(since.millis()),
            Found::Ended { since, end } => {
                status.started_ms = Some(since.millis());
                status.ended_ms = Some(end.at.millis());
                status.exit_code = Some(end.exit.code());
                status.detail = ended(&end);
                (status.state, status.detail) = match end.exit {
                    Exit::Code(_) | Exit::Signal(_) => (TaskState::Exited, status.detail),
                    Exit::NotStarted(code) => (TaskState::Failed, Some(not_started(code))),
                    Exit::PodEnded => (TaskState::Lost, Some("its pod ended".to_owned())),
                };
            }
            Found::Lost => {
                status.state = TaskState::Lost;
                let text = "what watched over it vanished, and it with that";
                status.detail = Some(text.to_owned());
            }
        }
        Ok(status)
    }

    /// Sends a signal, and SIGKILL if the task is still there after its time of grace.
    pub(crate) async fn task_signal(
        self: &Arc<Self>,
        pod: &PodId,
        task: &TaskId,
        signal: &SignalTask,
    ) -> Result<(), Error> {
        let pod = self.find(pod)?.id.clone();
        self.signal(&pod, task, signal.signal).await?;
        let Some(grace) = signal.kill_after_ms.map(Span::from_millis) else {
            return Ok(());
        };
        let (core, task) = (Arc::clone(self), task.clone());
        // An agent that dies meanwhile kills nobody; whoever asked asks again.
        self.tasks.spawn(async move {
            let waited = tokio::select! {
                () = core.stop.cancelled() => return,
                waited = core.task(&pod, &task, grace) => waited,
            };
            let ended = match waited.map(|status| status.state) {
                Ok(TaskState::Running) => core.signal(&pod, &task, SIGKILL).await,
                Ok(TaskState::Exited | TaskState::Failed | TaskState::Lost) => Ok(()),
                Err(error) => Err(error),
            };
            match ended {
                Ok(()) | Err(Error::NotFound(_) | Error::WrongState(_)) => {}
                Err(error) => {
                    tracing::warn!(pod.id = %pod, task.id = %task, %error, "a task cannot be killed");
                }
            }
        });
        Ok(())
    }

    async fn signal(
        self: &Arc<Self>,
        pod: &PodId,
        task: &TaskId,
        signal: i32,
    ) -> Result<(), Error> {
        let (pod, task) = (pod.clone(), task.clone());
        self.blocking(move |core| {
            let sent = core.runtime.task_signal(&pod, &task, signal);
            sent.map_err(of_runtime)
        })
        .await
    }

    /// Returns a task's output from an offset on.
    pub(crate) async fn task_log(
        self: &Arc<Self>,
        pod: &PodId,
        task: &TaskId,
        offset: u64,
        follow: Follow,
    ) -> Result<ByteStream, Error> {
        let pod = self.find(pod)?.id.clone();
        let (of_pod, of_task) = (pod.clone(), task.clone());
        let path = self
            .blocking(move |core| {
                let path = core.runtime.task_log_path(&of_pod, &of_task);
                path.map_err(of_runtime)
            })
            .await?;
        let reader = LogReader {
            core: Arc::clone(self),
            pod,
            task: task.clone(),
            path,
            file: None,
            offset,
            follow,
        };
        let pieces = stream::unfold(Some(reader), |reader| async {
            let mut reader = reader?;
            match reader.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(reader))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(pieces.boxed())
    }
}

fn not_started(code: i32) -> String {
    match code {
        127 => "the program was not found in the pod".to_owned(),
        125 => "the pod's first process did not answer".to_owned(),
        126 => "the program cannot be run: it is no program or may not be executed".to_owned(),
        code => format!("the command could not be started ({code})"),
    }
}

/// Reads a log that may still grow.
struct LogReader {
    core: Arc<Core>,
    pod: PodId,
    task: TaskId,
    path: PathBuf,
    file: Option<tokio::fs::File>,
    offset: u64,
    follow: Follow,
}

impl LogReader {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            // Looked at before the file is: what was written before the end is then read.
            let ended = match self.follow {
                Follow::No => Ended::Yes,
                Follow::Yes => self.ended().await?,
            };
            let piece = self
                .read()
                .await
                .map_err(|error| of_io("read the log", &error))?;
            match (piece, ended) {
                (Some(piece), _) => return Ok(Some(piece)),
                (None, Ended::Yes) => return Ok(None),
                (None, Ended::No) => tokio::time::sleep(LOOK_PERIOD).await,
            }
        }
    }

    async fn ended(&self) -> Result<Ended, Error> {
        let status = match self.core.task(&self.pod, &self.task, Span::ZERO).await {
            Ok(status) => status,
            // The pod was removed: nothing more will come.
            Err(Error::NotFound(_)) => return Ok(Ended::Yes),
            Err(error) => return Err(error),
        };
        Ok(match status.state {
            TaskState::Running => Ended::No,
            TaskState::Exited | TaskState::Failed | TaskState::Lost => Ended::Yes,
        })
    }

    async fn read(&mut self) -> std::io::Result<Option<Bytes>> {
        if self.file.is_none() {
            self.file = open_at(&self.path, self.offset).await?;
        }
        let Some(file) = &mut self.file else {
            return Ok(None);
        };
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let length = file.read_buf(&mut piece).await?;
        self.offset += length as u64;
        Ok((length > 0).then(|| piece.into()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    Yes,
}

async fn open_at(path: &Path, offset: u64) -> std::io::Result<Option<tokio::fs::File>> {
    let mut file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    file.seek(SeekFrom::Start(offset)).await?;
    Ok(Some(file))
}

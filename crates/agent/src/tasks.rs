//! Durable commands and their output.

use crate::agent::Core;
use crate::content::make_dir;
use crate::error::{of_io, of_runtime};
use crate::pods::ended;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use livery_disk::Piece;
use livery_host_api::dto::{SignalTask, TaskSpec, TaskState, TaskStatus};
use livery_host_api::{Error, Follow, LogStream};
use livery_runtime::{CommandSpec, Exit, TaskState as Found};
use livery_units::{PodId, Span, TaskId};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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
            log_limit: self.options.log_limit,
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
            log_size: livery_disk::span(&log).map_or(0, |log| log.end),
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

    /// Returns a task's output from an offset on, or from where it begins if that was cut. It ends where
    /// the reader was overtaken by the cutting: one who asks again hears what is missing.
    pub(crate) async fn task_log(
        self: &Arc<Self>,
        pod: &PodId,
        task: &TaskId,
        offset: u64,
        follow: Follow,
    ) -> Result<LogStream, Error> {
        let pod = self.find(pod)?.id.clone();
        let (of_pod, of_task) = (pod.clone(), task.clone());
        let log = self
            .blocking(move |core| {
                let path = core.runtime.task_log_path(&of_pod, &of_task);
                let path = path.map_err(of_runtime)?;
                let first =
                    livery_disk::span(&path).map_err(|error| of_io("read the log", &error))?;
                Ok(livery_disk::LogReader::new(&path, offset.max(first.start)))
            })
            .await?;
        let start = log.offset();
        let reader = LogReader {
            core: Arc::clone(self),
            pod,
            task: task.clone(),
            log: Some(log),
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
        let bytes = pieces.boxed();
        Ok(LogStream { start, bytes })
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
    /// None while a thread that may block has it.
    log: Option<livery_disk::LogReader>,
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
            match (self.read().await?, ended) {
                ((Piece::Bytes(_), bytes), _) => return Ok(Some(bytes)),
                ((Piece::Cut { .. }, _), _) | ((Piece::End, _), Ended::Yes) => return Ok(None),
                ((Piece::End, _), Ended::No) => tokio::time::sleep(LOOK_PERIOD).await,
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

    async fn read(&mut self) -> Result<(Piece, Bytes), Error> {
        let Some(mut log) = self.log.take() else {
            return Ok((Piece::End, Bytes::new()));
        };
        let (log, read) = self
            .core
            .blocking(move |_| {
                let mut buffer = vec![0; PIECE_BYTES];
                let read = log.read(&mut buffer).map(|piece| {
                    buffer.truncate(match piece {
                        Piece::Bytes(count) => count,
                        Piece::End | Piece::Cut { .. } => 0,
                    });
                    (piece, Bytes::from(buffer))
                });
                Ok((log, read))
            })
            .await?;
        self.log = Some(log);
        read.map_err(|error| of_io("read the log", &error))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    Yes,
}

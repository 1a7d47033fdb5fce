//! The job's own output, kept by the control plane: what was copied outlives the pod.

use crate::error::Error;
use crate::services::Services;
use bytes::Bytes;
use futures_util::StreamExt;
use livery_disk::{LogReader, LogWriter, Piece};
use livery_domain::run::{Run, RunStep};
use livery_host_api::{ByteStream, Error as HostError, Follow, Host, LogStream};
use livery_units::{PodId, RunId, TaskId};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes that a reader gets at once.
const READ_BYTES: usize = 64 << 10;

/// Chunks in flight to a reader.
const CHUNKS_IN_FLIGHT: usize = 8;

/// Copies a task's output to the end of the run's log until the task has ended. May be cut and
/// called again: it goes on where the copy ends.
pub(crate) async fn copy(
    services: &Services,
    run: &Run,
    host: &dyn Host,
    pod: &PodId,
    task: &TaskId,
) -> Result<(), Error> {
    let part = part_path(services, run, pod, task);
    let limit = services.log_limit;
    let mut log = on_disk(&part, move |part| LogWriter::open(part, limit)).await?;
    loop {
        let mut output = host.task_log(pod, task, log.end(), Follow::Yes).await?;
        let mut end = log.end().max(output.start);
        let before = end;
        // What the host cut meanwhile is missing here too.
        log = on_disk(&part, move |_| log.skip_to(end).map(|()| log)).await?;
        while let Some(bytes) = output.bytes.next().await {
            let bytes = bytes?;
            end += bytes.len() as u64;
            log = on_disk(&part, move |_| log.append(&bytes).map(|()| log)).await?;
            services.announce();
        }
        // It may have ended because the host cut what was to follow.
        if end == before {
            return on_disk(&part, move |_| log.sync()).await;
        }
    }
}

/// Returns a run's output from `offset` on, or from where it begins if that was cut; with `follow`,
/// until the run is over. It ends early where something was cut: the next reader hears what.
pub(crate) async fn read(
    services: Arc<Services>,
    run: RunId,
    offset: u64,
    follow: Follow,
) -> Result<LogStream, Error> {
    let dir = services.logs_dir.join(run.as_str());
    let start = on_disk(&dir, move |dir| {
        Ok(Place::of(dir, offset)?.map_or(offset, |place| place.position))
    })
    .await?;
    let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
    tokio::spawn(async move {
        let mut position = start;
        loop {
            let changed = services.board.changed.notified();
            let over = is_over(&services, &run).await;
            match send_from(&dir, position, &sender).await {
                Ok(Sent::UpTo(end)) => position = end,
                Ok(Sent::ToACut) => return,
                Err(error) => {
                    let error = HostError::Internal(error.to_string());
                    drop(sender.send(Err(error)).await);
                    return;
                }
            }
            if over || follow == Follow::No || sender.is_closed() {
                return;
            }
            // Changes are announced; the pause is for a control plane that shares the disk.
            drop(tokio::time::timeout(std::time::Duration::from_secs(1), changed).await);
        }
    });
    let bytes: ByteStream = tokio_stream::wrappers::ReceiverStream::new(receiver).boxed();
    Ok(LogStream { start, bytes })
}

async fn is_over(services: &Services, run: &RunId) -> bool {
    services
        .store
        .run_fetch(run)
        .await
        .is_ok_and(|run| run.is_over() || run.step > RunStep::Train)
}

enum Sent {
    UpTo(u64),
    ToACut,
}

/// Sends what the parts hold after `position`, up to their end or to something that was cut.
async fn send_from(
    dir: &Path,
    mut position: u64,
    sender: &mpsc::Sender<Result<Bytes, HostError>>,
) -> Result<Sent, Error> {
    loop {
        let place = on_disk(dir, move |dir| Place::of(dir, position)).await?;
        let Some(place) = place else {
            return Ok(Sent::UpTo(position));
        };
        if place.position > position {
            return Ok(Sent::ToACut);
        }
        let mut log = place.log;
        loop {
            let (next, piece, bytes) = on_disk(dir, move |_| {
                let mut buffer = vec![0; READ_BYTES];
                let piece = log.read(&mut buffer)?;
                Ok((log, piece, buffer))
            })
            .await?;
            log = next;
            let count = match piece {
                Piece::Bytes(count) => count,
                Piece::End => break,
                Piece::Cut { .. } => return Ok(Sent::ToACut),
            };
            let bytes = Bytes::from(bytes).slice(..count);
            if sender.send(Ok(bytes)).await.is_err() {
                return Ok(Sent::UpTo(position));
            }
            position += count as u64;
        }
    }
}

/// Where in which part a position is that is counted over all parts in order.
struct Place {
    /// The position, or the next one that is there.
    position: u64,
    log: LogReader,
}

impl Place {
    /// Finds what is at a position or after it; none at the end.
    fn of(dir: &Path, position: u64) -> io::Result<Option<Self>> {
        let mut before = 0;
        for part in parts(dir)? {
            let span = livery_disk::span(&part)?;
            let offset = position.saturating_sub(before).max(span.start);
            if offset < span.end {
                return Ok(Some(Self {
                    position: before + offset,
                    log: LogReader::new(&part, offset),
                }));
            }
            before += span.end;
        }
        // What was cut to the end of all of it.
        Ok((before > position).then(|| Self {
            position: before,
            log: LogReader::new(dir, 0),
        }))
    }
}

/// Returns the parts of a log in the order in which they were made.
pub(crate) fn parts(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut parts: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    parts.sort();
    Ok(parts)
}

/// One log per attempt and task, named so that they sort in the order in which they ran.
fn part_path(services: &Services, run: &Run, pod: &PodId, task: &TaskId) -> PathBuf {
    let dir = services.logs_dir.join(run.id.as_str());
    let (attempt, step) = (run.excluded.len(), run.step.number());
    dir.join(format!("{attempt:04}-{step}-{pod}-{task}.log"))
}

/// Does something with a log on a thread that may wait for the disk.
async fn on_disk<T: Send + 'static>(
    path: &Path,
    act: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let path = path.to_owned();
    let acted =
        tokio::task::spawn_blocking(move || act(&path).map_err(|error| broken(&path, &error)));
    acted
        .await
        .unwrap_or_else(|error| Err(Error::Store(error.to_string())))
}

fn broken(path: &Path, error: &io::Error) -> Error {
    let words = format!("{}: {error}", path.display());
    match livery_disk::is_full(error) {
        true => Error::DiskFull(words),
        false => Error::Store(words),
    }
}

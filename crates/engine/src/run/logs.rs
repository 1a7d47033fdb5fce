//! The job's own output, kept by the control plane: what was copied outlives the pod.

use crate::error::Error;
use crate::services::Services;
use bytes::Bytes;
use futures_util::StreamExt;
use livery_domain::run::{Run, RunStep};
use livery_host_api::{ByteStream, Follow, Host};
use livery_units::{PodId, RunId, TaskId};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
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
    let part = part_path(services, run, pod, task)?;
    let file = File::options().create(true).append(true).open(&part).await;
    let mut file = file.map_err(|error| broken(&part, &error))?;
    let copied = file
        .metadata()
        .await
        .map_err(|error| broken(&part, &error))?
        .len();
    let mut output = host.task_log(pod, task, copied, Follow::Yes).await?;
    while let Some(bytes) = output.next().await {
        file.write_all(&bytes?)
            .await
            .map_err(|error| broken(&part, &error))?;
        file.flush().await.map_err(|error| broken(&part, &error))?;
        services.announce();
    }
    file.sync_data()
        .await
        .map_err(|error| broken(&part, &error))
}

/// Returns a run's output from `offset` on; with `follow`, until the run is over.
pub(crate) fn read(services: Arc<Services>, run: RunId, offset: u64, follow: Follow) -> ByteStream {
    let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
    tokio::spawn(async move {
        let mut position = offset;
        loop {
            let changed = services.board.changed.notified();
            let over = is_over(&services, &run).await;
            match send_from(&services, &run, position, &sender).await {
                Ok(sent) => position += sent,
                Err(error) => {
                    drop(
                        sender
                            .send(Err(livery_host_api::Error::Internal(error.to_string())))
                            .await,
                    );
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
    tokio_stream::wrappers::ReceiverStream::new(receiver).boxed()
}

async fn is_over(services: &Services, run: &RunId) -> bool {
    services
        .store
        .run_fetch(run)
        .await
        .is_ok_and(|run| run.is_over() || run.step > RunStep::Train)
}

/// Sends what the parts hold after `position` (counted over all parts in order).
async fn send_from(
    services: &Services,
    run: &RunId,
    position: u64,
    sender: &mpsc::Sender<Result<Bytes, livery_host_api::Error>>,
) -> Result<u64, Error> {
    let dir = services.logs_dir.join(run.as_str());
    let mut skip = position;
    let mut sent = 0;
    for part in parts(&dir)? {
        let mut file = File::open(&part)
            .await
            .map_err(|error| broken(&part, &error))?;
        let size = file
            .metadata()
            .await
            .map_err(|error| broken(&part, &error))?
            .len();
        if size <= skip {
            skip -= size;
            continue;
        }
        file.seek(io::SeekFrom::Start(skip))
            .await
            .map_err(|error| broken(&part, &error))?;
        skip = 0;
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = file
                .read(&mut buffer)
                .await
                .map_err(|error| broken(&part, &error))?;
            if count == 0
                || sender
                    .send(Ok(Bytes::copy_from_slice(&buffer[..count])))
                    .await
                    .is_err()
            {
                break;
            }
            sent += count as u64;
        }
    }
    Ok(sent)
}

/// Returns the parts of a log in the order in which they were made.
fn parts(dir: &PathBuf) -> Result<Vec<PathBuf>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(broken(dir, &error)),
    };
    let mut parts: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    parts.sort();
    Ok(parts)
}

/// One file per attempt and task, named so that they sort in the order in which they ran.
fn part_path(services: &Services, run: &Run, pod: &PodId, task: &TaskId) -> Result<PathBuf, Error> {
    let dir = services.logs_dir.join(run.id.as_str());
    std::fs::create_dir_all(&dir).map_err(|error| broken(&dir, &error))?;
    Ok(dir.join(format!(
        "{:04}-{}-{pod}-{task}.log",
        run.excluded.len(),
        run.step.number()
    )))
}

fn broken(path: &std::path::Path, error: &io::Error) -> Error {
    let words = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull(words),
        _ => Error::Store(words),
    }
}

//! Drops the output of jobs that ended long ago; their runs stay listed.

use super::{BackgroundTask, TaskBoard};
use crate::run;
use crate::services::Services;
use async_trait::async_trait;
use livery_store::Which;
use livery_units::{Bytes, RunId, Span, Timestamp};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;

/// The sweep: output goes by age, and the oldest first when all of it together is too much.
pub(crate) struct LogSweep;

/// How long the output of a run is kept after its end.
const KEEP: Span = Span::from_secs(30 * 24 * 3_600);

/// What the output of all runs may take; that of runs which have not ended is counted and kept.
const TOTAL_MAX: Bytes = Bytes::gib(4);

#[async_trait]
impl BackgroundTask for LogSweep {
    fn name(&self) -> &'static str {
        "log-sweep"
    }

    fn period(&self) -> Span {
        Span::from_secs(3_600)
    }

    fn nudge<'b>(&self, _: &'b TaskBoard) -> Option<&'b Notify> {
        None
    }

    async fn activate(&self, services: &Arc<Services>) -> Value {
        let runs = match services.store.run_list(None, Which::All).await {
            Ok(runs) => runs,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let ended = runs
            .into_iter()
            .filter_map(|run| Some((run.ended?, run.id)));
        let mut ended: Vec<(Timestamp, RunId)> = ended.collect();
        ended.sort();
        let (dir, now) = (services.logs_dir.clone(), services.now());
        let swept = tokio::task::spawn_blocking(move || {
            let old = ended.iter().filter(|(at, _)| now.since(*at) > KEEP).count();
            sweep(&dir, &ended, old, TOTAL_MAX)
        });
        match swept.await {
            Ok(Ok(cleared)) => json!({ "cleared_runs": cleared }),
            Ok(Err(error)) => json!({ "error": error.to_string() }),
            Err(error) => json!({ "error": error.to_string() }),
        }
    }
}

/// Clears the logs of the first `old` runs, and of as many more as it takes to come below `most`.
/// Returns how many had any.
fn sweep(dir: &Path, ended: &[(Timestamp, RunId)], old: usize, most: Bytes) -> io::Result<u64> {
    let mut total = 0;
    for run in run::log_parts(dir)? {
        total += size(&run)?;
    }
    let mut cleared = 0;
    for (index, (_, run)) in ended.iter().enumerate() {
        if index >= old && total <= most.get() {
            break;
        }
        let log = dir.join(run.as_str());
        let takes = size(&log)?;
        if takes == 0 {
            continue;
        }
        for part in run::log_parts(&log)? {
            livery_disk::clear(&part)?;
        }
        total = total.saturating_sub(takes);
        cleared += 1;
    }
    Ok(cleared)
}

fn size(run: &Path) -> io::Result<u64> {
    let parts = run::log_parts(run)?.into_iter();
    parts.map(|part| livery_disk::size_on_disk(&part)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_disk::{LogWriter, span};

    #[test]
    fn old_logs_go_and_the_oldest_when_there_is_too_much() {
        let place = tempfile::tempdir().unwrap();
        let ended: Vec<_> = (1..=5_u8)
            .map(|number| {
                let run = RunId::from_entropy(u128::from(number));
                let part = place.path().join(run.as_str()).join("0000-6-pod-task.log");
                let mut log = LogWriter::open(&part, Bytes::mib(1)).unwrap();
                log.append(&[number; 10_000]).unwrap();
                (Timestamp::from_millis(i64::from(number)), run)
            })
            .collect();
        let part = |index: usize| {
            let dir = place.path().join(ended[index].1.as_str());
            dir.join("0000-6-pod-task.log")
        };
        let each = livery_disk::size_on_disk(&part(0)).unwrap();
        let most = Bytes::new(3 * each);
        assert_eq!(sweep(place.path(), &ended, 1, Bytes::gib(1)).unwrap(), 1);
        assert_eq!(sweep(place.path(), &ended, 1, most).unwrap(), 1);
        assert_eq!(sweep(place.path(), &ended, 1, most).unwrap(), 0);
        for index in 0..5 {
            let from = if index < 2 { 10_000 } else { 0 };
            assert_eq!(span(&part(index)).unwrap(), from..10_000);
        }
    }
}

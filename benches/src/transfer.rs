//! Files into a pod, beside rsync over ssh to the same machine; and the same files once more.
//!
//! Livery's time is what a run spends on files: from the command's start until the run is
//! accepted (scan and upload), and its step `transfer` (into the pod). How long the pod takes to
//! come up and to go is another measurement.

use crate::args::Args;
use crate::child::output;
use crate::data;
use crate::proxy::Proxy;
use crate::report::{Samples, table};
use crate::rsync::Ssh;
use crate::server::Livery;
use anyhow::{Context, Result, bail};
use livery_api::dto::{EventsQuery, Run, Which};
use livery_domain::run::{EventKind, Outcome, RunStep};
use livery_units::Timestamp;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const ROUNDS: usize = 3;

/// Measures both kinds of data, and what a second transfer moves.
pub(crate) async fn measure(args: &Args) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("livery-bench-")
        .tempdir_in(&args.dir)?;
    let ssh = Ssh::start(directory.path())?;
    let small = directory.path().join("small");
    data::small_files(&small)?;
    one_kind(args, &ssh, "20,000 small files", &small, directory.path()).await?;
    std::fs::remove_dir_all(&small)?;
    let large = directory.path().join("large");
    data::large_file(&large)?;
    one_kind(args, &ssh, "one file of 2 GiB", &large, directory.path()).await
}

async fn one_kind(args: &Args, ssh: &Ssh, kind: &str, data: &Path, directory: &Path) -> Result<()> {
    let mut ours = ["livery run"; 2].map(Samples::new);
    let mut theirs = ["rsync -a over ssh"; 2].map(Samples::new);
    let mut moved = [0; 2];
    for _ in 0..args.rounds.unwrap_or(ROUNDS) {
        // Everything is new in each round, so that the first transfer is a first one.
        let round = tempfile::tempdir_in(directory)?;
        let target = round.path().join("rsync");
        for samples in &mut theirs {
            settle();
            let sent = ssh.send(data, &target)?;
            samples.push(sent.time);
            moved[1] = sent.bytes;
        }
        std::fs::remove_dir_all(&target)?;
        let livery = Livery::start(args, round.path()).await?;
        let sent = livery_round(&livery, data, round.path(), &mut ours).await;
        livery.clear().await?;
        moved[0] = sent?;
    }
    let title = format!("transfer: {kind}");
    println!("{}", table(&title, &ours[0], &[&theirs[0]]));
    print!(
        "{}",
        table(&format!("{title}, again"), &ours[1], &[&theirs[1]])
    );
    let whole = size_of(data)?;
    for (name, bytes) in [("livery", moved[0]), ("rsync", moved[1])] {
        println!(
            "  {name} sent {bytes} of {whole} bytes again ({})",
            percent(bytes, whole)
        );
    }
    println!();
    Ok(())
}

/// Sends the data twice against the clock, and once more to count; returns what that sent.
async fn livery_round(
    livery: &Livery,
    data: &Path,
    directory: &Path,
    ours: &mut [Samples; 2],
) -> Result<u64> {
    let job = directory.join("job.yaml");
    std::fs::write(
        &job,
        format!(
            "name: transfer\nresources:\n  image_id: host\n  cpus: 1+\n  memory: 1+\n  \
             disk_size: 8\nfile_mounts:\n  /workspace/data: {}\nrun: ls /workspace/data\n",
            data.display()
        ),
    )?;
    for samples in ours {
        settle();
        samples.push(sent_by_run(livery, &job).await?);
    }
    let here = directory.join("proxy.sock");
    let proxy = Proxy::start(&here, livery.socket.clone())?;
    let mut command = livery.command();
    command
        .env("LIVERY_SERVER", &here)
        .args(["run", "--yes"])
        .arg(&job);
    // Off the runtime's threads, on which the proxy works meanwhile.
    tokio::task::spawn_blocking(move || output(&mut command)).await??;
    Ok(proxy.sent())
}

/// Runs the job and returns what it spent on files.
async fn sent_by_run(livery: &Livery, job: &Path) -> Result<Duration> {
    let begin = now();
    output(livery.command().args(["run", "--yes"]).arg(job))?;
    let runs = livery.client.runs(Which::All).await?.runs;
    let run = runs.first().context("the control plane knows of no run")?;
    if run.outcome != Outcome::Succeeded {
        let reason = run.reason.clone().unwrap_or_default();
        bail!("the run ended as {}: {reason}", run.outcome);
    }
    let upload = run.created.since(begin).to_std();
    Ok(upload + step_transfer(livery, run).await?)
}

async fn step_transfer(livery: &Livery, run: &Run) -> Result<Duration> {
    let all = EventsQuery {
        after: 0,
        wait_ms: 0,
    };
    let events = livery
        .client
        .run_events(&run.id.to_string(), all)
        .await?
        .events;
    let at = |kind| {
        let mut found = events
            .iter()
            .filter(|e| e.step == RunStep::Transfer && e.kind == kind);
        found
            .next()
            .map(|event| event.at)
            .context("the run has no such event of its transfer")
    };
    Ok(at(EventKind::Done)?.since(at(EventKind::Began)?).to_std())
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Lets the kernel finish writing what others left, so that nobody pays for it.
fn settle() {
    rustix::fs::sync();
}

fn size_of(directory: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += match metadata.is_dir() {
            true => size_of(&entry.path())?,
            false => metadata.len(),
        };
    }
    Ok(sum)
}

/// A share in thousandths of a percent, without rounding it to nothing.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 100_000 / u128::from(whole.max(1));
    format!("{}.{:03} %", thousandths / 1000, thousandths % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_shares_are_not_rounded_to_nothing() {
        assert_eq!(percent(1, 200), "0.500 %");
        assert_eq!(percent(21, 2_000_000), "0.001 %");
        assert_eq!(percent(3, 2), "150.000 %");
        assert_eq!(percent(0, 0), "0.000 %");
    }

    #[test]
    fn sizes_are_added_up() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("a")).unwrap();
        std::fs::write(directory.path().join("a/b"), "12345").unwrap();
        std::fs::write(directory.path().join("c"), "123").unwrap();
        assert_eq!(size_of(directory.path()).unwrap(), 8);
    }
}

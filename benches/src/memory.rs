//! What an idle server holds.

use crate::args::Args;
use crate::server::Livery;
use anyhow::{Context, Result};
use std::time::Duration;

/// How long the server is left alone first.
const SETTLE: Duration = Duration::from_secs(10);
const LOOKS: u32 = 10;

/// Prints the resident memory of `livery serve` with its host, and of every process it started.
pub(crate) async fn measure(args: &Args) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("livery-bench-")
        .tempdir_in(&args.dir)?;
    let livery = Livery::start(args, directory.path()).await?;
    tokio::time::sleep(SETTLE).await;
    let mut most = 0;
    for _ in 0..LOOKS {
        most = most.max(resident_kib(livery.pid())?);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("memory: an idle `livery serve` with its host, the most of {LOOKS} looks");
    println!("  resident {:.1} MB", f64::from(most) * 1024.0 / 1e6);
    Ok(())
}

/// Adds up the resident memory of a process and its descendants.
fn resident_kib(pid: u32) -> Result<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} is gone"))?;
    let own = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .context("the kernel does not tell resident memory")?;
    let mut sum: u32 = own;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let children = std::fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        for child in children
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
        {
            // A child that ends meanwhile holds nothing any more.
            sum += resident_kib(child).unwrap_or(0);
        }
    }
    Ok(sum)
}

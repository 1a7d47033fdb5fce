//! The command line's answer, beside another's.

use crate::args::Args;
use crate::child::output;
use crate::docker::Docker;
use crate::report::{Samples, table};
use crate::server::Livery;
use anyhow::Result;
use std::process::Command;
use std::time::{Duration, Instant};

const ROUNDS: usize = 50;

/// Measures `livery pods` and `docker ps` from start to end, each against a running server.
pub(crate) async fn measure(args: &Args) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("livery-bench-")
        .tempdir_in(&args.dir)?;
    let docker = Docker::start(args, directory.path())?;
    let livery = Livery::start(args, directory.path()).await?;
    let mut ours = Samples::new("livery pods");
    let mut theirs = Samples::new("docker ps");
    timed(livery.command().arg("pods"))?;
    timed(docker.command().arg("ps"))?;
    for _ in 0..args.rounds.unwrap_or(ROUNDS) {
        ours.push(timed(livery.command().arg("pods"))?);
        theirs.push(timed(docker.command().arg("ps"))?);
    }
    let title = "cli: a listing from a running server, start to end";
    println!("{}", table(title, &ours, &[&theirs]));
    Ok(())
}

fn timed(command: &mut Command) -> Result<Duration> {
    let begin = Instant::now();
    output(command)?;
    Ok(begin.elapsed())
}

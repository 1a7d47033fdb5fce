//! A pod's first command, beside `docker run` of the same image.

use crate::args::Args;
use crate::docker::Docker;
use crate::report::{Samples, table};
use crate::server::Livery;
use anyhow::{Context, Result, bail};
use bytes::BytesMut;
use futures_util::StreamExt;
use livery_api::dto::{ExecSpec, NewPod};
use livery_host_api::frame::Frame;
use livery_units::Bytes;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const ROUNDS: usize = 20;

/// Measures from the API call to the first output of a command, with a cached image.
pub(crate) async fn measure(args: &Args) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("livery-bench-")
        .tempdir_in(&args.dir)?;
    let docker = Docker::start(args, directory.path())?;
    let archive = directory.path().join("image.tar");
    docker.save(&archive)?;
    let livery = Livery::start(args, directory.path()).await?;
    let order = NewPod {
        image: format!("docker-archive:{}", archive.display()),
        vcpu_milli: Some(1000),
        memory: Some(Bytes::mib(256)),
        ..NewPod::default()
    };
    let measured = rounds(args, &docker, &livery, &order).await;
    livery.clear().await?;
    println!("{}", measured?);
    Ok(())
}

async fn rounds(args: &Args, docker: &Docker, livery: &Livery, order: &NewPod) -> Result<String> {
    // Once each before it counts, so that both have the image unpacked and their files in memory.
    first_command(livery, order).await?;
    docker.run_once()?;
    docker.api_once()?;
    let mut ours = Samples::new("livery, API");
    let mut by_cli = Samples::new("docker run");
    let mut by_api = Samples::new("Docker Engine, API");
    for _ in 0..args.rounds.unwrap_or(ROUNDS) {
        ours.push(first_command(livery, order).await?);
        by_cli.push(docker.run_once()?);
        by_api.push(docker.api_once()?);
    }
    let title = "pods: from the call to the first output of a command, cached image";
    Ok(table(title, &ours, &[&by_cli, &by_api]))
}

/// Makes a pod, runs a command in it, and returns the time to the command's first output.
async fn first_command(livery: &Livery, order: &NewPod) -> Result<Duration> {
    let begin = Instant::now();
    let pod = livery.pod_up(order).await?.id.to_string();
    let spec = ExecSpec {
        argv: vec!["/bin/echo".into(), "up".into()],
        env: BTreeMap::new(),
        workdir: None,
        tty: None,
    };
    let mut session = livery.client.pod_exec(&pod, &spec).await?;
    let mut buffer = BytesMut::new();
    let time = loop {
        let part = session
            .output
            .next()
            .await
            .context("the session ended without output")?;
        buffer.extend_from_slice(&part?);
        match Frame::decode(&mut buffer)? {
            Some(Frame::Stdout(_)) => break begin.elapsed(),
            Some(frame @ (Frame::Exit(_) | Frame::Failed(_))) => {
                bail!("the command gave no output: {frame:?}")
            }
            _ => {}
        }
    };
    livery.pod_gone(&pod).await?;
    Ok(time)
}

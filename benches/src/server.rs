//! A control plane with a host agent, measured and then stopped.

use crate::args::Args;
use crate::child::Server;
use anyhow::{Context, Result, bail};
use livery_api::dto::{NewPod, Pod, Which};
use livery_api::{Client, Target};
use livery_domain::pod::Phase;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const START_PATIENCE: Duration = Duration::from_secs(60);
const POD_PATIENCE: Duration = Duration::from_secs(120);
const WAIT_MS: u64 = 5_000;

/// A running `livery serve` with a directory of its own.
pub(crate) struct Livery {
    /// Its API.
    pub client: Client,
    /// Where it listens.
    pub socket: PathBuf,
    binary: PathBuf,
    cache: PathBuf,
    server: Server,
}

impl Livery {
    /// Starts one in `directory` and waits until it answers.
    pub(crate) async fn start(args: &Args, directory: &Path) -> Result<Self> {
        let socket = directory.join("livery.sock");
        let cache = directory.join("cache");
        let mut command = Command::new(&args.livery);
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(directory.join("data"))
            .arg("--socket")
            .arg(&socket);
        let mut server = Server::start(&mut command, directory.join("serve.log"))?;
        let client = Client::new(Target::Unix(socket.clone()), None);
        let deadline = Instant::now() + START_PATIENCE;
        while let Err(error) = client.health().await {
            server.check_alive()?;
            if Instant::now() > deadline {
                bail!(
                    "livery serve does not answer: {error}\n{}",
                    server.log_end()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let binary = args.livery.clone();
        Ok(Self {
            client,
            socket,
            binary,
            cache,
            server,
        })
    }

    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Returns a `livery` command that speaks to this control plane.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env("LIVERY_SERVER", &self.socket)
            .env("XDG_CACHE_HOME", &self.cache);
        command
    }

    /// Asks for a pod and waits until it runs.
    pub(crate) async fn pod_up(&self, pod: &NewPod) -> Result<Pod> {
        let pod = self.client.pod_create(pod).await?;
        self.pod_in(&pod.id.to_string(), Phase::Running).await
    }

    /// Terminates a pod and waits until it is gone.
    pub(crate) async fn pod_gone(&self, pod: &str) -> Result<()> {
        self.client.pod_terminate(pod).await?;
        self.pod_in(pod, Phase::Terminated).await.map(|_| ())
    }

    /// Terminates whatever is left, since pods outlive their control plane.
    pub(crate) async fn clear(&self) -> Result<()> {
        for pod in self.client.pods(Which::Live).await?.pods {
            self.pod_gone(&pod.id.to_string()).await?;
        }
        Ok(())
    }

    async fn pod_in(&self, pod: &str, phase: Phase) -> Result<Pod> {
        let deadline = Instant::now() + POD_PATIENCE;
        loop {
            let seen = self
                .client
                .pod_wait(pod, WAIT_MS)
                .await
                .with_context(|| format!("waiting for pod {pod}"))?;
            if seen.phase == phase {
                return Ok(seen);
            }
            let over = matches!(seen.phase, Phase::Terminated | Phase::Lost | Phase::Exited);
            if over || Instant::now() > deadline {
                let reason = seen.reason.unwrap_or_else(|| "no reason given".into());
                bail!(
                    "pod {pod} is {} and should be {phase}: {reason}",
                    seen.phase
                );
            }
        }
    }
}

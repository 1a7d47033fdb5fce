//! The host agent: made inside the control plane, or served as a process of its own.

use super::lock::{self, Lock, Taken};
use super::logging;
use super::process::{self, EXIT_TAKEN, Stance};
use super::ranges::Ranges;
use super::registry_args::RegistryArgs;
use crate::config::Draft;
use crate::failure::{Ending, Failure};
use anyhow::Context;
use livery_agent::{
    Agent, AgentOptions, Content, Limits, ParseGpusError, SimulatedGpus, StoragePrices,
};
use livery_domain::offer::Tier;
use livery_runtime::net::Subnet;
use livery_units::{Bytes, Money};
use rustix::process::geteuid;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What this machine offers; each is a key of livery.toml too.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "This machine")]
pub struct MachineArgs {
    /// Pretend GPUs, for development: MODEL[:COUNT[:VRAM]], such as "RTX 4090:2"; may be given
    /// several times
    #[arg(long, value_name = "GPUS", value_parser = simulated)]
    simulate_gpus: Vec<String>,
    /// Dollars per hour for the whole machine
    #[arg(long, value_name = "DOLLARS", default_value = "0", value_parser = price)]
    price: Money,
    /// Dollars per GB and month for the disks of running pods
    #[arg(long, value_name = "DOLLARS", default_value = "0", value_parser = price)]
    storage_price: Money,
    /// Dollars per GB and month for the volume disks of stopped pods
    #[arg(long, value_name = "DOLLARS", default_value = "0", value_parser = price)]
    stopped_storage_price: Money,
    /// Dollars per GB and month for network volumes
    #[arg(long, value_name = "DOLLARS", default_value = "0", value_parser = price)]
    volume_price: Money,
    /// Where the machine stands: local, community or secure
    #[arg(long, default_value = "local")]
    tier: Tier,
    /// Region, in your own words
    #[arg(long, default_value = "here")]
    region: String,
    /// The most virtual CPUs that pods may use [default: all]
    #[arg(long, value_name = "N")]
    max_cpus: Option<u32>,
    /// The most memory that pods may use [default: all but a reserve]
    #[arg(long, value_name = "SIZE")]
    max_memory: Option<Bytes>,
    /// The most disk that pods may use [default: all but a reserve]
    #[arg(long, value_name = "SIZE")]
    max_disk: Option<Bytes>,
    #[command(flatten)]
    registries: RegistryArgs,
    /// The addresses that pods are given, four per pod; two agents on one machine need two ranges
    /// [default: 10.213.0.0/16, or one derived from an unusual data directory]
    #[arg(long, value_name = "SUBNET")]
    pod_subnet: Option<Subnet>,
    /// What the names of pods' network interfaces begin with; two agents on one machine need two
    /// [default: lvy, or one derived from an unusual data directory]
    #[arg(long, value_name = "NAME")]
    pod_interfaces: Option<String>,
    /// First of this machine's user ids that pods' users are mapped to, 65,536 per pod; two agents
    /// on one machine need two ranges [default: 1048576, or one derived from an unusual data
    /// directory]
    #[arg(long, value_name = "UID")]
    pod_uids: Option<u32>,
}

impl MachineArgs {
    fn options(
        &self,
        log_limit: Bytes,
        data_dir: &Path,
        content: Content,
    ) -> anyhow::Result<AgentOptions> {
        let shim = std::env::current_exe().context("cannot find this program's own file")?;
        let mut options = AgentOptions::new(data_dir.to_owned(), shim);
        for gpus in &self.simulate_gpus {
            options.simulated_gpus.push(gpus.parse::<SimulatedGpus>()?);
        }
        options.price_hourly = self.price;
        options.storage = StoragePrices {
            running: self.storage_price,
            stopped: self.stopped_storage_price,
            volume: self.volume_price,
        };
        options.tier = self.tier;
        options.region.clone_from(&self.region);
        options.content = content;
        options.limits = Limits {
            vcpu_milli: self.max_cpus.map(|cpus| cpus.saturating_mul(1_000)),
            memory: self.max_memory,
            disk: self.max_disk,
        };
        options.log_limit = log_limit;
        options.registries = self.registries.registries();
        let ranges = Ranges::of(data_dir);
        options.network.subnet = self.pod_subnet.unwrap_or(ranges.subnet);
        options.network.name = self.pod_interfaces.clone().unwrap_or(ranges.interfaces);
        options.id_base = self.pod_uids.unwrap_or(ranges.first_uid);
        Ok(options)
    }
}

/// Checks the text and keeps it, so that it can be handed on to a daemon as it was given.
fn simulated(text: &str) -> Result<String, ParseGpusError> {
    text.parse::<SimulatedGpus>().map(|_| text.to_owned())
}

/// A price below nothing would pay users for using the machine.
/// More is a slip of the finger, and charges never come near the end of what money can count.
const PRICE_MAX: Money = Money::from_nanos(1_000_000 * 1_000_000_000);

fn price(text: &str) -> Result<Money, String> {
    match text.parse::<Money>() {
        Ok(price) if price.is_negative() => {
            Err("a price is not negative; 0 is for nothing".to_owned())
        }
        Ok(price) if price > PRICE_MAX => Err(format!("a price is at most {PRICE_MAX}")),
        Ok(price) => Ok(price),
        Err(error) => Err(error.to_string()),
    }
}

/// Ends an agent: what cannot be left half-way is done first, but not for ever. Pods go on.
pub async fn close(agent: &Agent) {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
    match tokio::time::timeout(PATIENCE, agent.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the host agent did not end cleanly"),
        Err(_) => tracing::warn!("the host agent was still at work; the next one goes on with it"),
    }
}

/// Makes the agent of this machine.
pub async fn make(
    args: &MachineArgs,
    log_limit: Bytes,
    data_dir: &Path,
    content: Content,
) -> anyhow::Result<Arc<Agent>> {
    if !geteuid().is_root() {
        return Err(
            Failure::failed("the host agent makes containers and needs root")
                .hint("start it with sudo, or run `livery serve --no-host`")
                .into(),
        );
    }
    let options = args.options(log_limit, data_dir, content)?;
    let agent = Agent::open(options).await;
    agent.context("the host agent could not start (`livery doctor` checks this machine)")
}

/// Where a separate host agent is.
pub struct HostPlace {
    /// Its data.
    pub data_dir: PathBuf,
    /// Its socket.
    pub socket: PathBuf,
    /// The user who may use the socket, if not the one who runs the agent.
    pub owner: Option<u32>,
}

/// Serves the agent as a process of its own until it is asked to end. Settings to be kept are written
/// once it listens.
pub fn serve(
    args: &MachineArgs,
    log_limit: Bytes,
    place: &HostPlace,
    kept: Option<Draft>,
    stance: Stance,
) -> anyhow::Result<Ending> {
    process::keep_private();
    if stance == Stance::Background {
        process::leave_user()?;
    }
    process::private_dir(&place.data_dir)?;
    let _lock = match Lock::take(&lock::host_agent(&place.data_dir))? {
        Taken::Ours(lock) => lock,
        Taken::By { .. } if stance == Stance::Background => return Ok(Ending::Code(EXIT_TAKEN)),
        Taken::By { pid } => return Err(taken("host agent", pid, "livery host --stop").into()),
    };
    logging::init();
    process::open_many_files();
    let runtime = process::runtime()?;
    let result = runtime.block_on(serve_until_asked(args, log_limit, place, kept));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

/// Says that a data directory has its process already.
pub fn taken(what: &str, pid: Option<u32>, end: &str) -> Failure {
    let pid = pid.map_or(String::new(), |pid| format!(" (process {pid})"));
    Failure::mistake(format!("a {what} runs already on this data directory{pid}"))
        .hint(format!("`{end}` ends it; `--data-dir` makes another one"))
}

async fn serve_until_asked(
    args: &MachineArgs,
    log_limit: Bytes,
    place: &HostPlace,
    kept: Option<Draft>,
) -> anyhow::Result<Ending> {
    let stop = CancellationToken::new();
    process::stop_on_signals(&stop)?;
    let agent = make(args, log_limit, &place.data_dir, Content::Own).await?;
    let listener = process::listen(&place.socket)?;
    if let Some(owner) = place.owner {
        // Not what a link that was put there meanwhile leads to: the directory may be the owner's.
        std::os::unix::fs::lchown(&place.socket, Some(owner), None)
            .with_context(|| format!("cannot give {} to user {owner}", place.socket.display()))?;
    }
    if let Some(draft) = kept {
        let path = draft.install()?;
        tracing::info!(path = %path.display(), "the settings are kept");
    }
    tracing::info!(socket = %place.socket.display(), "the host agent listens");
    livery_host_api::serve_listener(agent.clone(), listener, stop.cancelled()).await;
    close(&agent).await;
    // Nobody must wait on a socket that nobody listens on.
    let _ = std::fs::remove_file(&place.socket);
    Ok(Ending::Done)
}

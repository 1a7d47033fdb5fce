//! How an agent is set up.

use crate::inventory::gpus::SimulatedGpus;
use livery_content::ContentStore;
use livery_domain::offer::Tier;
use livery_images::Registries;
use livery_runtime::net;
use livery_units::{Bytes, Money};
use std::path::PathBuf;
use std::sync::Arc;

/// How much of the end of an output is kept when nobody says.
pub const LOG_LIMIT: Bytes = Bytes::mib(64);

/// The logs that are counted for a pod: of its own command, of `setup` and of `run`.
const LOGS_OF_A_POD: u64 = 3;

/// How an agent is set up.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// Where the agent keeps pods, images and content; hidden from pods.
    pub data_dir: PathBuf,
    /// The program that is run as `PROGRAM shim …`.
    pub shim: PathBuf,
    /// First of this machine's user ids that are given to pods; each takes 65,536.
    pub id_base: u32,
    /// How pods are connected.
    pub network: net::Options,
    /// What else `host` images must not show.
    pub hide: Vec<PathBuf>,
    /// GPUs to pretend for development.
    pub simulated_gpus: Vec<SimulatedGpus>,
    /// What the owner asks for the whole machine per hour.
    pub price_hourly: Money,
    /// What the owner asks for a GB of disk per month.
    pub storage: StoragePrices,
    /// Where the machine stands.
    pub tier: Tier,
    /// Region, in the owner's words.
    pub region: String,
    /// Where content is kept.
    pub content: Content,
    /// How much of the machine pods may use.
    pub limits: Limits,
    /// How much of the end of its output is kept of a pod's own command, and of each task.
    pub log_limit: Bytes,
    /// What the owner says about registries.
    pub registries: Registries,
}

impl AgentOptions {
    /// Returns the usual settings for a machine of one's own: free of charge, all of it for pods.
    pub fn new(data_dir: PathBuf, shim: PathBuf) -> Self {
        let network = net::Options::new(data_dir.join("host/netns"));
        Self {
            data_dir,
            shim,
            id_base: 1 << 20,
            network,
            hide: Vec::new(),
            simulated_gpus: Vec::new(),
            price_hourly: Money::from_nanos(0),
            storage: StoragePrices::default(),
            tier: Tier::Local,
            region: "here".to_owned(),
            content: Content::Own,
            limits: Limits::default(),
            log_limit: LOG_LIMIT,
            registries: Registries::default(),
        }
    }

    /// What the logs of one pod may take of the disk.
    pub(crate) fn logs_of_a_pod(&self) -> u64 {
        self.log_limit.get().saturating_mul(LOGS_OF_A_POD)
    }

    /// Where the agent keeps its own records.
    pub(crate) fn host_dir(&self) -> PathBuf {
        self.data_dir.join("host")
    }
}

/// What the owner asks for a GB of disk per month; nothing by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoragePrices {
    /// Both disks of a pod that runs.
    pub running: Money,
    /// The volume disk of a pod that is stopped.
    pub stopped: Money,
    /// A network volume, whether a pod has it or not.
    pub volume: Money,
}

/// Where content is kept.
#[derive(Debug, Clone)]
pub enum Content {
    /// In a store of the agent's own with its records, swept by the agent: a control plane may have its
    /// data in the same directory.
    Own,
    /// In a store that a control plane in this process has too and sweeps: nothing is copied
    /// between the two.
    Shared(Arc<ContentStore>),
}

/// The most of the machine that pods may use; what is not said is all but a reserve for the machine
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Virtual CPUs in thousandths.
    pub vcpu_milli: Option<u32>,
    /// Memory.
    pub memory: Option<Bytes>,
    /// Disk.
    pub disk: Option<Bytes>,
}

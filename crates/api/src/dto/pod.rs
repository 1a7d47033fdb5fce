//! Pods as they travel.

use super::offer::{Gpus, Price};
use super::policy::Policy;
use crate::text;
use livery_domain::offer::Tier;
use livery_domain::pod::{Desired, Observed, Phase, burn};
use livery_units::{Bytes, Money, OfferId, PodId, RunId, Span, Timestamp, VolumeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A pod. Its environment does not travel: it may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its id.
    #[serde(with = "text")]
    pub id: PodId,
    /// Its name; not unique.
    pub name: String,
    /// Derived from what is wanted and what was seen.
    #[serde(with = "text")]
    pub phase: Phase,
    /// What its owner wants.
    #[serde(with = "text")]
    pub desired: Desired,
    /// What was last seen.
    #[serde(with = "text")]
    pub observed: Observed,
    /// Why it is not as wanted.
    pub reason: Option<String>,
    /// The run that it serves.
    #[serde(with = "text::option")]
    pub run: Option<RunId>,
    /// The image, as it was asked for.
    pub image: String,
    /// The command, when one was given.
    pub command: Option<Vec<String>>,
    /// GPUs that it has.
    pub gpus: Option<Gpus>,
    /// Virtual CPUs in thousandths.
    pub vcpu_milli: u32,
    /// Memory.
    #[serde(with = "text::size")]
    pub memory: Bytes,
    /// Disk that is gone at stop.
    #[serde(with = "text::size")]
    pub container_disk: Bytes,
    /// Disk that is kept while the pod exists.
    #[serde(with = "text::size")]
    pub volume_disk: Bytes,
    /// The network volume that it has, which stays when the pod is gone.
    #[serde(default, with = "text::option")]
    pub network_volume: Option<VolumeId>,
    /// Where that is mounted; at `/workspace` it is there in the volume disk's place.
    #[serde(default)]
    pub network_volume_path: Option<String>,
    /// TCP ports that it serves.
    pub ports: Vec<u16>,
    /// Who provides it.
    pub supplier: String,
    /// The offer that it was launched on.
    #[serde(with = "text")]
    pub offer: OfferId,
    /// Where, in the supplier's own words.
    pub region: String,
    /// Data centre, somebody's machine, or this one.
    #[serde(with = "text")]
    pub tier: Tier,
    /// What its machine costs while it is up.
    pub price: Price,
    /// What one hour of it costs as it is now: machine and disks while it is up, the disk that is kept
    /// while it is down.
    #[serde(default, with = "text::dollars")]
    pub hourly: Money,
    /// When it ends by itself.
    #[serde(default)]
    pub policy: Policy,
    /// Since when nobody has used it, while it runs; absent while somebody does, or nobody knows.
    #[serde(default, with = "text::millis_option")]
    pub idle_since: Option<Timestamp>,
    /// When it was accepted.
    #[serde(with = "text::millis")]
    pub created: Timestamp,
    /// When it came up.
    #[serde(with = "text::millis_option")]
    pub started: Option<Timestamp>,
    /// When it was confirmed gone.
    #[serde(with = "text::millis_option")]
    pub ended: Option<Timestamp>,
}

/// What a rule did says more than what came of it, once that has come.
fn reason(ruled: Option<String>, reason: Option<String>, phase: Phase) -> Option<String> {
    match phase {
        Phase::Stopping | Phase::Terminating => match (ruled, reason) {
            (Some(ruled), Some(reason)) => Some(format!("to be {ruled}; not yet: {reason}")),
            (ruled, reason) => ruled.or(reason),
        },
        Phase::Pending | Phase::Starting | Phase::Running | Phase::Stopped => ruled.or(reason),
        Phase::Exited | Phase::Terminated | Phase::Lost => ruled.or(reason),
    }
}

impl From<livery_domain::pod::Pod> for Pod {
    fn from(pod: livery_domain::pod::Pod) -> Self {
        let phase = pod.phase();
        let hourly = burn(&pod, Span::from_secs(3_600));
        let gpus = pod.offer.gpus.filter(|_| pod.order.gpu_count > 0);
        let mount = pod.order.network_volume;
        Self {
            id: pod.id,
            name: pod.order.name,
            phase,
            desired: pod.desired,
            observed: pod.observed,
            reason: reason(pod.ruled, pod.reason, phase),
            run: pod.run,
            image: pod.order.image,
            command: pod.order.command,
            gpus: gpus.map(Gpus::from),
            vcpu_milli: pod.order.vcpu_milli,
            memory: pod.order.memory,
            container_disk: pod.order.container_disk,
            volume_disk: pod.order.volume_disk,
            network_volume_path: mount.as_ref().map(|mount| mount.path.to_string()),
            network_volume: mount.map(|mount| mount.volume),
            ports: pod.order.ports,
            supplier: pod.offer.supplier.as_str().to_owned(),
            offer: pod.offer.id,
            region: pod.offer.region,
            tier: pod.offer.tier,
            price: Price::from(pod.offer.price),
            hourly,
            policy: pod.policy.into(),
            idle_since: None,
            created: pod.created,
            started: pod.started,
            ended: pod.ended,
        }
    }
}

/// Some pods, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PodList {
    /// The pods.
    pub pods: Vec<Pod>,
}

/// Which rows of a listing are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Those that are not over.
    #[default]
    Live,
    /// All.
    All,
}

/// The query of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WhichQuery {
    /// Which rows.
    pub which: Which,
}

/// A pod to make; what is left out is the server's choice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewPod {
    /// Shown in listings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `host`, a registry reference, `oci:DIR` or `docker-archive:FILE`.
    pub image: String,
    /// What to run: an empty command is the image's own; without one the pod idles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Environment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// GPU model, in any spelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Number of GPUs; 0 for a CPU pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_count: Option<u32>,
    /// Memory of each GPU, at least.
    #[serde(with = "text::size_option", skip_serializing_if = "Option::is_none")]
    pub min_vram: Option<Bytes>,
    /// Virtual CPUs in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpu_milli: Option<u32>,
    /// Memory.
    #[serde(with = "text::size_option", skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Disk that is gone at stop.
    #[serde(with = "text::size_option", skip_serializing_if = "Option::is_none")]
    pub container_disk: Option<Bytes>,
    /// Disk that is kept while the pod exists.
    #[serde(with = "text::size_option", skip_serializing_if = "Option::is_none")]
    pub volume_disk: Option<Bytes>,
    /// A network volume, by name or id: `NAME` at `/workspace` instead, or `NAME:PATH` beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_volume: Option<String>,
    /// TCP ports that it serves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Only this tier.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Only these suppliers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suppliers: Vec<String>,
    /// Per hour, at most.
    #[serde(with = "text::option", skip_serializing_if = "Option::is_none")]
    pub max_price: Option<Money>,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Policy::is_empty")]
    pub policy: Policy,
}

/// What a pod uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    /// CPU time used, in microseconds.
    pub cpu_usec: u64,
    /// Memory now, in bytes.
    pub memory: u64,
    /// Most memory so far, in bytes.
    pub memory_peak: u64,
    /// Processes and threads now.
    pub pids: u64,
    /// Bytes used of the container disk.
    pub container_disk_used: u64,
    /// Bytes used of the volume disk.
    pub volume_disk_used: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
}

/// An interactive command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecSpec {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Environment on top of the pod's.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Working directory; the pod's own when absent.
    #[serde(default)]
    pub workdir: Option<String>,
    /// A terminal of this size, when one is wanted.
    #[serde(default)]
    pub tty: Option<Window>,
}

/// The size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

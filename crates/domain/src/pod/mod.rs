//! Pods: what the user wants, what was last seen, and the one function that decides what to do.

mod cost;
mod due;
mod idle;
mod name;
mod outlook;
mod plan;
mod policy;
mod power;
mod seen;
mod want;

pub use cost::{PodRates, burn, cost_up};
pub use due::{ACTIVITY_FRESH, COST_MARGIN, Cause, Due, LOOK_LEAST, LOOK_MOST, PolicyAct, due};
pub use idle::{
    Activity, CPU_NOISE_PERCENT, DISK_NOISE_PER_MINUTE, GPU_NOISE_PERCENT,
    NETWORK_NOISE_PER_MINUTE, PodUse, Usage, WINDOW_LEAST, WINDOW_MOST, used,
};
pub use name::{PodNameError, check_pod_name};
pub use outlook::{Coming, outlook};
pub use plan::{OBSERVATION_FRESH, QUIET_FRESH, Step, plan};
pub use policy::{IdleAction, IdlePolicy, PodPolicy};
pub use power::StopPower;
pub use seen::{Ran, Seen};
pub use want::{Wish, WishError};

use crate::counted::Counted;
use crate::job::PodPath;
use crate::offer::words;
use crate::offer::{Offer, SupplierName};
use livery_units::{AccountId, Bytes, LaunchKey, PodId, RunId, Timestamp, VolumeId};
use std::collections::BTreeMap;

/// What the user wants of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Desired {
    /// It should be up.
    Running,
    /// It should be down with its volume disk kept.
    Stopped,
    /// It should not exist, and neither should anything of it.
    Gone,
}

words!(
    Desired,
    "desired state",
    "running, stopped, gone",
    Running = "running",
    Stopped = "stopped",
    Gone = "gone"
);

/// What was last reported of a pod by its supplier. "Unknown" is a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Observed {
    /// Nobody has answered yet, or not for too long; nothing may be concluded.
    Unknown,
    /// The supplier says that it does not exist.
    Absent,
    /// It is being made.
    Starting,
    /// Its first process runs.
    Up,
    /// It exists and does not run: stopped, or its command ended.
    Down,
    /// It vanished without being asked to: its machine or its shim died.
    Lost,
}

words!(
    Observed,
    "observed state",
    "unknown, absent, starting, up, down, lost",
    Unknown = "unknown",
    Absent = "absent",
    Starting = "starting",
    Up = "up",
    Down = "down",
    Lost = "lost"
);

/// What is shown to the user, derived from what is wanted and what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Accepted; nothing exists yet.
    Pending,
    /// Being made or started.
    Starting,
    /// Up, as wanted.
    Running,
    /// Going down, with its volume kept.
    Stopping,
    /// Down, as wanted.
    Stopped,
    /// Its own command ended; still billed for what it keeps until it is stopped or terminated.
    Exited,
    /// Being removed.
    Terminating,
    /// Confirmed gone.
    Terminated,
    /// Vanished without being asked to.
    Lost,
}

words!(
    Phase,
    "phase",
    "pending, starting, running, stopping, stopped, exited, terminating, terminated, lost",
    Pending = "pending",
    Starting = "starting",
    Running = "running",
    Stopping = "stopping",
    Stopped = "stopped",
    Exited = "exited",
    Terminating = "terminating",
    Terminated = "terminated",
    Lost = "lost"
);

/// Whether a pod that could not be made might be made elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PodFailure {
    /// This offer is no good; another may be.
    OtherOffer,
    /// The order itself is wrong, such as an image that does not exist.
    Final,
}

words!(
    PodFailure,
    "pod failure",
    "other-offer, final",
    OtherOffer = "other-offer",
    Final = "final"
);

/// What a user asks for when creating a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodOrder {
    /// Shown in listings; not unique.
    pub name: String,
    /// The image, as the user wrote it: `host`, a registry reference, `oci:DIR` or `docker-archive:FILE`.
    pub image: String,
    /// What to run instead of the image's own command; none keeps the pod idle for `exec`.
    pub command: Option<Vec<String>>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// GPUs wanted; 0 for a CPU pod.
    pub gpu_count: u32,
    /// Virtual CPUs in thousandths.
    pub vcpu_milli: u32,
    /// Memory.
    pub memory: Bytes,
    /// Disk that is gone at stop.
    pub container_disk: Bytes,
    /// Disk that is kept while the pod exists; zero where a network volume takes its place.
    pub volume_disk: Bytes,
    /// The network volume that it has; it stays when the pod is gone.
    pub network_volume: Option<NetworkMount>,
    /// TCP ports that the pod serves.
    pub ports: Vec<u16>,
}

/// A network volume in a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkMount {
    /// The volume.
    pub volume: VolumeId,
    /// Where it is mounted; at [`WORKSPACE`] it takes the volume disk's place.
    pub path: PodPath,
}

/// Where a volume disk is mounted, and a network volume unless it is wanted elsewhere.
pub const WORKSPACE: &str = "/workspace";

/// A pod as the control plane knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its id.
    pub id: PodId,
    /// Who pays for it.
    pub account: AccountId,
    /// What was asked for.
    pub order: PodOrder,
    /// The offer that it was launched on, as it stood then.
    pub offer: Offer,
    /// When it ends by itself.
    pub policy: PodPolicy,
    /// The run that it serves, if any; such a pod is terminated by its run.
    pub run: Option<RunId>,
    /// Committed before the supplier is called, and carried by the foreign resource.
    pub launch_key: LaunchKey,
    /// The supplier's own id, once the supplier has answered.
    pub foreign_id: Option<String>,
    /// What the user wants.
    pub desired: Desired,
    /// What was last seen.
    pub observed: Observed,
    /// Why it is not as wanted, in words for the user.
    pub reason: Option<String>,
    /// What a rule of its user's or its account's did to it and why, in words for the user; none
    /// once it is started again.
    pub ruled: Option<String>,
    /// Set when it could not be made: whether another offer may do.
    pub failure: Option<PodFailure>,
    /// Launch attempts that failed in a passing way.
    pub attempts: u32,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it was last seen to be up for the first time since it was last started, by its own count
    /// of time.
    pub started: Option<Timestamp>,
    /// Until when it is known to have been up since then, by its own count of time: what is billed.
    /// Never later than what a supplier has confirmed.
    pub up_until: Option<Timestamp>,
    /// When it was confirmed gone.
    pub ended: Option<Timestamp>,
    /// When the supplier last answered about it, by the clock on the wall.
    pub observed_at: Option<Timestamp>,
    /// The same by its own count of time; none before there was such a count.
    pub counted: Option<Counted>,
    /// How often it was started after its launch, by its user or by itself: each start has a hold of
    /// its own.
    pub starts: u32,
    /// Fences writers: every change adds one.
    pub generation: i64,
}

impl Pod {
    /// Returns who provides it.
    pub fn supplier(&self) -> &SupplierName {
        &self.offer.supplier
    }

    /// Returns when it came up this time, as the wall clock would date that now.
    pub fn came_up(&self) -> Option<Timestamp> {
        let dated = |started| match self.counted {
            Some(counted) => counted.on_the_wall(started),
            None => started,
        };
        self.started.map(dated)
    }

    /// Returns until when it is known to be as it is, by its own count of time.
    pub fn known_until(&self) -> Option<Timestamp> {
        match self.counted {
            Some(counted) => Some(counted.own),
            None => self.observed_at,
        }
    }

    /// Returns whether nothing of it runs, as its supplier says, and nothing is about to: no money need
    /// be held for it.
    pub fn is_confirmed_down(&self) -> bool {
        match (self.desired, self.observed) {
            (_, Observed::Unknown | Observed::Starting | Observed::Up) => false,
            // It is to be launched still.
            (Desired::Running, Observed::Absent) => self.is_made(),
            // It may have been asked to start again.
            (Desired::Running, Observed::Down) => self.started.is_some(),
            (Desired::Running, Observed::Lost) => true,
            (Desired::Stopped | Desired::Gone, Observed::Absent) => true,
            (Desired::Stopped | Desired::Gone, Observed::Down | Observed::Lost) => true,
        }
    }

    /// Returns whether anything was ever made of it, as far as anybody has said.
    ///
    /// A launch whose answer was lost may have made something that is not known yet: the launch key
    /// finds it.
    pub fn is_made(&self) -> bool {
        self.foreign_id.is_some() || self.started.is_some()
    }
}

//! The simulated hosts: all that the engine asks of them here is what their pods use.

use crate::clock::SimClock;
use crate::cloud::{SimCloud, answers_since};
use crate::orders::Order;
use async_trait::async_trait;
use livery_host_api::dto::{
    Applied, ApplyTree, Blobs, CollectTree, Collected, ExecSpec, Facts, HostActivity, HostInfo,
    PodActivity, PodSpec, PodStatus, ProbeSpec, SignalTask, Stats, TaskSpec, TaskStatus,
    VolumeSpec, VolumeStatus,
};
use livery_host_api::{ByteStream, Error, Follow, Host, LogStream};
use livery_units::{ContentHash, PodId, Span, TaskId, VolumeId};
use std::sync::{Arc, Mutex};

pub struct SimHost {
    clock: Arc<SimClock>,
    cloud: Arc<SimCloud>,
    orders: Vec<Order>,
    outages: Vec<(i64, i64)>,
    answered: Mutex<Vec<i64>>,
}

impl SimHost {
    pub fn new(
        clock: Arc<SimClock>,
        cloud: Arc<SimCloud>,
        orders: Vec<Order>,
        outages: Vec<(i64, i64)>,
    ) -> Self {
        Self {
            clock,
            cloud,
            orders,
            outages,
            answered: Mutex::default(),
        }
    }

    /// Since when it has answered; none while it is silent.
    pub fn reachable_since(&self) -> Option<i64> {
        answers_since(&self.outages, self.clock.passed())
    }

    /// When it first said what its pods use, from a moment on.
    pub fn answered_from(&self, from: i64) -> Option<i64> {
        let answered = self.answered.lock().unwrap();
        answered
            .get(answered.partition_point(|at| *at < from))
            .copied()
    }

    /// What it said at this moment may have been lost on the way.
    pub fn forget_now(&self) {
        let now = self.clock.passed();
        self.answered.lock().unwrap().retain(|at| *at < now);
    }
}

/// Nobody asks for anything else.
fn no<T>() -> Result<T, Error> {
    Err(Error::Invalid("a simulated host has no containers".into()))
}

#[async_trait]
impl Host for SimHost {
    async fn activity(&self) -> Result<HostActivity, Error> {
        if self.reachable_since().is_none() {
            return Err(Error::Unreachable("the simulated host is silent".into()));
        }
        let now = self.clock.passed();
        let mut answered = self.answered.lock().unwrap();
        if answered.last() != Some(&now) {
            answered.push(now);
        }
        let used = |(nth, id): (usize, PodId)| PodActivity {
            pod: id.to_string(),
            cpu_usec: self.orders[nth].used_for(now).unsigned_abs() * 1_000,
            ..PodActivity::default()
        };
        Ok(HostActivity {
            uptime_ms: now.unsigned_abs(),
            pods: self.cloud.ids_up_now().into_iter().map(used).collect(),
        })
    }

    async fn info(&self) -> Result<HostInfo, Error> {
        no()
    }

    async fn pods(&self) -> Result<Vec<PodStatus>, Error> {
        no()
    }

    async fn pod(&self, _: &PodId) -> Result<PodStatus, Error> {
        no()
    }

    async fn pod_create(&self, _: &PodId, _: &PodSpec, _: Span) -> Result<PodStatus, Error> {
        no()
    }

    async fn pod_stop(&self, _: &PodId, _: Span) -> Result<PodStatus, Error> {
        no()
    }

    async fn pod_start(&self, _: &PodId) -> Result<PodStatus, Error> {
        no()
    }

    async fn pod_remove(&self, _: &PodId) -> Result<(), Error> {
        no()
    }

    async fn pod_stats(&self, _: &PodId) -> Result<Stats, Error> {
        no()
    }

    async fn volumes(&self) -> Result<Vec<VolumeStatus>, Error> {
        no()
    }

    async fn volume(&self, _: &VolumeId) -> Result<VolumeStatus, Error> {
        no()
    }

    async fn volume_create(&self, _: &VolumeId, _: VolumeSpec) -> Result<VolumeStatus, Error> {
        no()
    }

    async fn volume_resize(&self, _: &VolumeId, _: VolumeSpec) -> Result<VolumeStatus, Error> {
        no()
    }

    async fn volume_delete(&self, _: &VolumeId) -> Result<(), Error> {
        no()
    }

    async fn probe(&self, _: &PodId, _: &ProbeSpec) -> Result<Facts, Error> {
        no()
    }

    async fn task_start(&self, _: &PodId, _: &TaskId, _: &TaskSpec) -> Result<TaskStatus, Error> {
        no()
    }

    async fn task(&self, _: &PodId, _: &TaskId, _: Span) -> Result<TaskStatus, Error> {
        no()
    }

    async fn task_signal(&self, _: &PodId, _: &TaskId, _: &SignalTask) -> Result<(), Error> {
        no()
    }

    async fn task_log(&self, _: &PodId, _: &TaskId, _: u64, _: Follow) -> Result<LogStream, Error> {
        no()
    }

    async fn exec(&self, _: &PodId, _: &ExecSpec, _: ByteStream) -> Result<ByteStream, Error> {
        no()
    }

    async fn forward(&self, _: &PodId, _: u16, _: ByteStream) -> Result<ByteStream, Error> {
        no()
    }

    async fn content_missing(&self, _: &Blobs) -> Result<Blobs, Error> {
        no()
    }

    async fn content_put(&self, _: ByteStream) -> Result<(), Error> {
        no()
    }

    async fn content_get(&self, _: &Blobs) -> Result<ByteStream, Error> {
        no()
    }

    async fn tree_apply(&self, _: &PodId, _: &ApplyTree) -> Result<Applied, Error> {
        no()
    }

    async fn tree_collect(&self, _: &PodId, _: &CollectTree) -> Result<Collected, Error> {
        no()
    }

    async fn content_keep(&self, _: &[ContentHash]) -> Result<(), Error> {
        no()
    }
}

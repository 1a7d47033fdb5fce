//! A simulated host: the real protocol, no containers. What it does next is scripted by the test.

use super::sim_pod::{Script, SimPod, facts, outputs, status};
use super::sim_volumes::SimVolumes;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use livery_content::ContentStore;
use livery_host_api::dto::{
    Applied, ApplyTree, Blobs, CollectTree, Collected, ExecSpec, Facts, HostActivity, HostInfo,
    PodActivity, PodSpec, PodState, PodStatus, ProbeSpec, Resources, SignalTask, Stats, TaskSpec,
    TaskState, TaskStatus, VolumeSpec, VolumeStatus,
};
use livery_host_api::{ByteStream, Error, Follow, Host, LogStream, PROTOCOL};
use livery_units::{ContentHash, PodId, Span, TaskId, VolumeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Default)]
struct State {
    script: Script,
    pods: BTreeMap<String, SimPod>,
    created: u64,
    signals: Vec<i32>,
}

/// The host.
pub struct SimHost {
    state: Mutex<State>,
    content: Arc<ContentStore>,
    price_hourly_nanos: i64,
    /// Its network volumes.
    pub volumes: SimVolumes,
}

const GIB: u64 = 1 << 30;

impl SimHost {
    pub fn new(content: Arc<ContentStore>, price_hourly_nanos: i64) -> Self {
        Self {
            state: Mutex::default(),
            content,
            price_hourly_nanos,
            volumes: SimVolumes::default(),
        }
    }

    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.lock().script);
    }

    /// How many pods exist now.
    pub fn pod_count(&self) -> usize {
        self.lock().pods.len()
    }

    /// How many pods were ever made.
    pub fn created(&self) -> u64 {
        self.lock().created
    }

    /// What a pod was asked for with.
    pub fn spec(&self, pod: &PodId) -> Option<PodSpec> {
        let state = self.lock();
        state.pods.get(pod.as_str()).map(|pod| pod.spec.clone())
    }

    /// The signals that tasks were sent.
    pub fn signals(&self) -> Vec<i32> {
        self.lock().signals.clone()
    }

    /// Every pod vanishes, as when the machine loses power and its disks.
    pub fn lose_pods(&self) {
        self.all_are(PodState::Lost);
    }

    /// The command of every pod ends by itself.
    pub fn end_commands(&self) {
        self.all_are(PodState::Down);
    }

    /// The same, and the host says how long ago it was.
    pub fn end_commands_ago(&self, ago: Span) {
        let mut all = self.lock();
        for pod in all.pods.values_mut() {
            pod.state = PodState::Down;
            pod.ended_ago = Some(ago);
        }
    }

    /// Every pod comes up again by itself.
    pub fn begin_commands(&self) {
        self.all_are(PodState::Up);
    }

    fn all_are(&self, state: PodState) {
        let mut all = self.lock();
        all.pods.values_mut().for_each(|pod| pod.state = state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn reached(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.lock();
        if state.script.unreachable {
            return Err(Error::Unreachable("the simulated network is cut".into()));
        }
        Ok(state)
    }

    fn with_pod<T>(&self, id: &PodId, work: impl FnOnce(&mut SimPod) -> T) -> Result<T, Error> {
        let mut state = self.reached()?;
        let pod = state
            .pods
            .get_mut(id.as_str())
            .ok_or_else(|| Error::NotFound(id.to_string()))?;
        Ok(work(pod))
    }
}

fn empty() -> ByteStream {
    Box::pin(futures_util::stream::empty())
}

#[async_trait]
impl Host for SimHost {
    async fn info(&self) -> Result<HostInfo, Error> {
        let state = self.reached()?;
        let total = Resources {
            vcpu_milli: 4_000,
            memory: 16 * GIB,
            disk: 200 * GIB,
        };
        let busy = u32::try_from(state.pods.len())
            .unwrap_or(u32::MAX)
            .saturating_mul(1_000);
        Ok(HostInfo {
            host_id: "host_simulated".into(),
            hostname: "simulated".into(),
            version: "0".into(),
            protocol: PROTOCOL,
            boot_id: "1".into(),
            total,
            free: Resources {
                vcpu_milli: total.vcpu_milli.saturating_sub(busy),
                ..total
            },
            gpus: Vec::new(),
            driver: None,
            cuda: None,
            price_hourly_nanos: self.price_hourly_nanos,
            tier: "local".into(),
            region: "here".into(),
            storage_monthly_nanos: state.script.storage_monthly_nanos,
            stopped_storage_monthly_nanos: state.script.storage_monthly_nanos,
            volume_monthly_nanos: 3_600_000_000,
        })
    }

    async fn pods(&self) -> Result<Vec<PodStatus>, Error> {
        Ok(self
            .reached()?
            .pods
            .iter()
            .map(|(id, pod)| status(id, pod))
            .collect())
    }

    async fn pod(&self, id: &PodId) -> Result<PodStatus, Error> {
        self.with_pod(id, |pod| status(id.as_str(), pod))
    }

    async fn pod_create(&self, id: &PodId, spec: &PodSpec, _: Span) -> Result<PodStatus, Error> {
        let mut state = self.reached()?;
        if let Some(error) = state.script.create_error.clone() {
            return Err(error);
        }
        if !state.pods.contains_key(id.as_str()) {
            state.created += 1;
            let failure = state.script.unmade.as_ref().map(Error::to_failure);
            let pod = SimPod {
                spec: spec.clone(),
                state: match &failure {
                    Some(_) => PodState::Failed,
                    None => PodState::Up,
                },
                failure,
                tasks: BTreeMap::new(),
                began_ago: None,
                ended_ago: None,
            };
            state.pods.insert(id.to_string(), pod);
        }
        state.script.unreachable |= std::mem::take(&mut state.script.leaves_when_created);
        if std::mem::take(&mut state.script.create_answer_lost) {
            return Err(Error::Unreachable("the answer was lost".into()));
        }
        Ok(status(id.as_str(), &state.pods[id.as_str()]))
    }

    async fn pod_stop(&self, id: &PodId, _: Span) -> Result<PodStatus, Error> {
        self.with_pod(id, |pod| {
            pod.state = PodState::Down;
            status(id.as_str(), pod)
        })
    }

    async fn pod_start(&self, id: &PodId) -> Result<PodStatus, Error> {
        if let Some(error) = self.reached()?.script.start_error.clone() {
            return Err(error);
        }
        self.with_pod(id, |pod| {
            pod.state = PodState::Up;
            status(id.as_str(), pod)
        })
    }

    async fn pod_remove(&self, id: &PodId) -> Result<(), Error> {
        self.reached()?.pods.remove(id.as_str());
        Ok(())
    }

    async fn activity(&self) -> Result<HostActivity, Error> {
        let state = self.reached()?;
        if state.script.activity_panics {
            // Whoever asks next finds the lock as it was.
            drop(state);
            panic!("the simulated host has a mistake in it");
        }
        let up = state
            .pods
            .iter()
            .filter(|(_, pod)| pod.state == PodState::Up);
        Ok(HostActivity {
            uptime_ms: state.script.uptime.millis(),
            pods: up
                .map(|(id, _)| PodActivity {
                    pod: id.clone(),
                    cpu_usec: state.script.cpu_usec,
                    ..PodActivity::default()
                })
                .collect(),
        })
    }

    async fn pod_stats(&self, id: &PodId) -> Result<Stats, Error> {
        self.with_pod(id, |_| Stats::default())
    }

    async fn volumes(&self) -> Result<Vec<VolumeStatus>, Error> {
        self.reached().map(|_| self.volumes.list())
    }

    async fn volume(&self, id: &VolumeId) -> Result<VolumeStatus, Error> {
        drop(self.reached()?);
        self.volumes.show(id)
    }

    async fn volume_create(&self, id: &VolumeId, spec: VolumeSpec) -> Result<VolumeStatus, Error> {
        drop(self.reached()?);
        self.volumes.create(id, spec)
    }

    async fn volume_resize(&self, id: &VolumeId, spec: VolumeSpec) -> Result<VolumeStatus, Error> {
        drop(self.reached()?);
        self.volumes.resize(id, spec)
    }

    async fn volume_delete(&self, id: &VolumeId) -> Result<(), Error> {
        self.reached().map(|_| self.volumes.delete(id))
    }

    async fn probe(&self, id: &PodId, _: &ProbeSpec) -> Result<Facts, Error> {
        let no_workspace = self.reached()?.script.no_workspace;
        self.with_pod(id, |pod| {
            facts(
                &pod.spec,
                no_workspace.then_some("nothing is mounted there"),
            )
        })
    }

    async fn task_start(
        &self,
        id: &PodId,
        task: &TaskId,
        _: &TaskSpec,
    ) -> Result<TaskStatus, Error> {
        let script = self.reached()?.script.clone();
        if let Some(error) = script.task_error {
            return Err(error);
        }
        let exit = script.run_exit.filter(|_| task.as_str() == "task_run");
        let setup = (task.as_str() == "task_setup").then_some(0);
        self.with_pod(id, |pod| {
            let fresh = || TaskStatus {
                task: task.to_string(),
                state: if exit.or(setup).is_some() {
                    TaskState::Exited
                } else {
                    TaskState::Running
                },
                exit_code: exit.or(setup),
                started_ms: Some(0),
                ended_ms: None,
                log_size: 0,
                detail: None,
            };
            pod.tasks
                .entry(task.to_string())
                .or_insert_with(fresh)
                .clone()
        })
    }

    async fn task(&self, id: &PodId, task: &TaskId, wait: Span) -> Result<TaskStatus, Error> {
        let look = || self.with_pod(id, |pod| pod.tasks.get(task.as_str()).cloned());
        let found = look()?.ok_or_else(|| Error::NotFound(task.to_string()))?;
        if found.state == TaskState::Running {
            tokio::time::sleep(wait.to_std().min(std::time::Duration::from_millis(20))).await;
        }
        look()?.ok_or_else(|| Error::NotFound(task.to_string()))
    }

    async fn task_signal(
        &self,
        id: &PodId,
        task: &TaskId,
        signal: &SignalTask,
    ) -> Result<(), Error> {
        self.reached()?.signals.push(signal.signal);
        self.with_pod(id, |pod| {
            if let Some(task) = pod.tasks.get_mut(task.as_str()) {
                task.state = TaskState::Exited;
                task.exit_code = Some(128 + signal.signal);
            }
        })
    }

    async fn task_log(
        &self,
        id: &PodId,
        _: &TaskId,
        offset: u64,
        _: Follow,
    ) -> Result<LogStream, Error> {
        let (start, text) = self.reached()?.script.output.after(offset);
        self.with_pod(id, |_| LogStream {
            start,
            bytes: stream::iter([Ok(text)]).boxed(),
        })
    }

    async fn exec(&self, id: &PodId, _: &ExecSpec, _: ByteStream) -> Result<ByteStream, Error> {
        self.with_pod(id, |_| empty())
    }

    async fn forward(&self, id: &PodId, _: u16, _: ByteStream) -> Result<ByteStream, Error> {
        self.with_pod(id, |_| empty())
    }

    async fn content_missing(&self, _: &Blobs) -> Result<Blobs, Error> {
        Ok(Blobs::default())
    }

    async fn content_put(&self, _: ByteStream) -> Result<(), Error> {
        Ok(())
    }

    async fn content_get(&self, _: &Blobs) -> Result<ByteStream, Error> {
        Ok(empty())
    }

    async fn tree_apply(&self, id: &PodId, _: &ApplyTree) -> Result<Applied, Error> {
        self.with_pod(id, |_| Applied::default())
    }

    async fn tree_collect(&self, id: &PodId, _: &CollectTree) -> Result<Collected, Error> {
        let script = self.reached()?.script.clone();
        if script.collect_hangs {
            return std::future::pending().await;
        }
        let manifest = outputs(&self.content, script.result);
        let manifest = manifest.and_then(|tree| self.content.put_tree(&tree));
        let manifest = manifest.map_err(|error| Error::Internal(error.to_string()))?;
        self.with_pod(id, |_| Collected {
            manifest: manifest.to_string(),
            files: 0,
            bytes: 0,
            notes: Vec::new(),
            lost: script.lost,
        })
    }

    async fn content_keep(&self, _: &[ContentHash]) -> Result<(), Error> {
        Ok(())
    }
}

//! The host API, answered: each method says what it takes and who does it.

use crate::agent::Agent;
use crate::error::of_runtime;
use crate::{probe, sessions};
use async_trait::async_trait;
use livery_host_api::dto::{
    Applied, ApplyTree, Blobs, CollectTree, Collected, ExecSpec, Facts, HostActivity, HostInfo,
    PodSpec, PodStatus, ProbeSpec, SignalTask, Stats, TaskSpec, TaskStatus, VolumeSpec,
    VolumeStatus,
};
use livery_host_api::{ByteStream, Error, Follow, Host, LogStream, PROTOCOL};
use livery_units::{ContentHash, PodId, Span, TaskId, VolumeId};
use std::sync::Arc;

#[async_trait]
impl Host for Agent {
    async fn info(&self) -> Result<HostInfo, Error> {
        self.core
            .blocking(|core| {
                Ok(HostInfo {
                    host_id: core.host_id.to_string(),
                    hostname: core.machine.hostname.clone(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    protocol: PROTOCOL,
                    boot_id: core.machine.boot_id.clone(),
                    total: core.total()?,
                    free: core.free_for_pod()?,
                    gpus: core.gpus_now(),
                    driver: core.gpus.driver(),
                    cuda: core.gpus.cuda(),
                    price_hourly_nanos: core.options.price_hourly.nanos(),
                    tier: core.options.tier.to_string(),
                    region: core.options.region.clone(),
                    storage_monthly_nanos: core.options.storage.running.nanos(),
                    stopped_storage_monthly_nanos: core.options.storage.stopped.nanos(),
                    volume_monthly_nanos: core.options.storage.volume.nanos(),
                })
            })
            .await
    }

    async fn pods(&self) -> Result<Vec<PodStatus>, Error> {
        let mut all = Vec::new();
        for pod in self.core.pods.all() {
            all.push(self.core.status(&pod).await?);
        }
        Ok(all)
    }

    async fn pod(&self, pod: &PodId) -> Result<PodStatus, Error> {
        self.core.status(&self.core.find(pod)?).await
    }

    async fn pod_create(
        &self,
        pod: &PodId,
        spec: &PodSpec,
        wait: Span,
    ) -> Result<PodStatus, Error> {
        let (core, id, spec) = (Arc::clone(&self.core), pod.clone(), spec.clone());
        let admitted = async move { core.admit(id, spec).await };
        let pod = self.core.whole(admitted).await?;
        self.core.settled(&pod, wait).await
    }

    async fn pod_stop(&self, pod: &PodId, grace: Span) -> Result<PodStatus, Error> {
        let pod = self.core.find(pod)?;
        let (core, found) = (Arc::clone(&self.core), Arc::clone(&pod));
        self.core
            .whole(async move { core.stop_pod(&found, grace).await })
            .await?;
        self.core.status(&pod).await
    }

    async fn pod_start(&self, pod: &PodId) -> Result<PodStatus, Error> {
        let pod = self.core.find(pod)?;
        let (core, found) = (Arc::clone(&self.core), Arc::clone(&pod));
        self.core
            .whole(async move { core.start_pod(&found).await })
            .await?;
        self.core.status(&pod).await
    }

    async fn pod_remove(&self, pod: &PodId) -> Result<(), Error> {
        let (core, id) = (Arc::clone(&self.core), pod.clone());
        self.core
            .whole(async move { core.remove_pod(id).await })
            .await
    }

    async fn activity(&self) -> Result<HostActivity, Error> {
        self.core.blocking(|core| core.activity()).await
    }

    async fn pod_stats(&self, pod: &PodId) -> Result<Stats, Error> {
        let id = self.core.find(pod)?.id.clone();
        let stats = self
            .core
            .blocking(move |core| core.runtime.stats(&id).map_err(of_runtime))
            .await?;
        Ok(Stats {
            cpu_usec: stats.cpu_micros,
            memory: stats.memory_bytes,
            memory_peak: stats.memory_peak_bytes,
            pids: stats.pids,
            container_disk_used: stats.disk_bytes,
            volume_disk_used: stats.volume_bytes,
            rx_bytes: stats.rx_bytes,
            tx_bytes: stats.tx_bytes,
        })
    }

    async fn volumes(&self) -> Result<Vec<VolumeStatus>, Error> {
        self.core.volumes().await
    }

    async fn volume(&self, volume: &VolumeId) -> Result<VolumeStatus, Error> {
        self.core.volume(volume).await
    }

    async fn volume_create(
        &self,
        volume: &VolumeId,
        spec: VolumeSpec,
    ) -> Result<VolumeStatus, Error> {
        let (core, id) = (Arc::clone(&self.core), volume.clone());
        let made = async move { core.make_volume(id, spec).await };
        self.core.whole(made).await
    }

    async fn volume_resize(
        &self,
        volume: &VolumeId,
        spec: VolumeSpec,
    ) -> Result<VolumeStatus, Error> {
        let (core, id) = (Arc::clone(&self.core), volume.clone());
        let grown = async move { core.grow_volume(id, spec).await };
        self.core.whole(grown).await
    }

    async fn volume_delete(&self, volume: &VolumeId) -> Result<(), Error> {
        let (core, id) = (Arc::clone(&self.core), volume.clone());
        let removed = async move { core.remove_volume(id).await };
        self.core.whole(removed).await
    }

    async fn probe(&self, pod: &PodId, probe: &ProbeSpec) -> Result<Facts, Error> {
        probe::probe(&self.core, &self.core.find(pod)?, probe).await
    }

    async fn task_start(
        &self,
        pod: &PodId,
        task: &TaskId,
        spec: &TaskSpec,
    ) -> Result<TaskStatus, Error> {
        self.core.task_start(pod, task, spec).await
    }

    async fn task(&self, pod: &PodId, task: &TaskId, wait: Span) -> Result<TaskStatus, Error> {
        self.core.task(pod, task, wait).await
    }

    async fn task_signal(
        &self,
        pod: &PodId,
        task: &TaskId,
        signal: &SignalTask,
    ) -> Result<(), Error> {
        self.core.task_signal(pod, task, signal).await
    }

    async fn task_log(
        &self,
        pod: &PodId,
        task: &TaskId,
        offset: u64,
        follow: Follow,
    ) -> Result<LogStream, Error> {
        self.core.task_log(pod, task, offset, follow).await
    }

    async fn exec(
        &self,
        pod: &PodId,
        spec: &ExecSpec,
        input: ByteStream,
    ) -> Result<ByteStream, Error> {
        sessions::exec(&self.core, pod, spec, input).await
    }

    async fn forward(
        &self,
        pod: &PodId,
        port: u16,
        input: ByteStream,
    ) -> Result<ByteStream, Error> {
        sessions::forward(&self.core, pod, port, input).await
    }

    async fn content_missing(&self, hashes: &Blobs) -> Result<Blobs, Error> {
        self.core.content_missing(hashes).await
    }

    async fn content_put(&self, frames: ByteStream) -> Result<(), Error> {
        self.core.content_put(frames).await
    }

    async fn content_get(&self, hashes: &Blobs) -> Result<ByteStream, Error> {
        self.core.content_get(hashes)
    }

    async fn tree_apply(&self, pod: &PodId, tree: &ApplyTree) -> Result<Applied, Error> {
        self.core.tree_apply(pod, tree).await
    }

    async fn tree_collect(&self, pod: &PodId, collect: &CollectTree) -> Result<Collected, Error> {
        self.core.tree_collect(pod, collect).await
    }

    async fn content_keep(&self, manifests: &[ContentHash]) -> Result<(), Error> {
        self.core.content_keep(manifests).await
    }
}

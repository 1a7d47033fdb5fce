//! Each method of [`Host`] as a request.

use super::{HostClient, to_json};
use crate::dto::{
    Applied, ApplyTree, Blobs, CollectTree, Collected, ExecSpec, Facts, HostActivity, HostInfo,
    PodSpec, PodStatus, ProbeSpec, SignalTask, Stats, TaskSpec, TaskStatus, VolumeSpec,
    VolumeStatus,
};
use crate::stream::{LOG_START, body_stream, with_preamble};
use crate::{ByteStream, Error, Follow, Host, LogStream};
use async_trait::async_trait;
use http::Method;
use livery_units::{ContentHash, PodId, Span, TaskId, VolumeId};

#[async_trait]
impl Host for HostClient {
    async fn info(&self) -> Result<HostInfo, Error> {
        self.ask(Method::GET, "/v1/info").await
    }

    async fn pods(&self) -> Result<Vec<PodStatus>, Error> {
        self.ask(Method::GET, "/v1/pods").await
    }

    async fn pod(&self, pod: &PodId) -> Result<PodStatus, Error> {
        self.ask(Method::GET, &of_pod(pod, "")).await
    }

    async fn pod_create(
        &self,
        pod: &PodId,
        spec: &PodSpec,
        wait: Span,
    ) -> Result<PodStatus, Error> {
        let path = of_pod(pod, &format!("?wait_ms={}", wait.millis()));
        self.read(self.tell(Method::PUT, &path, spec).await?).await
    }

    async fn pod_stop(&self, pod: &PodId, grace: Span) -> Result<PodStatus, Error> {
        let path = of_pod(pod, &format!("/stop?grace_ms={}", grace.millis()));
        self.ask(Method::POST, &path).await
    }

    async fn pod_start(&self, pod: &PodId) -> Result<PodStatus, Error> {
        self.ask(Method::POST, &of_pod(pod, "/start")).await
    }

    async fn pod_remove(&self, pod: &PodId) -> Result<(), Error> {
        self.tell(Method::DELETE, &of_pod(pod, ""), &()).await?;
        Ok(())
    }

    async fn activity(&self) -> Result<HostActivity, Error> {
        self.ask(Method::GET, "/v1/activity").await
    }

    async fn pod_stats(&self, pod: &PodId) -> Result<Stats, Error> {
        self.ask(Method::GET, &of_pod(pod, "/stats")).await
    }

    async fn volumes(&self) -> Result<Vec<VolumeStatus>, Error> {
        self.ask(Method::GET, "/v1/volumes").await
    }

    async fn volume(&self, volume: &VolumeId) -> Result<VolumeStatus, Error> {
        self.ask(Method::GET, &format!("/v1/volumes/{volume}"))
            .await
    }

    async fn volume_create(
        &self,
        volume: &VolumeId,
        spec: VolumeSpec,
    ) -> Result<VolumeStatus, Error> {
        let path = format!("/v1/volumes/{volume}");
        self.read(self.tell(Method::PUT, &path, &spec).await?).await
    }

    async fn volume_resize(
        &self,
        volume: &VolumeId,
        spec: VolumeSpec,
    ) -> Result<VolumeStatus, Error> {
        let path = format!("/v1/volumes/{volume}/size");
        self.read(self.tell(Method::PUT, &path, &spec).await?).await
    }

    async fn volume_delete(&self, volume: &VolumeId) -> Result<(), Error> {
        let path = format!("/v1/volumes/{volume}");
        self.tell(Method::DELETE, &path, &()).await?;
        Ok(())
    }

    async fn probe(&self, pod: &PodId, probe: &ProbeSpec) -> Result<Facts, Error> {
        let path = of_pod(pod, "/probe");
        self.read(self.tell(Method::POST, &path, probe).await?)
            .await
    }

    async fn task_start(
        &self,
        pod: &PodId,
        task: &TaskId,
        spec: &TaskSpec,
    ) -> Result<TaskStatus, Error> {
        let path = of_pod(pod, &format!("/tasks/{task}"));
        self.read(self.tell(Method::PUT, &path, spec).await?).await
    }

    async fn task(&self, pod: &PodId, task: &TaskId, wait: Span) -> Result<TaskStatus, Error> {
        let path = of_pod(pod, &format!("/tasks/{task}?wait_ms={}", wait.millis()));
        self.ask(Method::GET, &path).await
    }

    async fn task_signal(
        &self,
        pod: &PodId,
        task: &TaskId,
        signal: &SignalTask,
    ) -> Result<(), Error> {
        let path = of_pod(pod, &format!("/tasks/{task}/signal"));
        self.tell(Method::POST, &path, signal).await?;
        Ok(())
    }

    async fn task_log(
        &self,
        pod: &PodId,
        task: &TaskId,
        offset: u64,
        follow: Follow,
    ) -> Result<LogStream, Error> {
        let follow = match follow {
            Follow::No => "no",
            Follow::Yes => "yes",
        };
        let path = format!("/tasks/{task}/log?offset={offset}&follow={follow}");
        let request = super::request(&of_pod(pod, &path), super::Body::Empty)?;
        let response = self.send(request).await?;
        let start = response.headers().get(LOG_START);
        let start = start.and_then(|start| start.to_str().ok()?.parse().ok());
        let start = start.ok_or_else(|| {
            Error::Internal("the agent did not say where the log begins".to_owned())
        })?;
        let bytes = body_stream(response.into_body());
        Ok(LogStream { start, bytes })
    }

    async fn exec(
        &self,
        pod: &PodId,
        spec: &ExecSpec,
        input: ByteStream,
    ) -> Result<ByteStream, Error> {
        let input = with_preamble(&to_json(spec)?, input)?;
        let path = of_pod(pod, "/exec");
        let response = self.pour(Method::POST, &path, input).await?;
        Ok(body_stream(response.into_body()))
    }

    async fn forward(
        &self,
        pod: &PodId,
        port: u16,
        input: ByteStream,
    ) -> Result<ByteStream, Error> {
        let path = of_pod(pod, &format!("/ports/{port}"));
        let response = self.pour(Method::POST, &path, input).await?;
        Ok(body_stream(response.into_body()))
    }

    async fn content_missing(&self, hashes: &Blobs) -> Result<Blobs, Error> {
        let response = self.tell(Method::POST, "/v1/content/missing", hashes);
        self.read(response.await?).await
    }

    async fn content_put(&self, frames: ByteStream) -> Result<(), Error> {
        self.pour(Method::PUT, "/v1/content/blobs", frames).await?;
        Ok(())
    }

    async fn content_get(&self, hashes: &Blobs) -> Result<ByteStream, Error> {
        let response = self.tell(Method::POST, "/v1/content/blobs", hashes).await?;
        Ok(body_stream(response.into_body()))
    }

    async fn tree_apply(&self, pod: &PodId, tree: &ApplyTree) -> Result<Applied, Error> {
        let path = of_pod(pod, "/tree");
        self.read(self.tell(Method::POST, &path, tree).await?).await
    }

    async fn tree_collect(&self, pod: &PodId, collect: &CollectTree) -> Result<Collected, Error> {
        let path = of_pod(pod, "/collect");
        self.read(self.tell(Method::POST, &path, collect).await?)
            .await
    }

    async fn content_keep(&self, manifests: &[ContentHash]) -> Result<(), Error> {
        let names = Blobs::from_hashes(manifests);
        self.tell(Method::POST, "/v1/content/keep", &names).await?;
        Ok(())
    }
}

fn of_pod(pod: &PodId, rest: &str) -> String {
    format!("/v1/pods/{pod}{rest}")
}

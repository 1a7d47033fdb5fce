//! The whole surface of a host agent as one trait.

use crate::Error;
use crate::dto::{
    Applied, ApplyTree, Blobs, CollectTree, Collected, ExecSpec, Facts, HostActivity, HostInfo,
    PodSpec, PodStatus, ProbeSpec, SignalTask, Stats, TaskSpec, TaskStatus, VolumeSpec,
    VolumeStatus,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use livery_units::{ContentHash, PodId, Span, TaskId, VolumeId};

/// A stream of bytes that may break.
pub type ByteStream = BoxStream<'static, Result<Bytes, Error>>;

/// Output that is kept, of which the beginning may be cut.
pub struct LogStream {
    /// The offset of the first byte that follows, counted over the whole output.
    pub start: u64,
    /// The output from there on.
    pub bytes: ByteStream,
}

/// What a host agent does. Every method may be repeated: a repeated request finds what the first
/// one made.
#[async_trait]
pub trait Host: Send + Sync + 'static {
    /// Returns what the machine is, has and has free.
    async fn info(&self) -> Result<HostInfo, Error>;

    /// Returns every pod on the machine, half-made ones included.
    async fn pods(&self) -> Result<Vec<PodStatus>, Error>;

    /// Returns one pod; a pod that does not exist is [`Error::NotFound`].
    async fn pod(&self, pod: &PodId) -> Result<PodStatus, Error>;

    /// Begins to make a pod and returns at once; [`Host::pod`] tells how far it is. The same id
    /// again changes nothing. With `wait`, returns when it is up or has failed, or after that time.
    async fn pod_create(&self, pod: &PodId, spec: &PodSpec, wait: Span)
    -> Result<PodStatus, Error>;

    /// Stops a pod: its container disk is gone, its volume disk is kept.
    async fn pod_stop(&self, pod: &PodId, grace: Span) -> Result<PodStatus, Error>;

    /// Starts a stopped pod again.
    async fn pod_start(&self, pod: &PodId) -> Result<PodStatus, Error>;

    /// Removes a pod and everything of it. Removing what is gone succeeds.
    async fn pod_remove(&self, pod: &PodId) -> Result<(), Error>;

    /// Returns what every pod that is up has used, in one answer for all of them.
    async fn activity(&self) -> Result<HostActivity, Error>;

    /// Returns what a pod uses.
    async fn pod_stats(&self, pod: &PodId) -> Result<Stats, Error>;

    /// Returns every network volume on the machine.
    async fn volumes(&self) -> Result<Vec<VolumeStatus>, Error>;

    /// Returns one network volume; one that does not exist is [`Error::NotFound`].
    async fn volume(&self, volume: &VolumeId) -> Result<VolumeStatus, Error>;

    /// Makes a network volume. The same id again returns what there is.
    async fn volume_create(
        &self,
        volume: &VolumeId,
        spec: VolumeSpec,
    ) -> Result<VolumeStatus, Error>;

    /// Makes a network volume larger; the same size again changes nothing.
    async fn volume_resize(
        &self,
        volume: &VolumeId,
        spec: VolumeSpec,
    ) -> Result<VolumeStatus, Error>;

    /// Removes a network volume and all that is on it; one that a pod has is
    /// [`Error::WrongState`]. Removing what is gone succeeds.
    async fn volume_delete(&self, volume: &VolumeId) -> Result<(), Error>;

    /// Returns what a probe finds in a pod: the gate's facts.
    async fn probe(&self, pod: &PodId, probe: &ProbeSpec) -> Result<Facts, Error>;

    /// Starts a durable command in a pod: it outlives the agent and the control plane. The same id
    /// again changes nothing.
    async fn task_start(
        &self,
        pod: &PodId,
        task: &TaskId,
        spec: &TaskSpec,
    ) -> Result<TaskStatus, Error>;

    /// Returns how a task is. With `wait`, returns when it has ended or after that time.
    async fn task(&self, pod: &PodId, task: &TaskId, wait: Span) -> Result<TaskStatus, Error>;

    /// Sends a signal to a task and everything that it started; with a grace period, SIGKILL
    /// follows.
    async fn task_signal(
        &self,
        pod: &PodId,
        task: &TaskId,
        signal: &SignalTask,
    ) -> Result<(), Error>;

    /// Returns a task's output from `offset` on: to its present end, or with `follow` until the
    /// task has ended and everything was sent. Of a long output only the end is kept: it begins later
    /// when `offset` was cut, and it ends when what follows is cut while it is read. So it is read to
    /// its end when asking again gives nothing.
    async fn task_log(
        &self,
        pod: &PodId,
        task: &TaskId,
        offset: u64,
        follow: Follow,
    ) -> Result<LogStream, Error>;

    /// Runs an interactive command: frames in ([`crate::frame`]), frames out; it ends when the
    /// incoming stream does.
    async fn exec(
        &self,
        pod: &PodId,
        spec: &ExecSpec,
        input: ByteStream,
    ) -> Result<ByteStream, Error>;

    /// Connects to a TCP port inside a pod: raw bytes both ways.
    async fn forward(&self, pod: &PodId, port: u16, input: ByteStream)
    -> Result<ByteStream, Error>;

    /// Returns which of these the agent's content store lacks.
    async fn content_missing(&self, hashes: &Blobs) -> Result<Blobs, Error>;

    /// Takes blobs into the content store, framed as `livery-content` frames them.
    async fn content_put(&self, frames: ByteStream) -> Result<(), Error>;

    /// Returns blobs from the content store, framed likewise.
    async fn content_get(&self, hashes: &Blobs) -> Result<ByteStream, Error>;

    /// Writes a tree whose content the agent has into a pod.
    async fn tree_apply(&self, pod: &PodId, tree: &ApplyTree) -> Result<Applied, Error>;

    /// Takes the files that match from a pod into the content store and returns their manifest.
    async fn tree_collect(&self, pod: &PodId, collect: &CollectTree) -> Result<Collected, Error>;

    /// Drops content that no tree given here refers to.
    async fn content_keep(&self, manifests: &[ContentHash]) -> Result<(), Error>;
}

/// Whether to wait for output that is yet to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Return what there is.
    No,
    /// Go on until the task has ended.
    Yes,
}

//! Calls about offers and pods.

use super::{Client, Duplex, part, query};
use crate::Error;
use crate::dto::{ExecSpec, NewPod, OfferQuery, Offers, Pod, PodList, Stats, Which, WhichQuery};
use bytes::{BufMut, Bytes, BytesMut};

impl Client {
    /// Returns the offers that fit, best first, and why the others do not.
    pub async fn offers(&self, question: &OfferQuery) -> Result<Offers, Error> {
        self.get(&query("/v1/offers", question)).await
    }

    /// Returns pods, newest first.
    pub async fn pods(&self, which: Which) -> Result<PodList, Error> {
        self.get(&query("/v1/pods", &WhichQuery { which })).await
    }

    /// Makes a pod.
    pub async fn pod_create(&self, pod: &NewPod) -> Result<Pod, Error> {
        self.post_json("/v1/pods", pod).await
    }

    /// Returns a pod by its id, or by its name when only one pod has it.
    pub async fn pod(&self, pod: &str) -> Result<Pod, Error> {
        self.get(&format!("/v1/pods/{}", part(pod))).await
    }

    /// Stops a pod; its volume disk is kept.
    pub async fn pod_stop(&self, pod: &str) -> Result<Pod, Error> {
        self.post(&format!("/v1/pods/{}/stop", part(pod))).await
    }

    /// Starts a stopped pod.
    pub async fn pod_start(&self, pod: &str) -> Result<Pod, Error> {
        self.post(&format!("/v1/pods/{}/start", part(pod))).await
    }

    /// Terminates a pod and everything of it.
    pub async fn pod_terminate(&self, pod: &str) -> Result<Pod, Error> {
        self.delete(&format!("/v1/pods/{}", part(pod))).await
    }

    /// Waits until a pod is as wanted or cannot be, at most so long; returns it as it is then.
    pub async fn pod_wait(&self, pod: &str, wait_ms: u64) -> Result<Pod, Error> {
        let path = format!("/v1/pods/{}/wait?wait_ms={wait_ms}", part(pod));
        self.get(&path).await
    }

    /// Returns what a pod uses.
    pub async fn pod_stats(&self, pod: &str) -> Result<Stats, Error> {
        self.get(&format!("/v1/pods/{}/stats", part(pod))).await
    }

    /// Runs an interactive command: frames of the host API both ways.
    pub async fn pod_exec(&self, pod: &str, spec: &ExecSpec) -> Result<Duplex, Error> {
        let path = format!("/v1/pods/{}/exec", part(pod));
        self.duplex(&path, Some(self.prelude(spec)?)).await
    }

    /// Connects to a TCP port inside a pod: raw bytes both ways.
    pub async fn pod_forward(&self, pod: &str, port: u16) -> Result<Duplex, Error> {
        let path = format!("/v1/pods/{}/forward/{port}", part(pod));
        self.duplex(&path, None).await
    }

    /// The command goes before the frames: its length in four bytes, then its JSON. A header or a
    /// query would bound how long it may be.
    fn prelude(&self, spec: &ExecSpec) -> Result<Bytes, Error> {
        let json = self.json(spec)?;
        let mut prelude = BytesMut::with_capacity(json.len() + 4);
        prelude.put_u32(u32::try_from(json.len()).unwrap_or(u32::MAX));
        prelude.put_slice(&json);
        Ok(prelude.freeze())
    }
}

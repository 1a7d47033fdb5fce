//! Calls about network volumes.

use super::{Client, part, query};
use crate::Error;
use crate::dto::{NewVolume, Volume, VolumeList, VolumeSize, Which, WhichQuery};

impl Client {
    /// Returns network volumes, newest first.
    pub async fn volumes(&self, which: Which) -> Result<VolumeList, Error> {
        self.get(&query("/v1/volumes", &WhichQuery { which })).await
    }

    /// Makes a network volume.
    pub async fn volume_create(&self, volume: &NewVolume) -> Result<Volume, Error> {
        self.post_json("/v1/volumes", volume).await
    }

    /// Returns a network volume by its id or name.
    pub async fn volume(&self, volume: &str) -> Result<Volume, Error> {
        self.get(&format!("/v1/volumes/{}", part(volume))).await
    }

    /// Makes a network volume larger.
    pub async fn volume_resize(&self, volume: &str, size: &VolumeSize) -> Result<Volume, Error> {
        let path = format!("/v1/volumes/{}/size", part(volume));
        self.post_json(&path, size).await
    }

    /// Removes a network volume and all that is on it.
    pub async fn volume_delete(&self, volume: &str) -> Result<Volume, Error> {
        self.delete(&format!("/v1/volumes/{}", part(volume))).await
    }

    /// Waits until a network volume is as wanted or cannot be, at most so long; returns it as it is
    /// then.
    pub async fn volume_wait(&self, volume: &str, wait_ms: u64) -> Result<Volume, Error> {
        let path = format!("/v1/volumes/{}/wait?wait_ms={wait_ms}", part(volume));
        self.get(&path).await
    }
}

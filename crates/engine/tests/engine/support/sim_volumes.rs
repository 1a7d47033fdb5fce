//! The network volumes of the simulated host: their sizes, in memory.

use livery_host_api::Error;
use livery_host_api::dto::{VolumeSpec, VolumeStatus};
use livery_units::VolumeId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

/// What a host makes of calls about volumes.
#[derive(Default)]
pub struct SimVolumes {
    sizes: Mutex<BTreeMap<String, u64>>,
    refusal: Mutex<Option<Error>>,
}

impl SimVolumes {
    pub fn list(&self) -> Vec<VolumeStatus> {
        let sizes = self.lock();
        sizes.iter().map(|(id, size)| status(id, *size)).collect()
    }

    pub fn show(&self, id: &VolumeId) -> Result<VolumeStatus, Error> {
        let size = self.lock().get(id.as_str()).copied();
        size.map(|size| status(id.as_str(), size))
            .ok_or_else(|| Error::NotFound(id.to_string()))
    }

    pub fn create(&self, id: &VolumeId, spec: VolumeSpec) -> Result<VolumeStatus, Error> {
        if let Some(refusal) = self.refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        self.lock().entry(id.to_string()).or_insert(spec.size);
        self.show(id)
    }

    pub fn resize(&self, id: &VolumeId, spec: VolumeSpec) -> Result<VolumeStatus, Error> {
        self.show(id)?;
        if let Some(refusal) = self.refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        self.lock().insert(id.to_string(), spec.size);
        self.show(id)
    }

    pub fn delete(&self, id: &VolumeId) {
        self.lock().remove(id.as_str());
    }

    /// Every further making and growing is refused with this, or none is.
    pub fn refuse(&self, refusal: Option<Error>) {
        *self.refusal.lock().unwrap() = refusal;
    }

    /// All volumes vanish, as when the machine's disk is lost.
    pub fn lose(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.sizes.lock().unwrap()
    }
}

fn status(id: &str, size: u64) -> VolumeStatus {
    VolumeStatus {
        volume: id.to_owned(),
        size,
        allocated: 0,
        pod: None,
    }
}

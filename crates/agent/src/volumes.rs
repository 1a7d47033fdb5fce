//! Network volumes: admitted like pods, made by the runtime, kept until they are deleted.

use crate::agent::Core;
use crate::capacity;
use crate::error::of_runtime;
use livery_host_api::Error;
use livery_host_api::dto::{Resources, VolumeSpec, VolumeStatus};
use livery_runtime::VolumeState;
use livery_units::{Bytes, PodId, VolumeId};
use std::sync::Arc;

impl Core {
    /// Lists the volumes, each with the pod that has it.
    pub(crate) async fn volumes(self: &Arc<Self>) -> Result<Vec<VolumeStatus>, Error> {
        let found = self.blocking(|core| core.runtime.volumes().map_err(of_runtime));
        let found = found.await?;
        Ok(found.iter().map(|one| self.describe_volume(one)).collect())
    }

    /// Returns one volume that must exist.
    pub(crate) async fn volume(self: &Arc<Self>, id: &VolumeId) -> Result<VolumeStatus, Error> {
        let id = id.clone();
        let found = self.blocking(move |core| {
            let found = core.runtime.volume(&id).map_err(of_runtime)?;
            found.ok_or_else(|| Error::NotFound(format!("volume {id} is not on this machine")))
        });
        Ok(self.describe_volume(&found.await?))
    }

    /// Makes a volume if it fits; the same id again returns what the first one made.
    pub(crate) async fn make_volume(
        self: &Arc<Self>,
        id: VolumeId,
        spec: VolumeSpec,
    ) -> Result<VolumeStatus, Error> {
        let _one_at_a_time = self.admission.lock().await;
        let made = self.blocking(move |core| {
            let found = core.runtime.volume(&id).map_err(of_runtime)?;
            if let Some(found) = found {
                return Ok(found);
            }
            capacity::check(disk_of(spec.size), core.free()?)?;
            let size = Bytes::new(spec.size);
            core.runtime.volume_create(&id, size).map_err(of_runtime)
        });
        Ok(self.describe_volume(&made.await?))
    }

    /// Makes a volume larger if that fits.
    pub(crate) async fn grow_volume(
        self: &Arc<Self>,
        id: VolumeId,
        spec: VolumeSpec,
    ) -> Result<VolumeStatus, Error> {
        {
            let _one_at_a_time = self.admission.lock().await;
            let id = id.clone();
            self.blocking(move |core| {
                let found = core.runtime.volume(&id).map_err(of_runtime)?;
                let has = found.map_or(spec.size, |found| found.size.get());
                capacity::check(disk_of(spec.size.saturating_sub(has)), core.free()?)
            })
            .await?;
        }
        // A large one takes its time, and nobody else need wait for it. The runtime looks for room
        // again.
        let grown = self.blocking(move |core| {
            let size = Bytes::new(spec.size);
            core.runtime.volume_resize(&id, size).map_err(of_runtime)
        });
        Ok(self.describe_volume(&grown.await?))
    }

    /// Removes a volume that no pod has; what is gone already is as good.
    pub(crate) async fn remove_volume(self: &Arc<Self>, id: VolumeId) -> Result<(), Error> {
        let _one_at_a_time = self.admission.lock().await;
        if let Some(pod) = self.holder_of(id.as_str()) {
            return Err(in_use(&id, &pod));
        }
        self.blocking(move |core| core.runtime.volume_delete(&id).map_err(of_runtime))
            .await
    }

    /// Refuses a pod whose network volume is not here or is another pod's; the caller holds the
    /// admission.
    pub(crate) fn check_volume(&self, volume: Option<&str>) -> Result<(), Error> {
        let Some(volume) = volume else {
            return Ok(());
        };
        let id = parse(volume)?;
        if let Some(pod) = self.holder_of(volume) {
            return Err(in_use(&id, &pod));
        }
        match self.runtime.volume(&id).map_err(of_runtime)? {
            Some(_) => Ok(()),
            None => {
                let text = format!("volume {id} is not on this machine");
                Err(Error::NotFound(text))
            }
        }
    }

    /// What volumes hold of the machine: as much as they may grow to.
    pub(crate) fn volumes_share(&self) -> Result<capacity::Share, Error> {
        let volumes = self.runtime.volumes().map_err(of_runtime)?;
        let sizes = volumes.iter().map(|volume| volume.size.get());
        Ok(capacity::Share {
            resources: disk_of(sizes.fold(0, u64::saturating_add)),
            gpus: Vec::new(),
        })
    }

    fn holder_of(&self, volume: &str) -> Option<PodId> {
        let pods = self.pods.all().into_iter();
        pods.filter(|pod| pod.record().spec.network_volume.as_deref() == Some(volume))
            .map(|pod| pod.id.clone())
            .next()
    }

    fn describe_volume(&self, found: &VolumeState) -> VolumeStatus {
        VolumeStatus {
            volume: found.id.to_string(),
            size: found.size.get(),
            allocated: found.allocated.get(),
            pod: self.holder_of(found.id.as_str()).map(|pod| pod.to_string()),
        }
    }
}

/// Reads a volume's id as a pod's order names it.
pub(crate) fn parse(volume: &str) -> Result<VolumeId, Error> {
    let id = volume.parse::<VolumeId>();
    id.map_err(|error| Error::Invalid(error.to_string()))
}

fn disk_of(disk: u64) -> Resources {
    Resources {
        disk,
        ..Resources::default()
    }
}

fn in_use(volume: &VolumeId, pod: &PodId) -> Error {
    Error::WrongState(format!(
        "volume {volume} is in use by pod {pod}; terminate that pod first, the volume stays"
    ))
}

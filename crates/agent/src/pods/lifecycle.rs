//! Admits, stops, starts and removes pods.

use super::{Pod, Record, Stage, tenant_of};
use crate::agent::Core;
use crate::capacity;
use crate::error::{of_images, of_io, of_runtime};
use livery_host_api::Error;
use livery_host_api::dto::{Gpu, PodSpec, Resources};
use livery_images::ImageRef;
use livery_units::{PodId, Span};
use std::sync::Arc;

impl Core {
    /// Takes a pod on if it fits; the same id again returns what the first one made.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        id: PodId,
        spec: PodSpec,
    ) -> Result<Arc<Pod>, Error> {
        let _one_at_a_time = self.admission.lock().await;
        if let Some(pod) = self.pods.get(&id) {
            return Ok(pod);
        }
        // Mistakes are said at once, not in the background.
        let image: ImageRef = spec.image.parse().map_err(of_images)?;
        let tenant = tenant_of(&spec)?;
        image.check_tenant(&tenant).map_err(of_images)?;
        let record = self
            .blocking(move |core| {
                if core.records.has(&id) {
                    let text = format!("pod {id} has a record that cannot be read; remove it");
                    return Err(Error::WrongState(text));
                }
                core.check_volume(spec.network_volume.as_deref())?;
                let gpus = core.gpus_for(&spec)?;
                capacity::check(capacity::needs(&spec), core.free_for_pod()?)?;
                core.machine.check_files()?;
                let record = Record::new(spec, gpus);
                let written = core.records.write(&id, &record);
                written.map_err(|error| of_io("write the pod's record", &error))?;
                Ok((id, record))
            })
            .await?;
        let pod = Arc::new(Pod::new(record.0, record.1));
        self.pods.insert(Arc::clone(&pod));
        self.begin(Arc::clone(&pod));
        Ok(pod)
    }

    fn gpus_for(&self, spec: &PodSpec) -> Result<Vec<Gpu>, Error> {
        if spec.gpu_count == 0 {
            return Ok(Vec::new());
        }
        let gpus = self.gpus_now();
        let picked = capacity::pick_gpus(spec, &gpus)?;
        let picked = gpus.into_iter().filter(|gpu| picked.contains(&gpu.index));
        Ok(picked.collect())
    }

    /// Stops a pod; what is stopped already is as good.
    pub(crate) async fn stop_pod(
        self: &Arc<Self>,
        pod: &Arc<Pod>,
        grace: Span,
    ) -> Result<(), Error> {
        must_be_made(pod)?;
        let _turn = pod.turn.lock().await;
        must_be_made(pod)?;
        // Stopped is what it is meant to be from here on, whatever becomes of this agent.
        let record = pod.set(|record| record.stage = Stage::Stopped);
        pod.interrupt();
        self.keep(pod, record).await;
        let id = pod.id.clone();
        self.blocking(move |core| core.runtime.stop(&id, grace).map_err(of_runtime))
            .await?;
        pod.set(|_| ());
        Ok(())
    }

    /// Starts a pod that was stopped, ended or was lost; what is up already is as good.
    pub(crate) async fn start_pod(self: &Arc<Self>, pod: &Arc<Pod>) -> Result<(), Error> {
        must_be_made(pod)?;
        let _turn = pod.turn.lock().await;
        must_be_made(pod)?;
        let before = pod.record();
        if before.stage == Stage::Stopped {
            let _one_at_a_time = self.admission.lock().await;
            let needs = Resources {
                disk: 0,
                ..capacity::needs(&before.spec)
            };
            self.blocking(move |core| capacity::check(needs, core.free()?))
                .await?;
            pod.set(|record| record.stage = Stage::Made);
        }
        let id = pod.id.clone();
        let started = self.blocking(move |core| core.runtime.start(&id).map_err(of_runtime));
        match started.await {
            Ok(_) => {
                self.keep(pod, pod.record()).await;
                Ok(())
            }
            Err(error) => {
                pod.set(|record| record.stage = before.stage);
                Err(error)
            }
        }
    }

    /// Removes a pod and everything of it, however far it is.
    pub(crate) async fn remove_pod(self: &Arc<Self>, id: PodId) -> Result<(), Error> {
        let Some(pod) = self.pods.get(&id) else {
            // Nobody knows it, but something of it may be there all the same.
            return self.erase(id).await;
        };
        pod.cancelled.cancel();
        let _turn = pod.turn.lock().await;
        let still_there = self.pods.get(&id);
        if !still_there.is_some_and(|found| Arc::ptr_eq(&found, &pod)) {
            return Ok(());
        }
        let record = pod.set(|record| {
            record.stage = Stage::Removing;
            record.spec.credentials = None;
        });
        pod.interrupt();
        self.keep(&pod, record).await;
        self.erase(id.clone()).await?;
        self.pods.remove(&id);
        pod.set(|_| ());
        Ok(())
    }

    async fn erase(self: &Arc<Self>, id: PodId) -> Result<(), Error> {
        self.blocking(move |core| {
            core.runtime.remove(&id).map_err(of_runtime)?;
            let forgotten = core.records.forget(&id);
            forgotten.map_err(|error| of_io("remove the pod's record", &error))
        })
        .await
    }
}

/// Refuses work on the files of a pod that is stopped or on its way out.
pub(super) fn must_be_up(pod: &Pod) -> Result<(), Error> {
    must_be_made(pod)?;
    match pod.record().stage {
        Stage::Stopped => Err(Error::WrongState(format!(
            "pod {} is stopped; start it first",
            pod.id
        ))),
        Stage::Made | Stage::Preparing | Stage::Failed(_) | Stage::Removing => Ok(()),
    }
}

fn must_be_made(pod: &Pod) -> Result<(), Error> {
    let id = &pod.id;
    match pod.record().stage {
        Stage::Made | Stage::Stopped => Ok(()),
        Stage::Preparing => Err(Error::WrongState(format!(
            "pod {id} is still being made; wait until it is up"
        ))),
        Stage::Failed(failure) => Err(Error::WrongState(format!(
            "pod {id} could not be made: {}; remove it",
            failure.message
        ))),
        Stage::Removing => Err(Error::WrongState(format!("pod {id} is being removed"))),
    }
}

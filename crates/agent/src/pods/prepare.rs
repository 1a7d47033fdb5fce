//! Makes a pod in the background: its image, then its disks and processes.

use super::{Pod, Record, Stage, spec, tenant_of};
use crate::agent::Core;
use crate::error::{of_images, of_runtime};
use livery_host_api::Error;
use livery_images::{ImageRef, Prepared, Puller};
use livery_runtime::Status;
use std::sync::Arc;

impl Core {
    /// Begins, or goes on, to make a pod.
    pub(crate) fn begin(self: &Arc<Self>, pod: Arc<Pod>) {
        let core = Arc::clone(self);
        self.tasks.spawn(async move { core.prepare(&pod).await });
    }

    async fn prepare(self: &Arc<Self>, pod: &Arc<Pod>) {
        let _turn = pod.turn.lock().await;
        if pod.record().stage != Stage::Preparing {
            return;
        }
        // Half a pod cannot be left to itself, so only the image is given up half-way. An image that is
        // there at once does not begin a pod that is to be removed.
        let image = tokio::select! {
            biased;
            () = pod.cancelled.cancelled() => return,
            () = self.stop.cancelled() => return,
            image = self.image(pod) => image,
        };
        let made = match image {
            Ok(image) => self.make(pod, image).await,
            Err(error) => Err(error),
        };
        let record = match made {
            Ok(record) => pod.set(|now| *now = record),
            Err(error) => {
                tracing::warn!(pod.id = %pod.id, %error, "the pod could not be made");
                pod.set(|record| {
                    record.stage = Stage::Failed(error.to_failure());
                    record.spec.credentials = None;
                })
            }
        };
        self.keep(pod, record).await;
    }

    async fn image(&self, pod: &Pod) -> Result<Prepared, Error> {
        let record = pod.record();
        let image: ImageRef = record.spec.image.parse().map_err(of_images)?;
        let puller = Puller {
            tenant: tenant_of(&record.spec)?,
            credentials: record.spec.credentials.map(Into::into),
        };
        let prepared = self.images.prepare(&image, &puller, &pod.progress);
        prepared.await.map_err(of_images)
    }

    /// Makes the pod and returns what to write down of it.
    async fn make(self: &Arc<Self>, pod: &Arc<Pod>, image: Prepared) -> Result<Record, Error> {
        // The layers are claimed before they are used, so that no sweep takes them away.
        let layers = image.layers().to_vec();
        let mut record = pod.set(|record| record.layers = layers);
        let id = pod.id.clone();
        self.blocking(move |core| {
            let devices = core.gpus.devices(&record.gpus)?;
            let spec = spec::of(&id, &record, &image, devices, core.options.log_limit)?;
            let state = core.runtime.create(&spec).map_err(of_runtime)?;
            match state.status {
                Status::Up { .. } | Status::Down { .. } | Status::Starting => {}
                // It was made by an agent before us and its machine restarted since.
                Status::Lost => tracing::warn!(pod.id = %id, "the pod is lost"),
            }
            record.stage = Stage::Made;
            record.spec.credentials = None;
            record.user = image.config.user;
            record.cuda_required = image.cuda_required.map(|cuda| cuda.to_string());
            Ok(record)
        })
        .await
    }

    /// Writes down what a pod has come to. Where that fails the pod goes on: an agent that finds
    /// the older record repeats the step, which changes nothing.
    pub(super) async fn keep(self: &Arc<Self>, pod: &Pod, record: Record) {
        let id = pod.id.clone();
        let written = self.blocking(move |core| {
            let written = core.records.write(&id, &record);
            written.map_err(|error| crate::error::of_io("write the pod's record", &error))
        });
        if let Err(error) = written.await {
            tracing::error!(pod.id = %pod.id, %error, "the pod's record is out of date");
        }
    }
}

//! What a pod looks like from outside.

use super::{Pod, Record, Stage};
use crate::agent::Core;
use crate::error::of_runtime;
use livery_host_api::Error;
use livery_host_api::dto::{Failure, PodState, PodStatus};
use livery_images::Progress;
use livery_runtime::{End, Status};
use livery_units::{Bytes, PodId, Span};
use std::sync::Arc;

impl Core {
    /// Returns a pod that must exist.
    pub(crate) fn find(&self, id: &PodId) -> Result<Arc<Pod>, Error> {
        let found = self.pods.get(id);
        found.ok_or_else(|| Error::NotFound(format!("pod {id} is not on this machine")))
    }

    /// Returns how a pod is.
    pub(crate) async fn status(self: &Arc<Self>, pod: &Arc<Pod>) -> Result<PodStatus, Error> {
        let record = pod.record();
        let (state, detail) = match &record.stage {
            Stage::Preparing => (PodState::Starting, Some(progress(&pod.progress.borrow()))),
            Stage::Failed(failure) => (PodState::Failed, Some(words(failure))),
            Stage::Removing => (PodState::Down, Some("is being removed".to_owned())),
            Stage::Made | Stage::Stopped => return self.status_of_made(pod, record).await,
        };
        Ok(describe(pod, record, state, detail))
    }

    async fn status_of_made(
        self: &Arc<Self>,
        pod: &Arc<Pod>,
        record: Record,
    ) -> Result<PodStatus, Error> {
        let id = pod.id.clone();
        let look = move |core: &Arc<Core>| {
            let state = core.runtime.state(&id).map_err(of_runtime)?;
            let ran = core.runtime.ran(&id).map_err(of_runtime)?;
            Ok((state.map(|state| state.status), ran))
        };
        let (status, ran) = self.blocking(look).await?;
        let (state, detail, exit_code) = of_status(status);
        Ok(PodStatus {
            exit_code,
            began_ago_ms: ran.began_ago.map(Span::millis),
            ended_ago_ms: ran.ended_ago.map(Span::millis),
            ..describe(pod, record, state, detail)
        })
    }

    /// Waits until a pod is no longer being made, or for a time, and returns how it is then.
    pub(crate) async fn settled(
        self: &Arc<Self>,
        pod: &Arc<Pod>,
        wait: Span,
    ) -> Result<PodStatus, Error> {
        let mut changed = pod.changed.subscribe();
        let deadline = tokio::time::Instant::now() + wait.to_std();
        while pod.record().stage == Stage::Preparing {
            match tokio::time::timeout_at(deadline, changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => break,
            }
        }
        self.status(pod).await
    }
}

fn describe(pod: &Pod, record: Record, state: PodState, detail: Option<String>) -> PodStatus {
    let failure = match record.stage {
        Stage::Failed(failure) => Some(failure),
        Stage::Preparing | Stage::Made | Stage::Stopped | Stage::Removing => None,
    };
    PodStatus {
        pod: pod.id.to_string(),
        launch_key: record.spec.launch_key,
        state,
        detail,
        failure,
        exit_code: None,
        began_ago_ms: None,
        ended_ago_ms: None,
        address: None,
    }
}

fn of_status(status: Option<Status>) -> (PodState, Option<String>, Option<i32>) {
    match status {
        Some(Status::Starting) => (PodState::Starting, None, None),
        Some(Status::Up { .. }) => (PodState::Up, None, None),
        Some(Status::Down { end }) => (PodState::Down, ended(&end), Some(end.exit.code())),
        Some(Status::Lost) | None => {
            let text = "its processes vanished: its shim was killed or the machine restarted";
            (PodState::Lost, Some(text.to_owned()), None)
        }
    }
}

/// Says what else is known about an end.
pub(crate) fn ended(end: &End) -> Option<String> {
    (end.oom_kills > 0).then(|| {
        let count = end.oom_kills;
        format!("the pod's memory was full: the kernel killed {count} of its processes")
    })
}

fn words(failure: &Failure) -> String {
    Error::from(failure.clone()).to_string()
}

fn progress(progress: &Progress) -> String {
    if progress.layers == 0 {
        return "is being prepared".to_owned();
    }
    let bytes = if progress.bytes > Bytes::ZERO {
        format!(", {} of {}", progress.bytes_done, progress.bytes)
    } else {
        String::new()
    };
    let (done, all) = (progress.layers_done, progress.layers);
    format!("image: {done} of {all} layers{bytes}")
}

//! The eight steps, one file each. A step returns how it ended; an `Err` is a passing failure, and
//! the step is done again.

mod away;
mod budget;
mod choose;
mod deploy;
mod files;
mod launch;
mod patience;
mod pull;
mod task;
mod teardown;
mod train;
mod transfer;
mod validate;

pub(crate) use away::stands_still;
pub(crate) use budget::is_over_budget;
pub(crate) use pull::RESULTS;
pub(crate) use task::stop_tasks;
pub(crate) use teardown::{farewell, farewell_said, pods_of};

use crate::error::Error;
use crate::pod;
use crate::services::Services;
use livery_domain::job::Job;
use livery_domain::pod::{Phase, Pod};
use livery_domain::run::{Run, RunStep, StepEnd};
use livery_host_api::Host;
use livery_host_api::dto::PodState;
use livery_units::ContentHash;
use std::sync::Arc;

/// What a step works with.
pub(crate) struct Scene {
    pub(crate) services: Arc<Services>,
    pub(crate) run: Run,
    pub(crate) job: Job,
    pub(crate) pod: Option<Pod>,
}

impl Scene {
    /// Returns the run's pod and its host agent, or how the step ends because there is none.
    pub(crate) async fn pod_up(&self) -> Result<Result<(Pod, Arc<dyn Host>), StepEnd>, Error> {
        let Some(pod) = &self.pod else {
            return Ok(Err(StepEnd::PodGone("the run has no pod".into())));
        };
        let pod = self.services.store.pod_fetch(&pod.id).await?;
        let gone =
            |why: &str| StepEnd::PodGone(pod.reason.clone().unwrap_or_else(|| why.to_owned()));
        match pod.phase() {
            Phase::Running => {}
            Phase::Pending | Phase::Starting => {
                return Err(Error::Unreachable(format!(
                    "pod {} is still starting",
                    pod.id
                )));
            }
            Phase::Lost => return Ok(Err(gone("its pod vanished"))),
            Phase::Exited => return Ok(Err(gone("its pod's first process ended"))),
            Phase::Stopping | Phase::Stopped | Phase::Terminating | Phase::Terminated => {
                return Ok(Err(gone("its pod was ended")));
            }
        }
        let host = pod::host_of(&self.services, &pod).await?;
        Ok(Ok((pod, host)))
    }

    /// Asks the host whether the run's pod is there no longer; the row may not know yet. Silence
    /// says nothing.
    async fn pod_is_lost(&self) -> bool {
        let Some(pod) = &self.pod else {
            return false;
        };
        let Ok(host) = pod::host_of(&self.services, pod).await else {
            return false;
        };
        match host.pod(&pod.id).await {
            Ok(status) => match status.state {
                PodState::Lost | PodState::Down => true,
                PodState::Starting | PodState::Up | PodState::Failed => false,
            },
            Err(error) => matches!(error, livery_host_api::Error::NotFound(_)),
        }
    }
}

/// Does the run's present step. One that failed because its pod was lost under it says so.
pub(crate) async fn perform(scene: &Scene) -> Result<StepEnd, Error> {
    match step(scene).await? {
        StepEnd::Failed(_) if scene.pod_is_lost().await => {
            let step = scene.run.step;
            let why = format!("its pod was lost during {step}: its shim or its machine died");
            Ok(StepEnd::PodGone(why))
        }
        end @ (StepEnd::Done | StepEnd::Failed(_)) => Ok(end),
        end @ (StepEnd::NextOffer(_) | StepEnd::PodGone(_)) => Ok(end),
    }
}

async fn step(scene: &Scene) -> Result<StepEnd, Error> {
    match scene.run.step {
        RunStep::Choose => {
            files::are_here(scene).await?;
            choose::perform(scene).await
        }
        RunStep::Launch => launch::perform(scene).await,
        RunStep::Validate => validate::perform(scene).await,
        RunStep::Deploy => deploy::perform(scene).await,
        RunStep::Transfer => transfer::perform(scene).await,
        RunStep::Train => train::perform(scene).await,
        RunStep::Pull => pull::perform(scene).await,
        RunStep::Teardown => teardown::perform(scene).await,
    }
}

/// What a step is announced with.
pub(crate) fn headline(step: RunStep) -> &'static str {
    match step {
        RunStep::Choose => "looking for the cheapest offer that fits",
        RunStep::Launch => "starting a pod",
        RunStep::Validate => "checking that the pod is what was offered",
        RunStep::Deploy => "sending workdir and running setup",
        RunStep::Transfer => "sending file_mounts",
        RunStep::Train => "running",
        RunStep::Pull => "bringing results home",
        RunStep::Teardown => "ending the pod",
    }
}

/// What steps found out for the run's row; kept in notes until the row is written.
pub(crate) struct Found {
    pod: Option<livery_units::PodId>,
    exit_code: Option<i32>,
    results: Option<ContentHash>,
}

impl Found {
    /// Takes it into the row.
    pub(crate) fn apply(self, run: &mut Run) {
        run.pod = self.pod.or(run.pod.take());
        run.exit_code = self.exit_code.or(run.exit_code);
        run.results = self.results.or(run.results);
    }
}

/// Reads what steps found out.
pub(crate) async fn results_of(services: &Services, run: &Run) -> Result<Found, Error> {
    let pod = match run.step {
        RunStep::Launch => launch::pod_of(services, run).await?,
        RunStep::Choose | RunStep::Validate | RunStep::Deploy | RunStep::Transfer => None,
        RunStep::Train | RunStep::Pull | RunStep::Teardown => None,
    };
    let exit_code = services
        .store
        .run_note_get(&run.id, train::EXIT_CODE)
        .await?;
    let results = services.store.run_note_get(&run.id, pull::RESULTS).await?;
    Ok(Found {
        pod,
        exit_code: exit_code.and_then(|code| code.parse().ok()),
        results: results.and_then(|hash| hash.parse().ok()),
    })
}

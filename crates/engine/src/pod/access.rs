//! Getting into a pod: commands, ports, figures.

use super::wait;
use crate::error::Error;
use crate::services::Services;
use livery_domain::pod::{Phase, Pod};
use livery_host_api::dto::{ExecSpec, Stats};
use livery_host_api::{ByteStream, Host};
use livery_supplier::{Access, Lease};
use livery_units::{AccountId, Span};
use std::sync::Arc;

/// How long a command waits for a pod that is still starting.
const START_PATIENCE: Span = Span::from_secs(600);

/// Runs an interactive command in a pod, once it is up.
pub(crate) async fn exec(
    services: &Services,
    account: &AccountId,
    id: &str,
    spec: &ExecSpec,
    input: ByteStream,
) -> Result<ByteStream, Error> {
    let (host, pod) = reach(services, account, id).await?;
    Ok(host.exec(&pod.id, spec, input).await?)
}

/// Connects to a TCP port inside a pod.
pub(crate) async fn forward(
    services: &Services,
    account: &AccountId,
    id: &str,
    port: u16,
    input: ByteStream,
) -> Result<ByteStream, Error> {
    let (host, pod) = reach(services, account, id).await?;
    Ok(host.forward(&pod.id, port, input).await?)
}

/// Returns what a pod uses.
pub(crate) async fn stats(
    services: &Services,
    account: &AccountId,
    id: &str,
) -> Result<Stats, Error> {
    let (host, pod) = reach(services, account, id).await?;
    Ok(host.pod_stats(&pod.id).await?)
}

async fn reach(
    services: &Services,
    account: &AccountId,
    id: &str,
) -> Result<(Arc<dyn Host>, Pod), Error> {
    let pod = wait(services, account, id, START_PATIENCE).await?;
    match pod.phase() {
        Phase::Running => {}
        phase @ (Phase::Pending
        | Phase::Starting
        | Phase::Stopping
        | Phase::Stopped
        | Phase::Exited) => {
            return Err(not_running(&pod, phase));
        }
        phase @ (Phase::Terminating | Phase::Terminated | Phase::Lost) => {
            return Err(not_running(&pod, phase));
        }
    }
    Ok((host_of(services, &pod).await?, pod))
}

fn not_running(pod: &Pod, phase: Phase) -> Error {
    let what_to_do = match phase {
        Phase::Stopped | Phase::Exited => "start it first: `livery pod start`",
        Phase::Pending | Phase::Starting | Phase::Running => "try again once it is running",
        Phase::Stopping => "start it once it is stopped",
        Phase::Terminating | Phase::Terminated | Phase::Lost => "create another",
    };
    let message = match &pod.reason {
        Some(reason) => format!("{reason}; {what_to_do}"),
        None => what_to_do.to_owned(),
    };
    Error::PodPhase {
        pod: pod.id.to_string(),
        phase: phase.to_string(),
        message,
    }
}

/// Returns the host agent that serves a pod.
pub(crate) async fn host_of(services: &Services, pod: &Pod) -> Result<Arc<dyn Host>, Error> {
    if let Some(host) = &pod.offer.host {
        let access = Access::Host {
            host: host.clone(),
            pod: pod.id.clone(),
        };
        return services.host(&access).await;
    }
    let supplier = services.supplier(pod.supplier())?;
    let observation = supplier.observe(&lease_of(pod)).await?;
    let access = observation.access.ok_or_else(|| {
        Error::Unreachable(format!(
            "supplier {} gives no way into pod {}",
            pod.supplier(),
            pod.id
        ))
    })?;
    services.host(&access).await
}

/// Returns our hold on a pod's machine; before the supplier has answered, its own id is unknown and
/// the launch key alone must do.
pub(crate) fn lease_of(pod: &Pod) -> Lease {
    Lease {
        key: pod.launch_key.clone(),
        foreign_id: pod.foreign_id.clone().unwrap_or_default(),
    }
}

//! Makes a pod at its supplier, or gives it up.

use super::asking::order;
use super::reconcile::{record, silence};
use super::rest;
use crate::error::Error;
use crate::money;
use crate::services::Services;
use livery_domain::pod::{Desired, Observed, Pod, PodFailure};
use livery_supplier::Retry;

/// A launch that fails in a passing way this often is given up.
const LAUNCH_ATTEMPTS_MAX: u32 = 5;

/// Holds money for a pod that is still wanted, and asks its supplier for it.
pub(super) async fn launch(services: &Services, pod: Pod) -> Result<Pod, Error> {
    let mut pod = forget_absence(services, pod).await?;
    if pod.desired != Desired::Running {
        return Ok(pod);
    }
    let prepared = async {
        // Placed with its row; a row of before that was so may be without.
        money::hold(services, &pod).await?;
        order(services, &pod).await
    };
    let order = match prepared.await {
        Ok(order) => order,
        // It does not start later, at a top-up, without a word; and Docker's file stays broken.
        Err(error @ (Error::InsufficientFunds { .. } | Error::DockerConfig { .. })) => {
            give_up(&mut pod, Some(PodFailure::Final), error.to_string());
            return record(services, pod).await;
        }
        Err(error) => return Err(error),
    };
    let asked = services.moment();
    let launched = services
        .supplier(pod.supplier())?
        .launch(&pod.launch_key, &order)
        .await;
    match launched {
        Ok(lease) => pod.launched(lease.foreign_id, asked),
        // Only a host that was there was tried.
        Err(error) if error.retry() == Retry::Later && rest::is_away(services, &pod) => {
            return silence(services, pod, &error).await;
        }
        Err(error) => {
            pod.attempts += 1;
            let failure = match error.retry() {
                Retry::Later if pod.attempts < LAUNCH_ATTEMPTS_MAX => None,
                Retry::Later | Retry::OtherOffer => Some(PodFailure::OtherOffer),
                Retry::Never => Some(PodFailure::Final),
            };
            if failure.is_none() {
                record(services, pod).await?;
                return Err(error.into());
            }
            give_up(&mut pod, failure, error.to_string());
        }
    }
    record(services, pod).await
}

/// Stores, before the supplier is called, that an older look at the pod says nothing any more.
async fn forget_absence(services: &Services, mut pod: Pod) -> Result<Pod, Error> {
    match pod.observed {
        Observed::Unknown => Ok(pod),
        Observed::Absent | Observed::Starting | Observed::Up | Observed::Down | Observed::Lost => {
            pod.launching();
            record(services, pod).await
        }
    }
}

/// Turns a pod that could not be made into one that must go, and says why.
pub(super) fn give_up(pod: &mut Pod, failure: Option<PodFailure>, reason: String) {
    pod.failure = failure;
    pod.reason = Some(reason);
    pod.desired = Desired::Gone;
}

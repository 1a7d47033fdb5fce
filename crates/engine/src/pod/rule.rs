//! What a rule does to a pod instead of its user: a policy, an empty balance.

use crate::error::Error;
use crate::services::Services;
use livery_domain::pod::{Desired, Wish};
use livery_store::Error as StoreError;
use livery_units::PodId;

/// Has a pod be as a rule says, with what it did and why in words for the user; one that cannot be
/// (it vanished, it is gone, it serves a run) is left as it is.
pub(crate) async fn rule(
    services: &Services,
    pod: &PodId,
    desired: Desired,
    words: &str,
) -> Result<Wish, Error> {
    loop {
        let mut row = services.store.pod_fetch(pod).await?;
        match row.rule(desired, words) {
            Ok(Wish::Changed) => {}
            Ok(Wish::AsBefore) | Err(_) => return Ok(Wish::AsBefore),
        }
        match services.store.pod_update(&row).await {
            Ok(row) => {
                tracing::info!(pod.id = %row.id, account.id = %row.account, "{words}");
                services.store.pod_nudge(&row.id).await?;
                services.board.pods.notify_one();
                services.announce();
                return Ok(Wish::Changed);
            }
            Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

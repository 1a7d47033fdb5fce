//! What a rule does to a pod instead of its user: a policy, an empty balance.

use super::power::stop_power;
use crate::error::Error;
use crate::services::Services;
use livery_domain::pod::{Desired, Wish};
use livery_store::Error as StoreError;
use livery_units::{PodId, Timestamp};

/// Has a pod be as a rule says, with what it did and why in words for the user; one that cannot be
/// (it vanished, it is gone, it serves a run) is left as it is.
pub(crate) async fn rule(
    services: &Services,
    pod: &PodId,
    desired: Desired,
    words: &str,
) -> Result<Wish, Error> {
    rule_unless(services, pod, desired, words, Unless::Never).await
}

/// What keeps a rule from being followed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unless {
    /// Nothing.
    Never,
    /// That the pod's account, which had no credit since then, has some again.
    Paid(Timestamp),
}

/// Has a pod be as a rule says, as [`rule`] does, unless something keeps it from that: of a payment and
/// the rule that come at the same moment, either the payment comes first and the pod stays as it is, or
/// the payment is not in the books yet.
pub(crate) async fn rule_unless(
    services: &Services,
    pod: &PodId,
    desired: Desired,
    words: &str,
    unless: Unless,
) -> Result<Wish, Error> {
    loop {
        let mut row = services.store.pod_fetch(pod).await?;
        let ruled = stop_power(services, row.supplier()).ruled(desired);
        let words = if ruled == desired {
            words.to_owned()
        } else {
            format!("{words}; it cannot be stopped where it is, so it is terminated")
        };
        match row.rule(ruled, &words) {
            Ok(Wish::Changed) => {}
            Ok(Wish::AsBefore) | Err(_) => return Ok(Wish::AsBefore),
        }
        let store = &services.store;
        let updated = match unless {
            Unless::Never => store.pod_update(&row).await.map(Some),
            Unless::Paid(since) => store.pod_update_unpaid(&row, since).await,
        };
        match updated {
            Ok(None) => return Ok(Wish::AsBefore),
            Ok(Some(row)) => {
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

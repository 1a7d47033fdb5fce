//! Files of accounts at this control plane: how much each may keep, and what is still needed.

use crate::error::Error;
use crate::run::RESULTS;
use crate::services::Services;
use livery_content::{Ages, ContentError, OwnedContent, Quota};
use livery_domain::run::Run;
use livery_store::{Credit, Which};
use livery_units::{AccountId, Bytes, ContentHash, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// For how long content is kept that no run needs.
pub(crate) const AGES: Ages = Ages {
    // Uploads come before the run that names them, and sending them again for the next one should
    // cost nothing.
    sent: Span::from_secs(24 * 3_600),
    // From when a tree is home to when its run says so.
    home: Span::from_secs(60),
    // What a host collects or a client sends becomes somebody's own when all of it is here.
    unowned: Span::from_secs(6 * 3_600),
};

/// How much more an account may send to this control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRoom {
    /// How many more bytes it may send.
    pub room: Bytes,
    /// How many it keeps here.
    pub kept: Bytes,
    /// How many it may keep; none for as many as the disk takes.
    pub quota: Option<Bytes>,
}

/// Returns how much an account may keep at this control plane.
pub(crate) async fn quota(services: &Services, account: &AccountId) -> Result<Quota, Error> {
    let stand = services.store.account_stand(account).await?;
    Ok(match (stand.credit, stand.settings.content_quota) {
        (Credit::Owner, _) | (Credit::Prepaid, None) => Quota::Unlimited,
        (Credit::Prepaid, Some(most)) => Quota::Limited(most),
    })
}

/// Returns how much more an account may send.
pub(crate) async fn room(services: &Services, account: &AccountId) -> Result<ContentRoom, Error> {
    let quota = quota(services, account).await?;
    let owner = account.clone();
    blocking(&services.content, move |content| {
        Ok(ContentRoom {
            room: content.room(&owner, quota)?,
            kept: content.holding(&owner).bytes,
            quota: match quota {
                Quota::Unlimited => None,
                Quota::Limited(most) => Some(most),
            },
        })
    })
    .await
}

/// Returns the trees that runs need, for each account.
///
/// # Errors
/// When the store fails, also for one run: what only that one needs must not seem to be of no use.
pub(crate) async fn needed(
    services: &Services,
) -> Result<BTreeMap<AccountId, Vec<ContentHash>>, Error> {
    let runs = services.store.run_list(None, Which::All).await?;
    let mut trees: BTreeMap<AccountId, Vec<ContentHash>> = BTreeMap::new();
    for run in &runs {
        let own = trees.entry(run.account.clone()).or_default();
        own.extend(needed_by(services, run).await?);
    }
    Ok(trees)
}

/// Takes from an account what none of its runs needs any more, such as checkpoints that newer ones
/// have replaced, without waiting for the sweep.
pub(crate) async fn give_up(services: &Services, account: &AccountId) -> Result<(), Error> {
    let runs = services.store.run_list(Some(account), Which::All).await?;
    let mut trees = Vec::new();
    for run in &runs {
        trees.extend(needed_by(services, run).await?);
    }
    let owner = account.clone();
    blocking(&services.content, move |content| {
        content.release(&owner, &trees, &AGES)
    })
    .await
}

/// Runs blocking work on the content store away from the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    content: &Arc<OwnedContent>,
    work: impl FnOnce(&OwnedContent) -> Result<T, ContentError> + Send + 'static,
) -> Result<T, Error> {
    let content = content.clone();
    match tokio::task::spawn_blocking(move || work(&content)).await {
        // It does not come by itself.
        Ok(Err(error @ ContentError::Missing { .. })) => Err(Error::Invalid(error.to_string())),
        Ok(result) => Ok(result?),
        Err(panicked) => Err(Error::Store(panicked.to_string())),
    }
}

/// What was sent for a run is needed until it is over. What it has brought home is needed as long as
/// it is listed, and while it goes on that is in its notes.
async fn needed_by(services: &Services, run: &Run) -> Result<Vec<ContentHash>, Error> {
    let mut trees: Vec<ContentHash> = run.results.into_iter().collect();
    if run.is_over() {
        return Ok(trees);
    }
    trees.extend(run.submission.workdir);
    trees.extend(run.submission.mounts.values());
    let so_far = services.store.run_note_get(&run.id, RESULTS).await?;
    trees.extend(so_far.and_then(|hash| hash.parse::<ContentHash>().ok()));
    Ok(trees)
}

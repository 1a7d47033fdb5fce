//! Results that their user needs no longer.

use super::events::note;
use super::{find, is_here};
use crate::content;
use crate::error::Error;
use crate::services::Services;
use livery_domain::run::{EventKind, Run};
use livery_store::Error as StoreError;
use livery_units::AccountId;

/// Drops the results of a run that is over, which gives its account room for others.
///
/// # Errors
/// [`Error::Invalid`] for a run that is not over, [`Error::NoResults`] when there are none.
pub(crate) async fn drop_results(
    services: &Services,
    account: &AccountId,
    id: &str,
) -> Result<Run, Error> {
    loop {
        let mut run = find(services, account, id).await?;
        is_here(services, &run).await?;
        if !run.is_over() {
            return Err(Error::Invalid(format!(
                "run {} is not over: its results can be dropped when it is",
                run.id
            )));
        }
        if run.results.take().is_none() {
            return Err(Error::NoResults {
                run: run.id.to_string(),
                why: "nothing was brought home, or it was dropped".to_owned(),
            });
        }
        match services.store.run_update(&run).await {
            Ok(run) => {
                note(services, &run, EventKind::Note, "its results were dropped").await;
                content::give_up(services, account).await?;
                services.announce();
                return Ok(run);
            }
            Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

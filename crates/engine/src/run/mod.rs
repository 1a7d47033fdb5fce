//! Use-cases of runs.

mod drive;
mod events;
mod forecast;
mod logs;
mod receipt;
mod results;
mod steps;
mod submit;
mod trees;
pub(crate) mod volume;

pub(crate) use drive::{CLAIM_SPAN, drive, hurry};
pub(crate) use events::wait_events;
pub(crate) use forecast::forecast;
pub use forecast::{Bound, Forecast};
pub(crate) use logs::{parts as log_parts, read as read_log};
pub(crate) use receipt::receipt;
pub(crate) use results::drop_results;
pub(crate) use steps::RESULTS;
pub(crate) use submit::{check, read_job, submit};

use crate::error::Error;
use crate::services::Services;
use livery_domain::run::Run;
use livery_store::{Error as StoreError, Which};
use livery_units::{AccountId, RunId};

/// Finds a run by id, by a unique beginning of its id, or the newest of that name.
pub(crate) async fn find(
    services: &Services,
    account: &AccountId,
    id_or_name: &str,
) -> Result<Run, Error> {
    let not_found = || Error::RunNotFound(id_or_name.to_owned());
    if let Ok(id) = id_or_name.parse::<RunId>() {
        match services.store.run_fetch(&id).await {
            Ok(run) if run.account == *account => return Ok(run),
            Ok(_) | Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let all = services.store.run_list(Some(account), Which::All).await?;
    if let Some(named) = all.iter().find(|run| run.name == id_or_name) {
        return Ok(named.clone());
    }
    let mut prefixed = all
        .iter()
        .filter(|run| id_or_name.len() >= 8 && run.id.as_str().starts_with(id_or_name));
    match (prefixed.next(), prefixed.next()) {
        (Some(run), None) => Ok(run.clone()),
        (None, _) | (Some(_), Some(_)) => Err(not_found()),
    }
}

/// Returns whether a run's files, log and results are here and not at another control plane.
pub(crate) async fn is_here(services: &Services, run: &Run) -> Result<(), Error> {
    match services.store.run_elsewhere(&run.id).await? {
        None => Ok(()),
        Some(other) => Err(Error::Elsewhere {
            what: format!(
                "the files, the log and the results of run {} are at",
                run.id
            ),
            plane: other.name,
        }),
    }
}

/// Asks for a run's end; asking again, or after it is over, changes nothing.
pub(crate) async fn cancel(
    services: &Services,
    account: &AccountId,
    id: &str,
) -> Result<Run, Error> {
    loop {
        let mut run = find(services, account, id).await?;
        if run.is_over() || run.cancel_requested.is_some() {
            return Ok(run);
        }
        run.cancel_requested = Some(services.now());
        match services.store.run_update(&run).await {
            Ok(run) => {
                services.store.run_nudge(&run.id).await?;
                services.board.runs.notify_one();
                services.announce();
                return Ok(run);
            }
            Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

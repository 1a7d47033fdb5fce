//! Runs whose account cannot pay for them any more: they are told, and end over budget.

use crate::error::Error;
use crate::services::Services;
use livery_units::{RunId, Timestamp};

/// The note that a run is to end, with when it was told and why.
const NOTE: &str = "told-to-end";

/// Tells a run to end, unless it was told before; returns when it was told first.
pub(crate) async fn tell(
    services: &Services,
    run: &RunId,
    words: &str,
    now: Timestamp,
) -> Result<Timestamp, Error> {
    if let Some((told, _)) = read(services, run).await? {
        return Ok(told);
    }
    let note = format!("{} {words}", now.millis());
    services.store.run_note_set(run, NOTE, &note).await?;
    services.announce();
    Ok(now)
}

/// Returns why a run was told to end, if it was.
pub(crate) async fn why_ended(services: &Services, run: &RunId) -> Result<Option<String>, Error> {
    Ok(read(services, run).await?.map(|(_, words)| words))
}

async fn read(services: &Services, run: &RunId) -> Result<Option<(Timestamp, String)>, Error> {
    let note = services.store.run_note_get(run, NOTE).await?;
    Ok(note.and_then(|note| {
        let (told, words) = note.split_once(' ')?;
        let told = Timestamp::from_millis(told.parse().ok()?);
        Some((told, words.to_owned()))
    }))
}

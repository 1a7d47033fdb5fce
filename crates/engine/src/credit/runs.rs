//! Runs whose account cannot pay for them any more: they are told, and end over budget.

use crate::error::Error;
use crate::services::Services;
use livery_units::{RunId, Timestamp};

/// The note that a run is to end, with when it was told and why.
const NOTE: &str = "told-to-end";

/// The note that a run was told and has had its time since.
const OUT_OF_TIME: &str = "out-of-time";

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

/// Ends a run that had its time: what of its results is not home yet stays where it is.
pub(super) async fn end_now(services: &Services, run: &RunId, words: &str) -> Result<(), Error> {
    if services
        .store
        .run_note_get(run, OUT_OF_TIME)
        .await?
        .is_none()
    {
        services.store.run_note_set(run, OUT_OF_TIME, words).await?;
        services.announce();
    }
    Ok(())
}

/// Returns why a run that was told to end has no more time, if it was and had it.
pub(crate) async fn out_of_time(services: &Services, run: &RunId) -> Result<Option<String>, Error> {
    Ok(services.store.run_note_get(run, OUT_OF_TIME).await?)
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

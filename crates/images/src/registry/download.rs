//! Fetches a blob, taking it up again where it was cut.

use bytes::Bytes;
use http::header::RANGE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::time::Duration;
use tokio::sync::mpsc;

use super::Registry;
use super::place::Place;
use crate::Error;
use crate::layer::Blob;

/// How often a download is taken up again without having moved in between.
const MAX_CUTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Why a download ended before its end.
enum Cut {
    /// Nobody listens any more.
    Unwanted,
    /// The connection broke; taking it up again may help.
    Broken(Error),
    /// The registry refuses, or sends something else.
    Refused(Error),
}

impl Registry {
    /// Sends a blob's bytes on: never more than it is said to have.
    ///
    /// The bytes are not verified here but by the one who takes them.
    pub async fn download(
        &self,
        blob: &Blob,
        to: &mpsc::Sender<Bytes>,
        moved: impl Fn(u64),
    ) -> Result<(), Error> {
        let mut offset = 0;
        let mut last = None;
        for place in self.places_left() {
            match fetch(place, blob, &mut offset, to, &moved).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, offset, "a download ended early");
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| self.not_found()))
    }
}

/// Fetches from one place until all is there or it refuses.
async fn fetch(
    place: &Place,
    blob: &Blob,
    offset: &mut u64,
    to: &mpsc::Sender<Bytes>,
    moved: &impl Fn(u64),
) -> Result<(), Error> {
    let mut cuts = 0;
    let mut pause = FIRST_PAUSE;
    loop {
        let before = *offset;
        match fetch_from(place, blob, offset, to, moved).await {
            Ok(()) | Err(Cut::Unwanted) => return Ok(()),
            Err(Cut::Refused(error)) => return Err(error),
            Err(Cut::Broken(error)) => {
                if *offset > before {
                    (cuts, pause) = (0, FIRST_PAUSE);
                }
                cuts += 1;
                if cuts > MAX_CUTS {
                    return Err(error);
                }
                tracing::warn!(%error, offset, "a download was cut; taking it up again");
            }
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

async fn fetch_from(
    place: &Place,
    blob: &Blob,
    offset: &mut u64,
    to: &mpsc::Sender<Bytes>,
    moved: &impl Fn(u64),
) -> Result<(), Cut> {
    let mut headers = HeaderMap::new();
    if *offset > 0
        && let Ok(range) = HeaderValue::from_str(&format!("bytes={offset}-"))
    {
        headers.insert(RANGE, range);
    }
    let what = format!("blobs/{}", blob.digest.as_str());
    let answer = place.ask(Method::GET, &what, headers).await.map_err(cut)?;
    // A registry that cannot begin in the middle sends everything again.
    let mut skip = match answer.status {
        StatusCode::PARTIAL_CONTENT => 0,
        _ => *offset,
    };
    let coming = *offset - skip;
    if answer
        .length()
        .is_some_and(|length| length != blob.size - coming)
    {
        return Err(Cut::Refused(another_size(blob)));
    }
    let mut body = answer.body;
    loop {
        let chunk = body.chunk().await.map_err(|e| cut(place.broken(e)))?;
        let Some(mut chunk) = chunk else { break };
        let skipped = chunk.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
        skip -= skipped as u64;
        let fresh = chunk.split_off(skipped);
        if fresh.is_empty() {
            continue;
        }
        let length = fresh.len() as u64;
        if length > blob.size - *offset {
            return Err(Cut::Refused(another_size(blob)));
        }
        to.send(fresh).await.map_err(|_| Cut::Unwanted)?;
        *offset += length;
        moved(length);
    }
    match *offset < blob.size {
        true => Err(cut(place
            .who
            .unreachable("it sent a part and closed".to_owned()))),
        false => Ok(()),
    }
}

fn cut(error: Error) -> Cut {
    match error {
        error @ Error::Unreachable { .. } => Cut::Broken(error),
        error => Cut::Refused(error),
    }
}

fn another_size(blob: &Blob) -> Error {
    Error::Corrupt {
        what: "a layer".to_owned(),
        expected: format!("{} of {} bytes", blob.digest.as_str(), blob.size),
        found: "another size".to_owned(),
    }
}

//! How long a run waits for its results: a stuck pod must not be paid for for ever.
//!
//! What counts is time in which a driver was there to wait. A control plane that was away, a machine
//! that slept and a clock that jumped take none of it: whoever comes back tries.

use super::{Scene, budget};
use crate::error::Error;
use livery_units::{Span, Timestamp};

/// Results that take longer than this do not come home.
pub(super) const PATIENCE: Span = Span::from_secs(3_600);

/// So long they may take even if the run's money is used up by then: a little more is spent rather
/// than that what was paid for is thrown away.
pub(super) const BEYOND_BUDGET: Span = Span::from_secs(600);

/// How often it is looked whether the time is over.
const LOOK: Span = Span::from_secs(1);

/// Between two looks that are further apart nobody was there to wait.
const GAP: Span = Span::from_secs(60);

/// How often the time waited is written down.
const KEEP: Span = Span::from_secs(10);

/// The note of the time waited and of when that was, in milliseconds.
const WAITED: &str = "pull-waited";

/// For how long results have been waited for, over all drivers.
pub(super) struct Waited {
    span: Span,
    at: Timestamp,
    kept: Span,
}

impl Waited {
    /// Goes on where the last driver was.
    pub(super) async fn so_far(scene: &Scene) -> Result<Self, Error> {
        let note = scene
            .services
            .store
            .run_note_get(&scene.run.id, WAITED)
            .await?;
        let (span, at) = note
            .as_deref()
            .and_then(read)
            .unwrap_or((Span::ZERO, scene.run.step_began));
        let mut waited = Self {
            span,
            at,
            kept: span,
        };
        waited.look(scene.services.now());
        // A driver that fails at once counts too.
        waited.keep(scene).await?;
        Ok(waited)
    }

    /// Returns, once that is so, why results are not waited for any longer.
    pub(super) async fn ends(&mut self, scene: &Scene) -> Result<String, Error> {
        loop {
            self.look(scene.services.now());
            if self.span.millis() >= self.kept.millis() + KEEP.millis() {
                self.keep(scene).await?;
            }
            if self.span > PATIENCE {
                return Ok(format!("results did not come home within {PATIENCE}"));
            }
            if self.span > BEYOND_BUDGET && budget::is_spent(&scene.services, &scene.run).await? {
                return Ok(format!(
                    "results did not come home within {BEYOND_BUDGET}, and its budget is used up"
                ));
            }
            scene.services.sleep(LOOK).await;
        }
    }

    fn look(&mut self, now: Timestamp) {
        let gap = now.since(self.at);
        if gap <= GAP {
            self.span = Span::from_millis(self.span.millis() + gap.millis());
        }
        self.at = now;
    }

    async fn keep(&mut self, scene: &Scene) -> Result<(), Error> {
        let note = format!("{} {}", self.span.millis(), self.at.millis());
        let store = &scene.services.store;
        store.run_note_set(&scene.run.id, WAITED, &note).await?;
        self.kept = self.span;
        Ok(())
    }
}

fn read(note: &str) -> Option<(Span, Timestamp)> {
    let (span, at) = note.split_once(' ')?;
    let span = Span::from_millis(span.parse().ok()?);
    Some((span, Timestamp::from_millis(at.parse().ok()?)))
}

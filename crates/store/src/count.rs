//! The columns of a thing's own count of time.

use crate::error::{Error, Result};
use crate::row::Columns;
use livery_domain::Counted;
use livery_units::{Moment, Span, Steady};

/// What is written of it; nothing of one that was never looked at.
#[derive(Default)]
pub(crate) struct Count {
    pub(crate) own: Option<i64>,
    pub(crate) wall: Option<i64>,
    pub(crate) clock: Option<i64>,
    pub(crate) shows: Option<i64>,
}

impl Count {
    pub(crate) fn of(counted: Option<Counted>) -> Self {
        let Some(Counted { own, at }) = counted else {
            return Self::default();
        };
        let shows = |steady: Steady| i64::try_from(steady.shows.millis()).unwrap_or(i64::MAX);
        Self {
            own: Some(own.millis()),
            wall: Some(at.wall.millis()),
            clock: at.steady.map(|steady| steady.clock),
            shows: at.steady.map(shows),
        }
    }
}

impl Columns<'_> {
    /// Reads a thing's own count of time; none of one that was never looked at.
    pub(crate) fn counted(&self) -> Result<Option<Counted>> {
        let own = self.time_option("counted")?;
        let wall = self.time_option("counted_wall")?;
        let (Some(own), Some(wall)) = (own, wall) else {
            return Ok(None);
        };
        let clock = self.int_option("counted_clock")?;
        let steady = match (clock, self.int_option("counted_shows")?) {
            (Some(clock), Some(shows)) => {
                let shows = u64::try_from(shows);
                let shows = shows.map_err(|error| Error::column("counted_shows", error))?;
                let shows = Span::from_millis(shows);
                Some(Steady { clock, shows })
            }
            (None, _) | (_, None) => None,
        };
        let at = Moment { wall, steady };
        Ok(Some(Counted { own, at }))
    }
}

//! Days: what is charged counts for the day on which it was used.

use crate::{Change, Meter};
use livery_units::{Day, MoneyError, Timestamp};

/// Into so many days a change is cut at most; what is left of a longer one counts for its last day.
const DAYS_MAX: usize = 400;

impl Change {
    /// Cuts a change at every midnight, in UTC. However it is cut, the parts come to the same.
    ///
    /// # Errors
    /// [`MoneyError`] when an amount is beyond the range of [`Money`](livery_units::Money).
    pub(crate) fn by_day(&self) -> Result<Vec<Self>, MoneyError> {
        let from = self
            .before
            .as_ref()
            .map_or(self.after.began, |before| before.until);
        let mut parts = Vec::new();
        let mut before = self.before.clone();
        let mut midnight = Day::of(from).next().start();
        while midnight < self.after.until && parts.len() < DAYS_MAX {
            let after = self.charged_at(midnight, before.as_ref())?;
            parts.push(Self {
                before,
                after: after.clone(),
            });
            before = Some(after);
            midnight = Day::of(midnight).next().start();
        }
        parts.push(Self {
            before,
            after: self.after.clone(),
        });
        Ok(parts)
    }

    /// Returns the meter as it was at a moment within the change. What is not charged in the end was
    /// used last.
    fn charged_at(&self, until: Timestamp, before: Option<&Meter>) -> Result<Meter, MoneyError> {
        let accrued = self.after.rate.accrued(until.since(self.after.began))?;
        let least = before.map_or(self.charged_before(), |before| before.charged);
        Ok(Meter {
            until,
            charged: accrued.min(self.after.charged).max(least),
            closed: None,
            ..self.after.clone()
        })
    }
}

/// Returns when what was used until `until` is dated: its last moment is still of its day.
pub(crate) fn dated(until: Timestamp) -> Timestamp {
    match Day::of(until).start() == until {
        true => Timestamp::from_millis(until.millis().saturating_sub(1)),
        false => until,
    }
}

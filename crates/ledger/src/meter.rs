//! What is due for time that has passed.

use livery_units::{Money, MoneyError, Rate, Timestamp};

/// Counts what a pod owes since it came up.
///
/// It never charges "for the last interval" but what has accrued since `started` less what was
/// charged since: however the time is cut, the charges add up to the same total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter {
    /// The price.
    pub rate: Rate,
    /// When the pod came up.
    pub started: Timestamp,
    /// What was charged since then.
    pub charged: Money,
}

impl Meter {
    /// Returns what is due until `until`; nothing if less has accrued than was charged.
    ///
    /// # Errors
    /// [`MoneyError`] when the amount is beyond the range of [`Money`].
    pub fn due(&self, until: Timestamp) -> Result<Money, MoneyError> {
        let accrued = self.rate.accrued(until.since(self.started))?;
        Ok(accrued.minus(self.charged)?.max(Money::ZERO))
    }
}

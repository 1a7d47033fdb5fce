//! Rates: an amount of money per hour, month or second, kept as it was published.

use crate::{Bytes, Money, MoneyError, Span};
use std::fmt;

/// The time that a [`Rate`] is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Per {
    /// One second.
    Second,
    /// 3,600 seconds.
    Hour,
    /// 30 days of 24 hours, as the suppliers' own bills count it.
    Month,
}

impl Per {
    /// Returns the word after the stroke.
    fn unit(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Hour => "h",
            Self::Month => "month",
        }
    }

    /// Returns the length in milliseconds.
    pub const fn millis(self) -> u64 {
        match self {
            Self::Second => 1_000,
            Self::Hour => 3_600_000,
            Self::Month => 30 * 24 * 3_600_000,
        }
    }
}

const GIB: i128 = 1 << 30;

/// A price over time, as published: never converted to another unit before it is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// What one unit of time costs.
    pub amount: Money,
    /// The unit of time.
    pub per: Per,
}

impl Rate {
    /// Nothing, for ever.
    pub const FREE: Self = Self {
        amount: Money::ZERO,
        per: Per::Hour,
    };

    /// Makes a rate per hour.
    pub const fn hourly(amount: Money) -> Self {
        Self {
            amount,
            per: Per::Hour,
        }
    }

    /// Returns what has accrued after `elapsed`: whole seconds only, rounded down to a nano-dollar.
    ///
    /// This is the one rounding rule of the system. A meter never charges "for the last interval";
    /// it charges `accrued(now - start)` less what it has charged before. However a stretch of time
    /// is cut into intervals, the charges therefore add up to the same total.
    ///
    /// # Errors
    /// [`MoneyError`] when the product is beyond the range of [`Money`].
    pub fn accrued(self, elapsed: Span) -> Result<Money, MoneyError> {
        let whole_seconds_ms = i128::from(elapsed.millis() / 1_000 * 1_000);
        let product = i128::from(self.amount.nanos()) * whole_seconds_ms;
        let nanos = product.div_euclid(i128::from(self.per.millis()));
        i64::try_from(nanos)
            .map(Money::from_nanos)
            .map_err(|_| MoneyError)
    }

    /// Returns the rate for a size, of a rate that was published per GB; rounded down to a
    /// nano-dollar per unit of time. As everywhere here, a GB is the binary unit.
    ///
    /// # Errors
    /// [`MoneyError`] when the product is beyond the range of [`Money`].
    pub fn for_size(self, size: Bytes) -> Result<Self, MoneyError> {
        let product = i128::from(self.amount.nanos()) * i128::from(size.get());
        let nanos = i64::try_from(product.div_euclid(GIB)).map_err(|_| MoneyError)?;
        Ok(Self {
            amount: Money::from_nanos(nanos),
            per: self.per,
        })
    }

    /// Returns the price of one hour, rounded down to a nano-dollar: for comparing and showing.
    pub fn per_hour(self) -> Money {
        self.accrued(Span::from_secs(3_600))
            .unwrap_or(Money::from_nanos(i64::MAX))
    }

    /// Returns the rate as people read it, with its amount as [`Money::shown`] has it.
    pub fn shown(self) -> String {
        format!("{}/{}", self.amount.shown(), self.per.unit())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.amount, self.per.unit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_an_hourly_rate_is_the_rate() {
        let rate = Rate::hourly(Money::from_nanos(350_000_000));
        assert_eq!(rate.accrued(Span::from_secs(3_600)).unwrap(), rate.amount);
        assert_eq!(rate.accrued(Span::from_secs(1)).unwrap().nanos(), 97_222);
        assert_eq!(rate.accrued(Span::from_millis(999)).unwrap(), Money::ZERO);
    }

    #[test]
    fn a_month_is_thirty_days() {
        let rate = Rate {
            amount: Money::from_nanos(720_000_000_000),
            per: Per::Month,
        };
        assert_eq!(rate.per_hour().nanos(), 1_000_000_000);
    }

    #[test]
    fn fifty_gb_at_seven_cents_a_month_are_three_dollars_fifty() {
        let per_gb = Rate {
            amount: Money::from_nanos(70_000_000),
            per: Per::Month,
        };
        let rate = per_gb.for_size(Bytes::gib(50)).unwrap();
        assert_eq!(rate.to_string(), "$3.50/month");
        let small = Rate::hourly(Money::from_nanos(97_222_222));
        assert_eq!(
            (small.to_string(), small.shown()),
            ("$0.097222222/h".into(), "$0.10/h".into())
        );
        assert!(per_gb.for_size(Bytes::new(u64::MAX)).is_ok());
    }

    #[test]
    fn the_largest_product_is_an_error_and_not_a_wrap() {
        let rate = Rate {
            amount: Money::from_nanos(i64::MAX),
            per: Per::Second,
        };
        assert!(rate.accrued(Span::from_secs(2)).is_err());
    }
}

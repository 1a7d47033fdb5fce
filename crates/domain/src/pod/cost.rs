//! What a pod costs over time: the one place that knows what it is charged for.
//!
//! The gate, the hold of a launch, forecasts, budgets and the meters all ask here. Something new that
//! a pod is charged for becomes an item here, and none of them can forget it.

use super::{Phase, Pod, PodOrder};
use crate::offer::Offer;
use livery_units::{Bytes, Money, MoneyError, Rate, Span};

/// What a pod costs as long as nothing about it changes, item by item; each has a meter of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodRates {
    /// Its machine.
    pub compute: Rate,
    /// Its disks.
    pub storage: Rate,
}

impl PodRates {
    /// Nothing, for ever.
    pub const FREE: Self = Self {
        compute: Rate::FREE,
        storage: Rate::FREE,
    };

    fn items(self) -> [Rate; 2] {
        let Self { compute, storage } = self;
        [compute, storage]
    }

    /// Returns what accrues in so long.
    ///
    /// # Errors
    /// [`MoneyError`] when that is beyond what money can count.
    pub fn accrued(self, span: Span) -> Result<Money, MoneyError> {
        let mut items = self.items().into_iter();
        items.try_fold(Money::ZERO, |sum, rate| sum.plus(rate.accrued(span)?))
    }

    /// Returns the price of one hour, for comparing and showing; an amount that cannot be counted is
    /// the largest there is.
    pub fn per_hour(self) -> Money {
        self.items().into_iter().map(Rate::per_hour).sum()
    }
}

impl Offer {
    /// Returns what a pod on this offer costs while it is up, with so much disk in all.
    ///
    /// # Errors
    /// [`MoneyError`] when that is beyond what money can count.
    pub fn rates_up(&self, disks: Bytes) -> Result<PodRates, MoneyError> {
        Ok(PodRates {
            compute: self.price,
            storage: self.storage.running.for_size(disks)?,
        })
    }

    /// Returns what a pod on this offer costs while it is down and a volume disk of that size is kept.
    ///
    /// # Errors
    /// [`MoneyError`] when that is beyond what money can count.
    pub fn rates_kept(&self, volume_disk: Bytes) -> Result<PodRates, MoneyError> {
        Ok(PodRates {
            compute: Rate::FREE,
            storage: self.storage.stopped.for_size(volume_disk)?,
        })
    }
}

impl PodOrder {
    /// Returns the size of both disks.
    pub fn disks(&self) -> Bytes {
        self.container_disk.saturating_plus(self.volume_disk)
    }
}

impl Pod {
    /// Returns what it costs while it is up.
    ///
    /// # Errors
    /// [`MoneyError`] when that is beyond what money can count.
    pub fn rates_up(&self) -> Result<PodRates, MoneyError> {
        self.offer.rates_up(self.order.disks())
    }

    /// Returns what it costs while it is down.
    ///
    /// # Errors
    /// [`MoneyError`] when that is beyond what money can count.
    pub fn rates_kept(&self) -> Result<PodRates, MoneyError> {
        self.offer.rates_kept(self.order.volume_disk)
    }
}

/// Returns what a pod costs in `span` while it is up. An amount that cannot be counted is the largest
/// there is.
pub fn cost_up(pod: &Pod, span: Span) -> Money {
    over(pod.rates_up(), span)
}

/// Returns what a pod costs in `span` as it is now: its machine and its disks while it is up, its
/// volume disk while it is stopped. An amount that cannot be counted is the largest there is.
pub fn burn(pod: &Pod, span: Span) -> Money {
    let rates = match pod.phase() {
        Phase::Pending | Phase::Starting | Phase::Running | Phase::Stopping => pod.rates_up(),
        Phase::Stopped | Phase::Exited | Phase::Lost => pod.rates_kept(),
        Phase::Terminating | Phase::Terminated => Ok(PodRates::FREE),
    };
    over(rates, span)
}

fn over(rates: Result<PodRates, MoneyError>, span: Span) -> Money {
    let accrued = rates.and_then(|rates| rates.accrued(span));
    accrued.unwrap_or(Money::from_nanos(i64::MAX))
}

//! Meters: one stretch of something used at one rate.

use crate::{Book, Item, derive};
use livery_units::{
    AccountId, MeterId, Money, MoneyError, PodId, Rate, RunId, Span, Timestamp, VolumeId,
};

/// What is used, who pays for it and who is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Who pays.
    pub account: AccountId,
    /// What is used.
    pub item: Item,
    /// The pod that it is part of, if any.
    pub pod: Option<PodId>,
    /// The run that the pod serves, if any.
    pub run: Option<RunId>,
    /// The network volume, if it is one.
    pub volume: Option<VolumeId>,
    /// Who is paid.
    pub payee: Book,
}

/// Counts what one stretch of one item owes at one rate.
///
/// It never charges "for the last interval" but what has accrued since it began less what it has
/// charged: however the time is cut, the charges add up to the same total. When the rate changes,
/// it is closed on a whole second and the next one begins there, so no second is lost or doubled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// Derived from what it measures and its number: opening it again changes nothing.
    pub id: MeterId,
    /// Which it is of its subject's meters for its item, from 0.
    pub number: u32,
    /// Who pays.
    pub account: AccountId,
    /// What is used.
    pub item: Item,
    /// The pod that it is part of, if any.
    pub pod: Option<PodId>,
    /// The run that the pod serves, if any.
    pub run: Option<RunId>,
    /// The network volume, if it is one.
    pub volume: Option<VolumeId>,
    /// Who is paid.
    pub payee: Book,
    /// The price, as published.
    pub rate: Rate,
    /// When the stretch began that it belongs to: a pod's start, or its stop. Meters that follow
    /// each other because the rate changed share it.
    pub stretch: Timestamp,
    /// From when on it counts.
    pub began: Timestamp,
    /// Until when it has counted: never past what a supplier has confirmed.
    pub until: Timestamp,
    /// What was charged of it.
    pub charged: Money,
    /// Where it ended; none while it may go on.
    pub closed: Option<Timestamp>,
}

impl Meter {
    /// Makes a meter that has counted nothing yet.
    pub(crate) fn new(subject: &Subject, number: u32, rate: Rate, stretch: Timestamp) -> Self {
        let of = match (&subject.pod, &subject.volume) {
            (Some(pod), _) => pod.as_str(),
            (None, Some(volume)) => volume.as_str(),
            (None, None) => subject.account.as_str(),
        };
        let id = derive::entropy(&[of, subject.item.as_str(), &number.to_string()]);
        Self {
            id: MeterId::from_entropy(id),
            number,
            account: subject.account.clone(),
            item: subject.item,
            pod: subject.pod.clone(),
            run: subject.run.clone(),
            volume: subject.volume.clone(),
            payee: subject.payee.clone(),
            rate,
            stretch,
            began: stretch,
            until: stretch,
            charged: Money::ZERO,
            closed: None,
        }
    }

    /// Makes the first meter of a pod that was charged before there were meters: `charged` since it
    /// came up.
    pub fn adopted(subject: &Subject, rate: Rate, began: Timestamp, charged: Money) -> Self {
        Self {
            charged,
            ..Self::new(subject, 0, rate, began)
        }
    }

    /// Returns the whole time that it has counted: whole seconds.
    pub fn counted(&self) -> Span {
        Span::from_secs(self.until.since(self.began).secs())
    }

    /// Returns this meter as it is once everything until `until` is charged; the same when that is
    /// earlier than what it has counted.
    ///
    /// # Errors
    /// [`MoneyError`] when the amount is beyond the range of [`Money`].
    pub fn counted_until(&self, until: Timestamp) -> Result<Self, MoneyError> {
        let until = until.max(self.until);
        let accrued = self.rate.accrued(until.since(self.began))?;
        Ok(Self {
            until,
            charged: accrued.max(self.charged),
            ..self.clone()
        })
    }

    /// Returns the last whole second, counted from its beginning, that it has counted.
    pub(crate) fn cut(&self) -> Timestamp {
        self.began.after(self.counted())
    }
}

//! The most that may be charged for what was used. What ran past that, because nobody here could stop
//! it, is charged to nobody.

use super::METERING_INTERVAL;
use super::usage::Usage;
use livery_ledger::{Change, Meter, Stretch, Then, plan};
use livery_units::{Money, MoneyError, Rate, Timestamp};

/// How much more something may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// What is left of it; zero or less when it is used up.
    pub(crate) left: Money,
    /// By how much it may be passed: what an interval costs, because nobody looks more often.
    pub(crate) margin: Money,
}

impl Limit {
    fn most(self) -> Money {
        self.left.saturating_plus(self.margin).max(Money::ZERO)
    }
}

/// How meters change, and from when on nothing is charged, if the limit was passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) changes: Vec<Change>,
    pub(crate) waived_from: Option<Timestamp>,
}

impl Decided {
    /// Returns what is to be charged.
    pub(crate) fn due(&self) -> Result<Money, MoneyError> {
        sum(&self.changes)
    }
}

/// Decides how meters change by what was used together, each from the `last` one of its item, so that
/// no limit is passed by more than its margin: from the moment on from which one would be, nothing is
/// charged until there is something left again.
pub(crate) fn decide(
    usages: &[Usage],
    last: &[Meter],
    limits: &[Limit],
) -> Result<Decided, MoneyError> {
    let used_up = limits.iter().any(|limit| limit.left <= Money::ZERO);
    let as_used = |usage: &Usage| match used_up && is_waived(usage, last) {
        true => Then::Waived,
        false => usage.then,
    };
    let all = Decided {
        changes: changes(usages, last, as_used)?,
        waived_from: None,
    };
    let Some(most) = limits.iter().map(|limit| limit.most()).min() else {
        return Ok(all);
    };
    if all.due()? <= most {
        return Ok(all);
    }
    let until = |end| {
        changes(usages, last, |usage| match as_used(usage) {
            Then::Waived => Then::Waived,
            Then::GoesOn | Then::Over | Then::WaivedFrom(_) => Then::WaivedFrom(end),
        })
    };
    let end = last_moment(usages, last, |end| Ok(sum(&until(end)?)? <= most))?;
    Ok(Decided {
        changes: until(end)?,
        waived_from: Some(end),
    })
}

/// Returns what an interval of it costs, at the highest of its prices.
pub(crate) fn interval(usage: &Usage) -> Money {
    let accrued = usage.stretches.iter().map(|one| in_interval(one.rate));
    accrued.max().unwrap_or(Money::ZERO)
}

/// Returns what accrues in an interval; an amount that cannot be counted is the largest there is.
pub(crate) fn in_interval(rate: Rate) -> Money {
    let accrued = rate.accrued(METERING_INTERVAL);
    accrued.unwrap_or(Money::from_nanos(i64::MAX))
}

/// Whether it goes on and was charged to nobody when it was last looked at.
fn is_waived(usage: &Usage, last: &[Meter]) -> bool {
    let now = usage.stretches.last().map(|stretch| stretch.began);
    let last = last_of(usage, last);
    last.is_some_and(|meter| meter.closed.is_some() && Some(meter.stretch) == now)
        && usage.then == Then::GoesOn
}

fn last_of<'m>(usage: &Usage, last: &'m [Meter]) -> Option<&'m Meter> {
    last.iter().find(|meter| meter.item == usage.subject.item)
}

fn changes(
    usages: &[Usage],
    last: &[Meter],
    then: impl Fn(&Usage) -> Then,
) -> Result<Vec<Change>, MoneyError> {
    let mut changes = Vec::new();
    for usage in usages {
        let last = last_of(usage, last);
        let planned = plan(&usage.subject, last, &usage.stretches, then(usage))?;
        changes.extend(planned);
    }
    Ok(changes)
}

/// Returns the last moment until which use may be charged, to the millisecond; the first of all when
/// none may.
fn last_moment(
    usages: &[Usage],
    last: &[Meter],
    may: impl Fn(Timestamp) -> Result<bool, MoneyError>,
) -> Result<Timestamp, MoneyError> {
    let stretches = || usages.iter().flat_map(|usage| &usage.stretches);
    let counted = last.iter().map(|meter| meter.until);
    let first = counted.chain(stretches().map(|one: &Stretch| one.began));
    let mut good = first.min().unwrap_or(Timestamp::from_millis(0)).millis();
    let ends = stretches().map(|one| one.until.millis());
    let mut bad = ends.max().unwrap_or(good).saturating_add(1);
    while good + 1 < bad {
        let middle = good + (bad - good) / 2;
        match may(Timestamp::from_millis(middle))? {
            true => good = middle,
            false => bad = middle,
        }
    }
    Ok(Timestamp::from_millis(good))
}

fn sum(changes: &[Change]) -> Result<Money, MoneyError> {
    let mut changes = changes.iter();
    changes.try_fold(Money::ZERO, |sum, change| sum.plus(change.due()?))
}

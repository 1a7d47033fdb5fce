//! The function that decides what meters count, from what is known to have been used.

use crate::item::Succession;
use crate::{Meter, Subject};
use livery_units::{MoneyError, Rate, Timestamp};

/// A stretch of time in which something was used, as far as its supplier has confirmed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// When it began: its name among the stretches of the same subject and item.
    pub began: Timestamp,
    /// Its price now.
    pub rate: Rate,
    /// Until when its use is confirmed.
    pub until: Timestamp,
}

impl Stretch {
    /// Returns the part of it that comes before `end`, if any does.
    fn cut(self, end: Timestamp) -> Option<Self> {
        let until = self.until.min(end);
        (self.began < end).then_some(Self { until, ..self })
    }
}

/// How the last stretch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It goes on.
    GoesOn,
    /// It has ended.
    Over,
    /// It goes on and is charged to nobody: what was not charged of it yet never will be.
    Waived,
    /// It is charged up to that moment and to nobody from then on, whether it goes on or not.
    WaivedFrom(Timestamp),
}

/// A change of one meter: from what it was, none for a new one, to what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The meter as it was read; a store applies the change only while it is still so.
    pub before: Option<Meter>,
    /// The meter as it is to be.
    pub after: Meter,
}

/// Decides how a subject's meters change, from its last one and the stretches of its use in order.
///
/// It is level-triggered: called late it decides what calls in between would have come to, and
/// called again with what it decided it decides nothing. All changes are one unit.
///
/// A stretch that was closed and is in use after all (its account has credit again) is counted on
/// from what is confirmed now; the time in between is nobody's. A clock that was set back counts
/// nothing until it is where it was.
///
/// # Errors
/// [`MoneyError`] when an amount is beyond the range of money.
pub fn plan(
    subject: &Subject,
    last: Option<&Meter>,
    stretches: &[Stretch],
    then: Then,
) -> Result<Vec<Change>, MoneyError> {
    let mut planner = Planner {
        subject,
        before: last.cloned(),
        now: last.cloned(),
        changes: Vec::new(),
    };
    match then {
        Then::GoesOn | Then::Over => planner.count_all(stretches, then)?,
        Then::Waived => planner.waive(stretches.last()),
        Then::WaivedFrom(end) => {
            let charged: Vec<Stretch> = stretches.iter().filter_map(|one| one.cut(end)).collect();
            planner.count_all(&charged, Then::GoesOn)?;
            planner.waive(stretches.last());
        }
    }
    planner.flush();
    Ok(planner.changes)
}

/// Walks along the stretches; `now` is the meter that it is at, `before` the same as it was read.
struct Planner<'a> {
    subject: &'a Subject,
    before: Option<Meter>,
    now: Option<Meter>,
    changes: Vec<Change>,
}

impl Planner<'_> {
    fn count_all(&mut self, stretches: &[Stretch], then: Then) -> Result<(), MoneyError> {
        let is_now = |stretch: &Stretch| self.is_in(stretch);
        let rest = match stretches.iter().rposition(is_now) {
            Some(known) => &stretches[known..],
            None => {
                self.leave(stretches.first(), then)?;
                stretches
            }
        };
        for (index, stretch) in rest.iter().enumerate() {
            match rest.get(index + 1) {
                None => self.count(stretch, then)?,
                Some(next) => {
                    self.count(stretch, Then::Over)?;
                    self.close_towards(next.began)?;
                }
            }
        }
        Ok(())
    }

    /// Counts nothing any more. The last stretch gets a meter that is closed, so that it is known for
    /// one that was waived.
    fn waive(&mut self, last: Option<&Stretch>) {
        self.close();
        if let Some(stretch) = last.filter(|stretch| !self.is_in(stretch)) {
            self.open(stretch, stretch.began);
            self.close();
        }
    }

    /// Leaves a stretch that is not among those that are known any more.
    fn leave(&mut self, next: Option<&Stretch>, then: Then) -> Result<(), MoneyError> {
        match (next, then) {
            (Some(next), _) => self.close_towards(next.began)?,
            (None, Then::Over | Then::Waived | Then::WaivedFrom(_)) => self.close(),
            (None, Then::GoesOn) => {}
        }
        Ok(())
    }

    fn count(&mut self, stretch: &Stretch, then: Then) -> Result<(), MoneyError> {
        match &self.now {
            Some(now) if now.stretch == stretch.began => match (now.closed, then) {
                (None, _) if now.rate != stretch.rate => {
                    let cut = now.cut();
                    self.end_at(cut);
                    self.open(stretch, cut);
                }
                (None, _) => {}
                (Some(_), Then::GoesOn) if stretch.until >= now.until => {
                    self.open(stretch, stretch.until);
                }
                (Some(_), _) => return Ok(()),
            },
            // A stretch that came to nothing needs no meter.
            _ if then == Then::Over && stretch.until <= stretch.began => return Ok(()),
            now => {
                let began = match (now, self.subject.item.succession()) {
                    (Some(last), Succession::Seamless) => last.until.max(stretch.began),
                    (Some(_) | None, _) => stretch.began,
                };
                self.open(stretch, began);
            }
        }
        self.count_until(stretch.until)?;
        match then {
            Then::GoesOn => {}
            Then::Over | Then::Waived | Then::WaivedFrom(_) => self.close(),
        }
        Ok(())
    }

    fn count_until(&mut self, until: Timestamp) -> Result<(), MoneyError> {
        if let Some(now) = &mut self.now {
            *now = now.counted_until(until)?;
        }
        Ok(())
    }

    /// Closes the meter because the next stretch has begun: one whose item was used without a gap is
    /// counted up to there.
    fn close_towards(&mut self, next_began: Timestamp) -> Result<(), MoneyError> {
        match self.subject.item.succession() {
            Succession::Seamless if self.is_open() => self.count_until(next_began)?,
            Succession::Seamless | Succession::Apart => {}
        }
        self.close();
        Ok(())
    }

    /// Closes the meter where it stands.
    fn close(&mut self) {
        if let Some(end) = self
            .now
            .as_ref()
            .filter(|_| self.is_open())
            .map(|now| now.until)
        {
            self.end_at(end);
        }
    }

    fn is_in(&self, stretch: &Stretch) -> bool {
        self.now
            .as_ref()
            .is_some_and(|now| now.stretch == stretch.began)
    }

    fn is_open(&self) -> bool {
        self.now.as_ref().is_some_and(|now| now.closed.is_none())
    }

    fn end_at(&mut self, end: Timestamp) {
        if let Some(now) = &mut self.now {
            now.until = end;
            now.closed = Some(end);
        }
    }

    fn open(&mut self, stretch: &Stretch, began: Timestamp) {
        self.flush();
        let number = self.now.as_ref().map_or(0, |now| now.number + 1);
        let fresh = Meter::new(self.subject, number, stretch.rate, stretch.began);
        self.now = Some(Meter {
            began,
            until: began,
            ..fresh
        });
        self.before = None;
    }

    fn flush(&mut self) {
        if let Some(after) = &self.now
            && self.before.as_ref() != Some(after)
        {
            self.changes.push(Change {
                before: self.before.take(),
                after: after.clone(),
            });
        }
        self.before.clone_from(&self.now);
    }
}

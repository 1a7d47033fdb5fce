//! The movements that there are: top-up, hold, charge and void.

use crate::days::dated;
use crate::{Book, Change, Kind, Transfer, derive};
use livery_units::{AccountId, Money, MoneyError, PodId, RunId, Span, Timestamp, TransferId};

/// Who pays for which pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Who pays.
    pub account: AccountId,
    /// For which pod.
    pub pod: PodId,
    /// The run that the pod serves, if any.
    pub run: Option<RunId>,
    /// For which start of the pod: 0 for its launch.
    pub start: u32,
}

/// Adds money from outside to an account; `reference` names the payment, and the same payment
/// counts once.
pub fn top_up(account: &AccountId, amount: Money, reference: &str, at: Timestamp) -> Transfer {
    Transfer {
        id: derived(account.as_str(), Kind::TopUp, reference),
        kind: Kind::TopUp,
        from: Book::Outside,
        to: Book::Balance(account.clone()),
        amount,
        at,
        account: account.clone(),
        pod: None,
        run: None,
        volume: None,
        item: None,
        meter: None,
        memo: format!("top-up {reference}"),
    }
}

/// Reserves money for a pod; each of its starts has one hold.
pub fn hold(party: &Party, amount: Money, at: Timestamp) -> Transfer {
    let account = party.account.clone();
    let books = (Book::Balance(account.clone()), Book::Held(account));
    moved(party, Kind::Hold, books, amount, at)
}

/// Gives the rest of a pod's hold back to the balance. Whoever gives back the same rest of the same start
/// moves it once; another rest, of a hold that came late, is another one.
pub fn void(party: &Party, held: Money, at: Timestamp) -> Transfer {
    let account = party.account.clone();
    let books = (Book::Held(account.clone()), Book::Balance(account));
    let void = moved(party, Kind::Void, books, held, at);
    let sequence = format!("{}:{}", party.start, held.nanos());
    Transfer {
        id: derived(party.pod.as_str(), Kind::Void, &sequence),
        ..void
    }
}

/// Takes what a meter's change comes to: from the pod's hold, of which `held` is left, and from the
/// balance for what the hold lacks. What was used on several days is charged day by day. Returns no
/// transfer when nothing is due.
///
/// The ids are derived from the meter and what it had charged before. Two workers that charge from
/// the same starting point, even until different times, therefore collide and only one is posted.
///
/// # Errors
/// [`MoneyError`] when the amount is beyond the range of [`Money`].
pub fn charge(change: &Change, held: Money) -> Result<Vec<Transfer>, MoneyError> {
    let mut held = held.max(Money::ZERO);
    let mut transfers = Vec::new();
    for part in change.by_day()? {
        let due = part.due()?;
        let from_hold = due.min(held);
        held = held.minus(from_hold)?;
        transfers.extend(charge_of_day(&part, from_hold, due.minus(from_hold)?));
    }
    Ok(transfers)
}

fn charge_of_day(
    change: &Change,
    from_hold: Money,
    from_balance: Money,
) -> impl Iterator<Item = Transfer> {
    let account = &change.after.account;
    let sources = [
        (Book::Held(account.clone()), from_hold),
        (Book::Balance(account.clone()), from_balance),
    ];
    let parts = sources
        .into_iter()
        .filter(|(_, amount)| *amount > Money::ZERO);
    parts.enumerate().map(|(part, (from, amount))| {
        let meter = &change.after;
        Transfer {
            id: charge_id(change, part),
            kind: Kind::Charge,
            from,
            to: meter.payee.clone(),
            amount,
            at: dated(meter.until),
            account: meter.account.clone(),
            pod: meter.pod.clone(),
            run: meter.run.clone(),
            volume: meter.volume.clone(),
            item: Some(meter.item),
            meter: Some(meter.id.clone()),
            memo: format!("{}, {} at {}", meter.item, change.counted(), meter.rate),
        }
    })
}

impl Change {
    /// Returns what is to be charged for it.
    ///
    /// # Errors
    /// [`MoneyError`] when the amount is beyond the range of [`Money`].
    pub fn due(&self) -> Result<Money, MoneyError> {
        self.after.charged.minus(self.charged_before())
    }

    /// Returns the whole seconds that it adds.
    pub fn counted(&self) -> Span {
        let before = self.before.as_ref().map_or(Span::ZERO, |m| m.counted());
        Span::from_secs(self.after.counted().secs().saturating_sub(before.secs()))
    }

    pub(crate) fn charged_before(&self) -> Money {
        self.before.as_ref().map_or(Money::ZERO, |m| m.charged)
    }
}

/// The time from which on is charged sorts the ids: charges come at the end of an index.
fn charge_id(change: &Change, part: usize) -> TransferId {
    let from = match &change.before {
        Some(before) => before.began.after(before.counted()),
        None => change.after.began,
    };
    let sequence = format!("{}:{part}", change.charged_before().nanos());
    let words = [change.after.id.as_str(), Kind::Charge.as_str(), &sequence];
    TransferId::from_entropy_at(from, derive::entropy(&words))
}

fn moved(
    party: &Party,
    kind: Kind,
    (from, to): (Book, Book),
    amount: Money,
    at: Timestamp,
) -> Transfer {
    Transfer {
        id: derived(party.pod.as_str(), kind, &party.start.to_string()),
        kind,
        from,
        to,
        amount,
        at,
        account: party.account.clone(),
        pod: Some(party.pod.clone()),
        run: party.run.clone(),
        volume: None,
        item: None,
        meter: None,
        memo: format!("{kind} for {}", party.pod),
    }
}

fn derived(subject: &str, kind: Kind, sequence: &str) -> TransferId {
    TransferId::from_entropy(derive::entropy(&[subject, kind.as_str(), sequence]))
}

//! Whether books balance.

use crate::{Book, Kind, Transfer};
use livery_units::{Money, PodId, TransferId};
use std::collections::{BTreeMap, BTreeSet};

/// Why books do not balance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Imbalance {
    /// A transfer moves less than nothing.
    #[error("transfer {0} moves less than nothing")]
    NegativeAmount(TransferId),
    /// A transfer was posted twice.
    #[error("transfer {0} was posted twice")]
    Duplicate(TransferId),
    /// A book is beyond what money can count.
    #[error("the book {0} is beyond what money can count")]
    Overflow(Book),
    /// More was taken from a hold than was ever in it.
    #[error("the book {book} fell to {amount} with transfer {at}")]
    HeldNegative {
        /// The book.
        book: Book,
        /// How low it fell.
        amount: Money,
        /// The transfer that did it.
        at: TransferId,
    },
    /// More was charged to and voided from one pod's hold than was held for it.
    #[error("more was taken from the hold of {pod} than it had, by {by} nano-dollars")]
    HoldOverdrawn {
        /// The pod.
        pod: PodId,
        /// By how much, in nano-dollars.
        by: i128,
    },
    /// The books do not sum to zero.
    #[error("the books sum to {0} nano-dollars instead of zero")]
    SumNotZero(i128),
}

/// Adds transfers up: what is in each book, in nano-dollars.
pub fn balances(transfers: &[Transfer]) -> BTreeMap<Book, i128> {
    let mut books = BTreeMap::new();
    for transfer in transfers {
        let amount = i128::from(transfer.amount.nanos());
        *books.entry(transfer.from.clone()).or_default() -= amount;
        *books.entry(transfer.to.clone()).or_default() += amount;
    }
    books
}

/// Checks transfers in the order in which they were posted: nothing negative or twice, no hold
/// below zero at any moment, no pod's hold overdrawn, every book in range, and a sum of zero.
///
/// # Errors
/// The first [`Imbalance`] found.
pub fn check(transfers: &[Transfer]) -> Result<(), Imbalance> {
    let mut seen = BTreeSet::new();
    let mut checker = Checker::default();
    let mut holds: BTreeMap<&PodId, i128> = BTreeMap::new();
    for transfer in transfers {
        if !seen.insert(&transfer.id) {
            return Err(Imbalance::Duplicate(transfer.id.clone()));
        }
        checker.add(transfer)?;
        if let Some(pod) = &transfer.pod {
            *holds.entry(pod).or_default() += transfer.held_change();
        }
    }
    for (pod, left) in holds {
        if left < 0 {
            let (pod, by) = (pod.clone(), -left);
            return Err(Imbalance::HoldOverdrawn { pod, by });
        }
    }
    checker.finish().map(|_| ())
}

/// Checks transfers one after the other and remembers only what is in each book: for more of them
/// than fit into memory. That no id comes twice and no pod's hold is overdrawn is the caller's part.
#[derive(Debug, Clone, Default)]
pub struct Checker {
    books: BTreeMap<Book, i128>,
}

impl Checker {
    /// Takes the next transfer, in the order in which they were posted.
    ///
    /// # Errors
    /// [`Imbalance::NegativeAmount`], or [`Imbalance::HeldNegative`] when it takes more from a hold
    /// than was in it.
    pub fn add(&mut self, transfer: &Transfer) -> Result<(), Imbalance> {
        if transfer.amount.is_negative() {
            return Err(Imbalance::NegativeAmount(transfer.id.clone()));
        }
        let amount = i128::from(transfer.amount.nanos());
        for (book, change) in [(&transfer.from, -amount), (&transfer.to, amount)] {
            let in_book = match self.books.get_mut(book) {
                Some(in_book) => in_book,
                None => self.books.entry(book.clone()).or_default(),
            };
            *in_book += change;
            if matches!(book, Book::Held(_)) && *in_book < 0 {
                return Err(Imbalance::HeldNegative {
                    book: book.clone(),
                    amount: Money::from_nanos(i64::try_from(*in_book).unwrap_or(i64::MIN)),
                    at: transfer.id.clone(),
                });
            }
        }
        Ok(())
    }

    /// Checks what all transfers come to, and returns what is in each book, in nano-dollars.
    ///
    /// # Errors
    /// [`Imbalance::SumNotZero`], or [`Imbalance::Overflow`] for a book out of range.
    pub fn finish(self) -> Result<BTreeMap<Book, i128>, Imbalance> {
        let sum: i128 = self.books.values().sum();
        if sum != 0 {
            return Err(Imbalance::SumNotZero(sum));
        }
        match self.books.iter().find(|(_, n)| i64::try_from(**n).is_err()) {
            Some((book, _)) => Err(Imbalance::Overflow(book.clone())),
            None => Ok(self.books),
        }
    }
}

impl Transfer {
    /// Returns by how much this changes what is held for its pod, in nano-dollars.
    pub fn held_change(&self) -> i128 {
        let amount = i128::from(self.amount.nanos());
        match (&self.from, &self.to) {
            (Book::Held(_), Book::Held(_)) => 0,
            (Book::Held(_), _) => -amount,
            (_, Book::Held(_)) => amount,
            (_, _) => 0,
        }
    }

    /// Returns by how much this changes what its pod was charged, in nano-dollars.
    pub fn charged_change(&self) -> i128 {
        match self.kind {
            Kind::Charge => i128::from(self.amount.nanos()),
            Kind::TopUp | Kind::Hold | Kind::Void => 0,
        }
    }
}

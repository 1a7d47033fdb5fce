//! The movements that there are: top-up, hold, charge and void.

use crate::{Book, Kind, Meter, Transfer};
use livery_units::{AccountId, Money, MoneyError, PodId, RunId, Timestamp, TransferId};

/// Who pays whom for which pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Who pays.
    pub account: AccountId,
    /// The name of the supplier that earns.
    pub supplier: String,
    /// For which pod.
    pub pod: PodId,
    /// The run that the pod serves, if any.
    pub run: Option<RunId>,
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
        memo: format!("top-up {reference}"),
    }
}

/// Reserves money for a pod; a pod has one hold in its life.
pub fn hold(party: &Party, amount: Money, at: Timestamp) -> Transfer {
    let id = derived(party.pod.as_str(), Kind::Hold, "0");
    let books = (
        Book::Balance(party.account.clone()),
        Book::Held(party.account.clone()),
    );
    moved(party, id, Kind::Hold, books, amount, at)
}

/// Takes what is due until `until`: from the pod's hold, of which `held` is left, and from the
/// balance for what the hold lacks. Returns no transfer when nothing is due.
///
/// The ids are derived from what was charged before. Two workers that charge from the same
/// starting point, even until different times, therefore collide and only one is posted.
///
/// # Errors
/// [`MoneyError`] when the amount is beyond the range of [`Money`].
pub fn charge(
    party: &Party,
    meter: &Meter,
    held: Money,
    until: Timestamp,
) -> Result<Vec<Transfer>, MoneyError> {
    let due = meter.due(until)?;
    let from_hold = due.min(held.max(Money::ZERO));
    let from_balance = due.minus(from_hold)?;
    let account = &party.account;
    let sources = [
        (Book::Held(account.clone()), from_hold),
        (Book::Balance(account.clone()), from_balance),
    ];
    let parts = sources
        .into_iter()
        .filter(|(_, amount)| *amount > Money::ZERO);
    let transfers = parts.enumerate().map(|(part, (from, amount))| {
        let (started, charged) = (meter.started.millis(), meter.charged.nanos());
        let sequence = format!("{started}:{charged}:{part}");
        let id = derived(party.pod.as_str(), Kind::Charge, &sequence);
        let books = (from, Book::Earned(party.supplier.clone()));
        moved(party, id, Kind::Charge, books, amount, until)
    });
    Ok(transfers.collect())
}

/// Gives the rest of a pod's hold back to the balance.
pub fn void(party: &Party, held: Money, at: Timestamp) -> Transfer {
    let id = derived(party.pod.as_str(), Kind::Void, "0");
    let books = (
        Book::Held(party.account.clone()),
        Book::Balance(party.account.clone()),
    );
    moved(party, id, Kind::Void, books, held, at)
}

fn moved(
    party: &Party,
    id: TransferId,
    kind: Kind,
    (from, to): (Book, Book),
    amount: Money,
    at: Timestamp,
) -> Transfer {
    Transfer {
        id,
        kind,
        from,
        to,
        amount,
        at,
        account: party.account.clone(),
        pod: Some(party.pod.clone()),
        run: party.run.clone(),
        memo: format!("{kind} for {}", party.pod),
    }
}

/// Derives an id from what the transfer is for. 80 bits of the hash make it; lengths are hashed
/// too, so that no two lists of words run together to the same text.
fn derived(subject: &str, kind: Kind, sequence: &str) -> TransferId {
    let mut hasher = blake3::Hasher::new();
    for word in [subject, kind.as_str(), sequence] {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
    let mut entropy = [0; 16];
    entropy.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    TransferId::from_entropy(u128::from_le_bytes(entropy))
}

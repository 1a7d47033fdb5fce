//! One movement of money.

use crate::{Book, Item};
use livery_units::{AccountId, MeterId, Money, PodId, RunId, Timestamp, TransferId, VolumeId};
use std::fmt;
use std::str::FromStr;

/// Why money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// From outside to an account.
    TopUp,
    /// Reserved for a pod.
    Hold,
    /// Taken for what was used.
    Charge,
    /// The rest of a hold, given back.
    Void,
}

/// A text that is not a kind of transfer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of transfer (one of: top-up, hold, charge, void)")]
pub struct ParseKindError(String);

impl Kind {
    /// Returns the word under which it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TopUp => "top-up",
            Self::Hold => "hold",
            Self::Charge => "charge",
            Self::Void => "void",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = ParseKindError;

    fn from_str(text: &str) -> Result<Self, ParseKindError> {
        [Self::TopUp, Self::Hold, Self::Charge, Self::Void]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| ParseKindError(text.to_owned()))
    }
}

/// One movement of money between two books; never changed once posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its id; posting it again changes nothing.
    pub id: TransferId,
    /// Why.
    pub kind: Kind,
    /// What it is taken from.
    pub from: Book,
    /// What it is added to.
    pub to: Book,
    /// How much; not negative.
    pub amount: Money,
    /// The time that it is for: a charge's is the end of what was charged.
    pub at: Timestamp,
    /// Whose money it is.
    pub account: AccountId,
    /// The pod that it is for.
    pub pod: Option<PodId>,
    /// The run that the pod serves.
    pub run: Option<RunId>,
    /// The network volume that it is for.
    pub volume: Option<VolumeId>,
    /// What it is charged for; charges alone have it.
    pub item: Option<Item>,
    /// The meter that it is a part of.
    pub meter: Option<MeterId>,
    /// In words for the user.
    pub memo: String,
}

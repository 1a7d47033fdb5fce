//! The books between which money moves.

use livery_units::{AccountId, HostId};
use std::fmt;
use std::str::FromStr;

/// One side of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Book {
    /// What an account can spend; below zero for an account that may owe.
    Balance(AccountId),
    /// What an account has reserved for its pods; never below zero.
    Held(AccountId),
    /// What somebody else's supplier, by its name, has earned.
    Earned(String),
    /// What one of our hosts has earned for its owner.
    Earnings(HostId),
    /// Everything outside: where top-ups come from.
    Outside,
}

/// A text that is not a book.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a book (balance:ACCOUNT, held:ACCOUNT, earned:SUPPLIER, earnings:HOST or outside)"
)]
pub struct ParseBookError(String);

/// Prints the stable text under which a book is stored.
impl fmt::Display for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balance(account) => write!(f, "balance:{account}"),
            Self::Held(account) => write!(f, "held:{account}"),
            Self::Earned(supplier) => write!(f, "earned:{supplier}"),
            Self::Earnings(host) => write!(f, "earnings:{host}"),
            Self::Outside => f.write_str("outside"),
        }
    }
}

impl FromStr for Book {
    type Err = ParseBookError;

    fn from_str(text: &str) -> Result<Self, ParseBookError> {
        let fail = || ParseBookError(text.to_owned());
        let account = |rest: &str| rest.parse().map_err(|_| fail());
        match text.split_once(':') {
            Some(("balance", rest)) => Ok(Self::Balance(account(rest)?)),
            Some(("held", rest)) => Ok(Self::Held(account(rest)?)),
            Some(("earned", rest)) if !rest.is_empty() => Ok(Self::Earned(rest.to_owned())),
            Some(("earnings", rest)) => Ok(Self::Earnings(rest.parse().map_err(|_| fail())?)),
            None if text == "outside" => Ok(Self::Outside),
            Some(_) | None => Err(fail()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_survive_a_round_trip() {
        let account = AccountId::from_entropy(7);
        for book in [
            Book::Balance(account.clone()),
            Book::Held(account),
            Book::Earned("a:b".to_owned()),
            Book::Earnings(HostId::from_entropy(7)),
            Book::Outside,
        ] {
            assert_eq!(book.to_string().parse::<Book>().unwrap(), book);
        }
        for text in [
            "",
            "earned:",
            "earnings:",
            "earnings:pod_1",
            "held:pod_1",
            "outside:x",
            "lost:acc_1",
        ] {
            assert!(text.parse::<Book>().is_err(), "{text}");
        }
    }
}

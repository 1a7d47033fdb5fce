//! What a supplier lists, and whose machines the list speaks of.

use livery_units::HostId;
use std::collections::BTreeSet;

/// What a supplier says that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// What was found.
    pub found: Vec<T>,
    /// Where anything else would have been found too.
    pub heard: Heard,
}

/// Whose machines a list speaks of. What is not in it is not there, if the list speaks of its place;
/// about any other place it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Everything: the supplier answers for all that it has.
    All,
    /// Hosts that each answer for themselves.
    Hosts {
        /// Those that did.
        answered: BTreeSet<HostId>,
        /// Those that were asked and did not.
        silent: BTreeSet<HostId>,
    },
}

impl<T> Listing<T> {
    /// Makes the list of a supplier that answers for all that it has.
    pub fn whole(found: Vec<T>) -> Self {
        Self {
            found,
            heard: Heard::All,
        }
    }
}

impl Heard {
    /// Returns whether what is on that host would have been listed. A place that is not known is only
    /// spoken of by a list of everything.
    pub fn speaks_of(&self, host: Option<&HostId>) -> bool {
        match self {
            Self::All => true,
            Self::Hosts { answered, .. } => host.is_some_and(|host| answered.contains(host)),
        }
    }

    /// Returns the hosts that were asked and did not answer.
    pub fn silent(&self) -> impl Iterator<Item = &HostId> {
        let silent = match self {
            Self::All => None,
            Self::Hosts { silent, .. } => Some(silent),
        };
        silent.into_iter().flatten()
    }
}

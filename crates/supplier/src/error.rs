//! The closed list of what can go wrong with a supplier.

use livery_units::Span;

/// Why a supplier did not do what it was asked. One variant per meaning; `message` is in words for
/// the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What was named does not exist.
    #[error("not found: {message}")]
    NotFound {
        /// What, in words.
        message: String,
    },
    /// The offer is gone or the machine is full: another offer may do.
    #[error("no capacity: {message}")]
    NoCapacity {
        /// What was missing.
        message: String,
    },
    /// The account may not rent more of this.
    #[error("quota exceeded: {message}")]
    QuotaExceeded {
        /// Which quota.
        message: String,
    },
    /// The credentials are missing, wrong or lack a permission.
    #[error("not authorised: {message}")]
    Unauthorized {
        /// What was refused.
        message: String,
    },
    /// The order itself is wrong and will be wrong again: a missing image, a wrong password.
    #[error("{message}")]
    Invalid {
        /// What is wrong and what to do.
        message: String,
    },
    /// What was launched could not be made after all; another offer may do.
    #[error("{message}")]
    Unmade {
        /// Why not.
        message: String,
    },
    /// Too many calls; ask again after the given time.
    #[error("rate limited, try again in {after}")]
    RateLimited {
        /// How long to wait.
        after: Span,
    },
    /// It failed in a way that may pass, and nothing was done.
    #[error("failed for now: {message}")]
    Transient {
        /// What failed.
        message: String,
    },
    /// It is not known whether it was done.
    #[error("outcome unknown: {message}")]
    Ambiguous {
        /// What was asked and how the answer was lost.
        message: String,
    },
    /// The supplier cannot do this at all.
    #[error("not supported: {message}")]
    Unsupported {
        /// What.
        message: String,
    },
}

/// Whether asking the same again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call may succeed later.
    Later,
    /// Another offer may do; this one will not.
    OtherOffer,
    /// It will fail again until the user changes something.
    Never,
}

impl Error {
    /// Returns whether asking again may help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { .. } | Self::Transient { .. } | Self::Ambiguous { .. } => {
                Retry::Later
            }
            Self::NoCapacity { .. } | Self::QuotaExceeded { .. } => Retry::OtherOffer,
            Self::NotFound { .. } | Self::Unauthorized { .. } => Retry::OtherOffer,
            Self::Unmade { .. } => Retry::OtherOffer,
            Self::Invalid { .. } | Self::Unsupported { .. } => Retry::Never,
        }
    }
}

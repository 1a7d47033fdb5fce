//! Why a letter was not carried.

use livery_units::Span;

/// A letter was not carried. No message of these contains a URL, a token or a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The channel's settings make no sense.
    #[error("{0}")]
    Invalid(String),
    /// The account may not send there.
    #[error("{0}")]
    Forbidden(String),
    /// Nobody answered, or the connection broke.
    #[error("{0}")]
    Unreachable(String),
    /// The receiver cannot take it now.
    #[error("{why}")]
    Busy {
        /// What it said.
        why: String,
        /// How long it wants to be left alone, if it said so.
        wait: Option<Span>,
    },
    /// The receiver will not take it.
    #[error("{0}")]
    Refused(String),
}

impl From<livery_web::Error> for Error {
    fn from(error: livery_web::Error) -> Self {
        use livery_web::Error as Web;
        match error {
            Web::BadUrl(_) => Self::Invalid(error.to_string()),
            Web::Forbidden { .. } => Self::Forbidden(
                "the server's address is not on the public internet, and only the owner of the \
                 control plane may send reminders to others"
                    .to_owned(),
            ),
            Web::NoConnection(_) | Web::Unreachable(_) | Web::TooLarge { .. } => {
                Self::Unreachable(error.to_string())
            }
        }
    }
}

impl Error {
    /// Returns the stable code; `docs/reference/errors.md` has a section for each.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "NTC001",
            Self::Forbidden(_) => "NTC002",
            Self::Unreachable(_) => "NTC003",
            Self::Busy { .. } => "NTC004",
            Self::Refused(_) => "NTC005",
        }
    }

    /// Returns what the user can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Invalid(_) => {
                "`livery reminders add --help` says what each kind of channel needs"
            }
            Self::Forbidden(_) => {
                "use an address on the public internet, or ask the owner of the control plane"
            }
            Self::Unreachable(_) => {
                "check that the receiver is up and that the control plane's machine reaches it"
            }
            Self::Busy { .. } => {
                "it is tried again by itself; `livery reminders` shows how that goes"
            }
            Self::Refused(_) => {
                "remove the channel and add it again with a fresh address or password; \
                 `livery reminders test CHANNEL` tries it"
            }
        }
    }

    /// Returns whether another try cannot help.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Invalid(_) | Self::Forbidden(_) | Self::Refused(_) => true,
            Self::Unreachable(_) | Self::Busy { .. } => false,
        }
    }

    /// Returns how long the receiver wants to be left alone, if it said so.
    pub const fn wait(&self) -> Option<Span> {
        match self {
            Self::Busy { wait, .. } => *wait,
            Self::Invalid(_) | Self::Forbidden(_) | Self::Unreachable(_) | Self::Refused(_) => None,
        }
    }
}

//! The closed list of what an agent can answer instead of what it was asked.

use crate::dto::Failure;
use livery_units::text;

/// What is kept of a host's words, in characters.
pub(crate) const MESSAGE_CHARS_MAX: usize = 1_000;

/// Why a host agent did not do what it was asked; travels as a code and a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such pod, task or content.
    #[error("not found: {0}")]
    NotFound(String),
    /// The machine has not enough of something free.
    #[error("no capacity: {0}")]
    NoCapacity(String),
    /// The request is wrong and will be wrong again.
    #[error("{0}")]
    Invalid(String),
    /// The image does not exist, needs other credentials, or is broken.
    #[error("image: {0}")]
    Image(String),
    /// The pod is not in a state in which this can be done.
    #[error("{0}")]
    WrongState(String),
    /// The disk of the machine or of the pod is full.
    #[error("disk full: {0}")]
    DiskFull(String),
    /// The agent failed; its log has more.
    #[error("host agent failed: {0}")]
    Internal(String),
    /// The agent could not be reached or the stream broke; whether the request was carried out is
    /// not known.
    #[error("host unreachable: {0}")]
    Unreachable(String),
}

impl Error {
    /// Returns the error as it travels.
    pub fn to_failure(&self) -> Failure {
        let (code, message) = match self {
            Self::NotFound(message) => ("not-found", message),
            Self::NoCapacity(message) => ("no-capacity", message),
            Self::Invalid(message) => ("invalid", message),
            Self::Image(message) => ("image", message),
            Self::WrongState(message) => ("wrong-state", message),
            Self::DiskFull(message) => ("disk-full", message),
            Self::Internal(message) => ("internal", message),
            Self::Unreachable(message) => ("unreachable", message),
        };
        Failure {
            code: code.to_owned(),
            message: message.clone(),
        }
    }
}

impl From<Failure> for Error {
    /// Reads an error that travelled; a code of a later version counts as a failure of the agent. Its
    /// words may be those of an image or a registry, and the host may be anybody's.
    fn from(failure: Failure) -> Self {
        let Failure { code, message } = failure;
        let message = text::clean(&message, MESSAGE_CHARS_MAX);
        match code.as_str() {
            "not-found" => Self::NotFound(message),
            "no-capacity" => Self::NoCapacity(message),
            "invalid" => Self::Invalid(message),
            "image" => Self::Image(message),
            "wrong-state" => Self::WrongState(message),
            "disk-full" => Self::DiskFull(message),
            "unreachable" => Self::Unreachable(message),
            "internal" => Self::Internal(message),
            unknown => Self::Internal(format!("{message} ({unknown})")),
        }
    }
}

//! The closed list of what an agent can answer instead of what it was asked.

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

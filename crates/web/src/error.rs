//! Why there is no answer.

/// There is no answer. No message of these contains more of an address than its server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address cannot be used.
    #[error("the URL {0}")]
    BadUrl(String),
    /// The server's address is not on the public internet, where alone it may be.
    #[error("{host} is not on the public internet")]
    Forbidden {
        /// The server's name.
        host: String,
    },
    /// Nobody takes connections there.
    #[error("cannot connect to the server: {0}")]
    NoConnection(String),
    /// Nobody answered, or the connection broke.
    #[error("{0}")]
    Unreachable(String),
    /// The answer is longer than was asked for.
    #[error("the answer has more than {most} bytes")]
    TooLarge {
        /// How many bytes it may have.
        most: usize,
    },
}

//! The one shape of every error that a server answers with.

use serde::{Deserialize, Serialize};

/// Why a server did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable code such as `POD001`; `docs/reference/errors.md` has one entry per code.
    pub code: String,
    /// What happened, in words for the user.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The codes that the API itself answers with; the engine has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The path leads nowhere.
    UnknownPath,
    /// The path exists, but not with this method.
    UnknownMethod,
    /// The body or the query is not what the route takes.
    BadRequest,
    /// The body is longer than the route takes.
    TooLarge,
    /// No valid token came with a request over TCP.
    Unauthorized,
    /// The caller is known, and this is not for them.
    Forbidden,
    /// The other side speaks another version of the API.
    OtherProtocol,
    /// The server failed.
    Internal,
}

impl Code {
    /// Returns the stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownPath => "API001",
            Self::UnknownMethod => "API002",
            Self::BadRequest => "API003",
            Self::TooLarge => "API004",
            Self::Unauthorized => "API005",
            Self::Forbidden => "API006",
            Self::OtherProtocol => "API007",
            Self::Internal => "API008",
        }
    }
}

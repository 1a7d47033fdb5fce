//! Why a call did not succeed, as the client sees it.

use crate::{PROTOCOL, Problem};

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens there; for a unix socket also: there is no such socket.
    #[error("no control plane answers at {target}")]
    NoServer {
        /// Where.
        target: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Somebody may listen there, but a connection could not be made.
    #[error("cannot connect to {target}: {why}")]
    Unreachable {
        /// Where.
        target: String,
        /// Why, in words for the user.
        why: String,
    },
    /// The connection broke; whether the request was carried out is not known.
    #[error("the connection to {target} broke: {why}")]
    Broken {
        /// Where.
        target: String,
        /// Why, in words for the user.
        why: String,
    },
    /// The server speaks another version of the API, or is no control plane at all.
    #[error("{target} speaks {found}, and this program speaks version {PROTOCOL} of Livery's API")]
    OtherProtocol {
        /// Where.
        target: String,
        /// What it speaks, in words for the user.
        found: String,
    },
    /// The server answered, and the answer is no.
    #[error("{}", problem.message)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's words.
        problem: Problem,
    },
    /// The server's answer is not what this call expects.
    #[error("{target} sent an answer that makes no sense: {why}")]
    Nonsense {
        /// Where.
        target: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &str {
        match self {
            Self::NoServer { .. } => "CLI001",
            Self::Unreachable { .. } => "CLI002",
            Self::Broken { .. } => "CLI003",
            Self::OtherProtocol { .. } => "CLI004",
            Self::Refused { problem, .. } => &problem.code,
            Self::Nonsense { .. } => "CLI005",
        }
    }

    /// Returns what to do next, when that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoServer { target, .. } if target.starts_with("unix:") => {
                "start one with `livery serve --detach`"
            }
            Self::NoServer { .. } => {
                "start one there with `livery serve --listen`, or check the address given by `--server` or \
                 `LIVERY_SERVER`"
            }
            Self::Unreachable { .. } => {
                "check the address given by `--server` or `LIVERY_SERVER`, and the network"
            }
            Self::Broken { .. } => "try again; `livery pods` and `livery runs` show what there is",
            Self::OtherProtocol { .. } => {
                "use the `livery` that started it, or end it with `livery serve --stop` (pods keep \
                 running) and start this one"
            }
            Self::Refused { problem, .. } => return problem.hint.clone(),
            Self::Nonsense { .. } => "check that a Livery control plane listens there",
        };
        Some(hint.to_owned())
    }

    /// Returns whether another try, later, may find the connection whole again.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::NoServer { .. } | Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::Refused { status, .. } => matches!(status, 502..=504),
            Self::OtherProtocol { .. } | Self::Nonsense { .. } => false,
        }
    }
}

//! The server itself as it travels: version, health, background tasks, tokens.

use crate::text;
use livery_units::{Bytes, Money, Timestamp};
use serde::{Deserialize, Serialize};

/// What answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Always `livery`.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Version of the API.
    pub protocol: u32,
    /// Process id, on its own machine.
    pub pid: u32,
}

/// How the control plane is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// Hosts that are connected.
    pub hosts_connected: usize,
    /// Pods that exist.
    pub pods_live: usize,
    /// Runs that are not over.
    pub runs_live: usize,
    /// What the live pods cost per hour in all as they are now, their disks included.
    #[serde(with = "text::dollars")]
    pub hourly: Money,
    /// How many bytes of files it can still take.
    #[serde(with = "text::size")]
    pub room: Bytes,
}

/// A background task's last activation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStatus {
    /// Its name.
    pub name: String,
    /// How long after an activation the next one comes by itself, in milliseconds.
    pub period_ms: u64,
    /// How often it was activated since the control plane started.
    pub activations: u64,
    /// When the last activation began.
    #[serde(with = "text::millis_option")]
    pub began: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// What it did, in the task's own terms.
    pub report: serde_json::Value,
}

/// All background tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskList {
    /// The tasks.
    pub tasks: Vec<TaskStatus>,
}

/// A ledger that was checked and balances, and what is in the caller's books.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Transfers that were checked, of all accounts.
    pub transfers: u64,
    /// What the account can spend; below zero for one that may owe.
    #[serde(with = "text::dollars")]
    pub balance: Money,
    /// What is held for its pods that are not over.
    #[serde(with = "text::dollars")]
    pub held: Money,
}

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for, in its owner's words.
    pub label: String,
    /// The account that it acts for, by name or id; the caller's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// How a token is replaced by another of the same account and label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRotation {
    /// For how long the old one may still be used, in milliseconds.
    pub grace_ms: u64,
}

/// A token that may not be used any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// The token.
    pub token: Token,
    /// How many others its account has.
    pub left: usize,
}

/// A token that was made: the only time that it is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCreated {
    /// The token.
    pub token: String,
    /// What names it in listings.
    pub info: Token,
}

impl std::fmt::Debug for TokenCreated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCreated")
            .field("token", &"***")
            .field("info", &self.info)
            .finish()
    }
}

/// A token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The first digits of its hash: names it for `revoke`.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// The account that it acts for.
    pub account: String,
    /// What that account is called.
    pub account_name: String,
    /// When it was made.
    #[serde(with = "text::millis")]
    pub created: Timestamp,
    /// When it ends by itself; none when it does not.
    #[serde(with = "text::millis_option")]
    pub expires: Option<Timestamp>,
    /// When it was last used, to some minutes; none if never.
    #[serde(with = "text::millis_option")]
    pub used: Option<Timestamp>,
}

/// Some tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenList {
    /// The tokens.
    pub tokens: Vec<Token>,
}

/// What a server that is about to end leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shutdown {
    /// Process id of the server.
    pub pid: u32,
    /// How it was when asked to end.
    pub health: Health,
}

//! Logins at registries as they travel; no answer has a password.

use crate::text;
use livery_domain::registry as domain;
use livery_units::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who an account is to a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryLogin {
    /// The registry, as images name it.
    pub registry: String,
    /// The user name there.
    pub username: String,
    /// When the password was last given.
    #[serde(with = "text::millis")]
    pub created: Timestamp,
}

/// An account's logins, by registry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RegistryLoginList {
    /// The logins.
    pub logins: Vec<RegistryLogin>,
}

/// A login to keep.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRegistryLogin {
    /// The registry; Docker Hub when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// The user name there.
    pub username: String,
    /// The password, or an access token in its place.
    pub password: String,
}

impl fmt::Debug for NewRegistryLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRegistryLogin")
            .field("registry", &self.registry)
            .field("username", &self.username)
            .field("password", &"***")
            .finish()
    }
}

impl From<domain::RegistryLogin> for RegistryLogin {
    fn from(login: domain::RegistryLogin) -> Self {
        Self {
            registry: login.registry.to_string(),
            username: login.username,
            created: login.created,
        }
    }
}

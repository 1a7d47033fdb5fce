//! Registries of images, and who an account is to them.

use livery_units::{AccountId, Secret, Timestamp, text};
use std::fmt;
use std::str::FromStr;

/// Docker Hub, as images name it.
const DOCKER_HUB: &str = "docker.io";

/// Its other names, of which `docker login` uses the first.
const DOCKER_HUB_ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// What begins the name of an image that is a file of the machine.
const FILES: [&str; 3] = ["oci:", "docker-archive:", "oci-archive:"];

const NAME_CHARS_MAX: usize = 255;
const USER_CHARS_MAX: usize = 255;
/// A key of a cloud's service account is a password too, and has some kilobytes.
const PASSWORD_BYTES_MAX: usize = 16 << 10;

/// A registry as images name it: `HOST` or `HOST:PORT`, and `docker.io` for Docker Hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryName(String);

/// A name and a password, or an access token in its place, for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password or token.
    pub password: Secret<String>,
}

/// Who an account is to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryLogin {
    /// Whose login it is.
    pub account: AccountId,
    /// For which registry.
    pub registry: RegistryName,
    /// With which name.
    pub username: String,
    /// When its password was last given.
    pub created: Timestamp,
}

/// Why a text names no registry, or credentials cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRegistry(String);

impl RegistryName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the registry that an image comes from; none for the machine's own root and files.
    ///
    /// The first part of a name is a registry when it looks like a host: when it has a dot or a
    /// port, or is `localhost`. Docker has the same rule.
    pub fn of_image(image: &str) -> Option<Self> {
        if image == "host" || FILES.iter().any(|kind| image.starts_with(kind)) {
            return None;
        }
        let first = image.split_once('/').map_or("", |(first, _)| first);
        let is_host = first.contains(['.', ':']) || first == "localhost";
        Some(Self::normal(if is_host { first } else { DOCKER_HUB }))
    }

    fn normal(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        match DOCKER_HUB_ALIASES.contains(&host.as_str()) {
            true => Self(DOCKER_HUB.to_owned()),
            false => Self(host),
        }
    }
}

/// Reads a host with or without a port, or an address as Docker's own file has it
/// (`https://index.docker.io/v1/`).
impl FromStr for RegistryName {
    type Err = BadRegistry;

    fn from_str(text: &str) -> Result<Self, BadRegistry> {
        let bare = text.trim();
        let bare = bare.strip_prefix("https://").unwrap_or(bare);
        let bare = bare.strip_prefix("http://").unwrap_or(bare);
        let host = bare.split('/').next().unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
        let is_host = host.contains(['.', ':']) || host == "localhost";
        let is_port = |port: &str| port.parse().is_ok_and(|port: u16| port > 0);
        let is_whole = match host.rsplit_once(':') {
            Some((name, port)) if !host.ends_with(']') => !name.is_empty() && is_port(port),
            Some(_) | None => true,
        };
        let is_long = host.len() > NAME_CHARS_MAX;
        if !is_host || !is_whole || is_long || !host.chars().all(fits) {
            let shown = text::clean(text, 60);
            return Err(BadRegistry(format!(
                "`{shown}` is not a registry; write its host, such as ghcr.io or localhost:5000"
            )));
        }
        Ok(Self::normal(host))
    }
}

impl fmt::Display for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Default for RegistryName {
    /// Docker Hub, as for images that name no registry.
    fn default() -> Self {
        Self(DOCKER_HUB.to_owned())
    }
}

impl Credentials {
    /// Refuses what no registry can be shown.
    ///
    /// # Errors
    /// With what is wrong; the password is not repeated.
    pub fn check(&self) -> Result<(), BadRegistry> {
        let long = self.username.chars().count();
        if long == 0 || long > USER_CHARS_MAX {
            let why = format!("a user name has 1 to {USER_CHARS_MAX} characters");
            return Err(BadRegistry(why));
        }
        // What is sent is `name:password`.
        if self.username.contains(':') {
            return Err(BadRegistry("a user name has no `:` in it".to_owned()));
        }
        text::refuse_control(&self.username)
            .map_err(|why| BadRegistry(format!("the user name cannot be used: {why}")))?;
        match self.password.expose().len() {
            0 => Err(BadRegistry("the password is empty".to_owned())),
            1..=PASSWORD_BYTES_MAX => Ok(()),
            _ => Err(BadRegistry(format!(
                "a password has at most {PASSWORD_BYTES_MAX} bytes"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_lead_to_their_registries() {
        for (image, registry) in [
            ("ubuntu", Some("docker.io")),
            ("ubuntu:24.04", Some("docker.io")),
            ("team/app:1", Some("docker.io")),
            ("index.docker.io/library/x", Some("docker.io")),
            ("ghcr.io/team/app:1", Some("ghcr.io")),
            ("GHCR.io/team/app", Some("ghcr.io")),
            ("localhost/app", Some("localhost")),
            ("localhost:5000/app:1", Some("localhost:5000")),
            ("host:latest", Some("docker.io")),
            ("host", None),
            ("oci:/srv/a.b/c", None),
            ("docker-archive:/srv/a.tar", None),
        ] {
            let found = RegistryName::of_image(image);
            assert_eq!(
                found.as_ref().map(RegistryName::as_str),
                registry,
                "{image}"
            );
        }
    }

    #[test]
    fn registries_are_named_in_several_ways() {
        for (text, name) in [
            ("ghcr.io", "ghcr.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("http://localhost:5000", "localhost:5000"),
            ("https://GHCR.io/team", "ghcr.io"),
        ] {
            assert_eq!(text.parse::<RegistryName>().unwrap().as_str(), name);
        }
        for text in [
            "",
            "hub",
            "a b.c",
            "x.y\u{1b}[31m",
            "ftp://x.y",
            "user@x.y",
            "x:",
            ":5000",
        ] {
            let error = text.parse::<RegistryName>().unwrap_err().to_string();
            assert!(!error.contains(text::is_control), "{error:?}");
        }
        assert!(
            format!("{}.io", "x".repeat(300))
                .parse::<RegistryName>()
                .is_err()
        );
    }

    #[test]
    fn credentials_that_cannot_be_sent_are_refused_without_the_password() {
        let known = |username: &str, password: &str| Credentials {
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
        };
        let key = "{\n  \"type\": \"service_account\"\n}";
        for (username, password) in [("ada", "x"), ("_json_key", key), ("a b", "p:w")] {
            assert_eq!(known(username, password).check(), Ok(()));
        }
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        for (username, password) in [
            ("", "hunter2"),
            ("a:b", "hunter2"),
            ("a\nb", "hunter2"),
            ("ada", ""),
            ("ada", &long),
        ] {
            let error = known(username, password).check().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(!format!("{:?}", known("ada", "hunter2")).contains("hunter2"));
    }
}

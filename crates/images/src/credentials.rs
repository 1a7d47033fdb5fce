//! Who we are to a registry.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use livery_units::Secret;

use crate::Error;

/// Docker Hub's address in Docker's own configuration.
const DOCKER_HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// A name and a password (or an access token in its place) for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password or token.
    pub password: Secret<String>,
}

/// The part of Docker's `config.json` that holds passwords.
#[derive(serde::Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
}

#[derive(serde::Deserialize)]
struct Auth {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// Looks a registry up in Docker's configuration; no file and no entry both mean "nobody".
pub(crate) fn from_docker(path: &Path, registry: &str) -> Result<Option<Credentials>, Error> {
    let bad = |reason: String| Error::BadCredentials {
        path: path.to_owned(),
        reason,
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(bad(e.to_string())),
    };
    // The parser's own message quotes no values, which may be passwords.
    let config: DockerConfig = serde_json::from_str(&text)
        .map_err(|e| bad(format!("it is broken at line {}", e.line())))?;
    let entry = config
        .auths
        .into_iter()
        .find(|(key, _)| is_for(key, registry));
    match entry {
        Some((key, auth)) => decode(auth)
            .ok_or_else(|| bad(format!("the entry for {key} is broken")))
            .map(|found| Some(found).filter(|c| !c.username.is_empty())),
        None => Ok(None),
    }
}

/// Keys are hosts or, from older versions, addresses like `https://index.docker.io/v1/`.
fn is_for(key: &str, registry: &str) -> bool {
    let host = key
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    let host = host.split('/').next().unwrap_or(host);
    host == registry || (DOCKER_HUB.contains(&host) && DOCKER_HUB.contains(&registry))
}

fn decode(auth: Auth) -> Option<Credentials> {
    if auth.auth.is_empty() {
        return Some(Credentials {
            username: auth.username,
            password: Secret::new(auth.password),
        });
    }
    let text = String::from_utf8(STANDARD.decode(auth.auth.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credentials {
        username: username.to_owned(),
        password: Secret::new(password.trim_end_matches('\0').to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_up(text: &str, registry: &str) -> Result<Option<Credentials>, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        fs::write(&path, text).unwrap();
        from_docker(&path, registry)
    }

    #[test]
    fn entries_are_found_as_docker_writes_them() {
        let pair = STANDARD.encode("ada:pass:word");
        let text = format!(
            r#"{{"auths":{{"https://index.docker.io/v1/":{{"auth":"{pair}"}},
                "localhost:5000":{{"username":"bob","password":"x"}},"helper.example":{{}}}}}}"#
        );
        let hub = look_up(&text, "docker.io").unwrap().unwrap();
        assert_eq!(hub.username, "ada");
        assert_eq!(hub.password.expose(), "pass:word");
        let local = look_up(&text, "localhost:5000").unwrap().unwrap();
        assert_eq!(local.username, "bob");
        assert_eq!(look_up(&text, "helper.example").unwrap(), None);
        assert_eq!(look_up(&text, "localhost:5001").unwrap(), None);
    }

    #[test]
    fn a_broken_file_is_said_and_a_missing_one_is_fine() {
        assert!(matches!(
            look_up("{", "x"),
            Err(Error::BadCredentials { .. })
        ));
        let broken = r#"{"auths":{"x":{"auth":"%%%"}}}"#;
        assert!(matches!(
            look_up(broken, "x"),
            Err(Error::BadCredentials { .. })
        ));
        assert_eq!(
            from_docker(Path::new("/nonexistent/config.json"), "x").unwrap(),
            None
        );
    }
}

//! The owner's logins as `docker login` keeps them on the control plane's machine.

use crate::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use livery_domain::registry::{Credentials, RegistryName};
use livery_units::Secret;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;

/// Docker's file has some hundred bytes for each registry.
const FILE_BYTES_MAX: u64 = 1 << 20;

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

/// Looks a registry up in Docker's file; no file and no entry both mean "nobody".
pub(super) async fn look_up(
    path: &Path,
    registry: &RegistryName,
) -> Result<Option<Credentials>, Error> {
    let bad = |reason: String| Error::DockerConfig {
        path: path.to_owned(),
        reason,
    };
    let file = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || read(&file)).await;
    let text = match reading.map_err(|e| bad(e.to_string()))? {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(bad(e.to_string())),
    };
    // The parser's own message would quote values, which may be passwords.
    let config: DockerConfig = serde_json::from_str(&text)
        .map_err(|e| bad(format!("it is broken at line {}", e.line())))?;
    let is_it = |key: &str| {
        key.parse::<RegistryName>()
            .is_ok_and(|name| name == *registry)
    };
    match config.auths.into_iter().find(|(key, _)| is_it(key)) {
        Some((key, auth)) => decode(auth)
            .ok_or_else(|| bad(format!("the entry for {key} is broken")))
            .map(|found| Some(found).filter(|known| !known.username.is_empty())),
        None => Ok(None),
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// Credential helpers are not asked: their entries are empty.
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

    async fn found(text: &str, registry: &str) -> Result<Option<Credentials>, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        look_up(&path, &registry.parse().unwrap()).await
    }

    #[tokio::test]
    async fn entries_are_found_as_docker_writes_them() {
        let pair = STANDARD.encode("ada:pass:word");
        let text = format!(
            r#"{{"auths":{{"https://index.docker.io/v1/":{{"auth":"{pair}"}},
                "localhost:5000":{{"username":"bob","password":"x"}},"helper.example":{{}}}}}}"#
        );
        let hub = found(&text, "docker.io").await.unwrap().unwrap();
        assert_eq!(hub.username, "ada");
        assert_eq!(hub.password.expose(), "pass:word");
        let local = found(&text, "localhost:5000").await.unwrap().unwrap();
        assert_eq!(local.username, "bob");
        assert_eq!(found(&text, "helper.example").await.unwrap(), None);
        assert_eq!(found(&text, "localhost:5001").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_broken_file_is_said_without_its_secrets_and_a_missing_one_is_fine() {
        for text in [
            "{",
            r#"{"auths":{"x.y":{"auth":"%%%"}}}"#,
            r#"{"auths":"hunter2"}"#,
        ] {
            let error = found(text, "x.y").await.unwrap_err();
            assert!(matches!(error, Error::DockerConfig { .. }), "{error:?}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let nowhere = Path::new("/nonexistent/config.json");
        assert_eq!(
            look_up(nowhere, &RegistryName::default()).await.unwrap(),
            None
        );
    }
}

//! One image at a registry, over HTTP.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use oci_client::Reference;
use oci_client::client::{BlobResponse, Client, ClientConfig, ClientProtocol, LayerDescriptor};
use oci_client::errors::{DigestError, OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use tokio::sync::mpsc;

use crate::layer::{Blob, Digest};
use crate::{Credentials, Error};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest silence within an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a download is taken up again without having moved in between.
const MAX_CUTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Configurations are some kilobytes; more than this is an attack on our memory.
const MAX_DOCUMENT: u64 = 8 << 20;

const ACCEPTED: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// A connection for one image.
pub(crate) struct Registry {
    client: Client,
    reference: Reference,
    auth: RegistryAuth,
}

/// Why a download ended before its end.
enum Cut {
    /// Nobody listens any more.
    Unwanted,
    /// The connection broke; taking it up again may help.
    Broken(Error),
    /// The registry refuses.
    Refused(Error),
}

impl Registry {
    /// Prepares a client; nothing is sent yet.
    ///
    /// Registries on this machine, and those listed as insecure, are spoken to in plain HTTP.
    pub fn new(
        reference: &Reference,
        credentials: Option<&Credentials>,
        insecure: &[String],
    ) -> Result<Self, Error> {
        // Fails when somebody in this process chose already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let host = reference.resolve_registry();
        let protocol = match is_plain(host, insecure) {
            true => ClientProtocol::Http,
            false => ClientProtocol::Https,
        };
        let client = Client::try_from(ClientConfig {
            protocol,
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            user_agent: concat!("livery/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        })
        .map_err(|cause| Error::Registry {
            registry: host.to_owned(),
            reason: format!(
                "{}; is the package ca-certificates installed?",
                chain(&cause)
            ),
        })?;
        let auth = credentials.map_or(RegistryAuth::Anonymous, |known| {
            RegistryAuth::Basic(known.username.clone(), known.password.expose().clone())
        });
        Ok(Self {
            client,
            reference: reference.clone(),
            auth,
        })
    }

    /// Gets the manifest that the reference names, or the one with a digest, verified.
    pub async fn manifest(&self, digest: Option<&Digest>) -> Result<(Bytes, Digest), Error> {
        let pinned = digest.map(|d| self.reference.clone_with_digest(d.as_str().to_owned()));
        let reference = pinned.as_ref().unwrap_or(&self.reference);
        let (bytes, _) = self
            .client
            .pull_manifest_raw(reference, &self.auth, &ACCEPTED)
            .await
            .map_err(|cause| self.explain(cause))?;
        let found = Digest::of(&bytes);
        match reference
            .digest()
            .filter(|wanted| *wanted != found.as_str())
        {
            Some(wanted) => Err(Error::Corrupt {
                what: "the image's manifest".to_owned(),
                expected: wanted.to_owned(),
                found: found.as_str().to_owned(),
            }),
            None => Ok((bytes, found)),
        }
    }

    /// Gets a small document whole, verified.
    pub async fn document(&self, blob: &Blob) -> Result<Vec<u8>, Error> {
        if blob.size > MAX_DOCUMENT {
            let reason = "its configuration is absurdly large";
            return Err(Error::bad_image(self.reference.whole(), reason));
        }
        let (send, mut receive) = mpsc::channel::<Bytes>(4);
        let collect = async move {
            let mut bytes = Vec::new();
            while let Some(chunk) = receive.recv().await {
                bytes.extend_from_slice(&chunk);
                if bytes.len() as u64 > blob.size {
                    break;
                }
            }
            bytes
        };
        let download = async move {
            let outcome = self.download(blob, &send, |_| {}).await;
            drop(send);
            outcome
        };
        let (outcome, bytes) = futures_util::future::join(download, collect).await;
        outcome?;
        let found = Digest::of(&bytes);
        match found == blob.digest {
            true => Ok(bytes),
            false => Err(Error::Corrupt {
                what: "the image's configuration".to_owned(),
                expected: blob.digest.as_str().to_owned(),
                found: found.as_str().to_owned(),
            }),
        }
    }

    /// Sends a blob's bytes on, taking the download up again where it was cut.
    ///
    /// The bytes are not verified here but by whoever takes them.
    pub async fn download(
        &self,
        blob: &Blob,
        to: &mpsc::Sender<Bytes>,
        moved: impl Fn(u64),
    ) -> Result<(), Error> {
        let mut offset = 0;
        let mut cuts = 0;
        let mut pause = FIRST_PAUSE;
        loop {
            let before = offset;
            match self.download_from(blob, &mut offset, to, &moved).await {
                Ok(()) | Err(Cut::Unwanted) => return Ok(()),
                Err(Cut::Refused(error)) => return Err(error),
                Err(Cut::Broken(error)) => {
                    if offset > before {
                        (cuts, pause) = (0, FIRST_PAUSE);
                    }
                    cuts += 1;
                    if cuts > MAX_CUTS {
                        return Err(error);
                    }
                    tracing::warn!(%error, offset, "a download was cut; taking it up again");
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn download_from(
        &self,
        blob: &Blob,
        offset: &mut u64,
        to: &mpsc::Sender<Bytes>,
        moved: &impl Fn(u64),
    ) -> Result<(), Cut> {
        let layer = LayerDescriptor {
            digest: blob.digest.as_str(),
            urls: &None,
        };
        let answer = self
            .client
            .pull_blob_stream_partial(&self.reference, &layer, *offset, None)
            .await
            .map_err(|cause| match self.explain(cause) {
                error @ Error::Unreachable { .. } => Cut::Broken(error),
                error => Cut::Refused(error),
            })?;
        // A registry that cannot begin in the middle sends everything again.
        let (mut stream, mut skip) = match answer {
            BlobResponse::Partial(stream) => (stream, 0),
            BlobResponse::Full(stream) => (stream, *offset),
        };
        while let Some(chunk) = stream.next().await {
            let mut chunk = chunk.map_err(|cause| self.cut(&cause))?;
            let skipped = chunk.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
            skip -= skipped as u64;
            let fresh = chunk.split_off(skipped);
            if fresh.is_empty() {
                continue;
            }
            let length = fresh.len() as u64;
            to.send(fresh).await.map_err(|_| Cut::Unwanted)?;
            *offset += length;
            moved(length);
        }
        match *offset < blob.size {
            true => Err(self.cut(&io::Error::from(io::ErrorKind::UnexpectedEof))),
            false => Ok(()),
        }
    }

    fn cut(&self, cause: &io::Error) -> Cut {
        let damaged = cause.get_ref().and_then(|inner| inner.downcast_ref());
        if let Some(DigestError::VerificationError { expected, actual }) = damaged {
            return Cut::Refused(corrupt(expected, actual));
        }
        Cut::Broken(self.unreachable(chain(cause)))
    }

    fn unreachable(&self, reason: String) -> Error {
        Error::Unreachable {
            registry: self.reference.resolve_registry().to_owned(),
            reason,
        }
    }

    /// Tells apart what a user would do something different about.
    fn explain(&self, cause: OciDistributionError) -> Error {
        let registry = self.reference.resolve_registry().to_owned();
        let image = self.reference.whole();
        let hint = String::new();
        match &cause {
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_)
            | OciDistributionError::ServerError {
                code: 401 | 403, ..
            } => Error::Unauthorized { image },
            OciDistributionError::ImageManifestNotFoundError(_)
            | OciDistributionError::ServerError { code: 404, .. } => {
                Error::NotFound { image, hint }
            }
            OciDistributionError::ServerError { code: 429, .. } => Error::RateLimited { registry },
            OciDistributionError::ServerError {
                code: 502..=504, ..
            }
            | OciDistributionError::RequestError(_)
            | OciDistributionError::IoError(_) => self.unreachable(chain(&cause)),
            OciDistributionError::DigestError(DigestError::VerificationError {
                expected,
                actual,
            }) => corrupt(expected, actual),
            OciDistributionError::RegistryError { envelope, .. } => {
                let code = envelope.errors.first().map(|error| &error.code);
                match code {
                    Some(OciErrorCode::Unauthorized | OciErrorCode::Denied) => {
                        Error::Unauthorized { image }
                    }
                    Some(OciErrorCode::Toomanyrequests) => Error::RateLimited { registry },
                    Some(
                        OciErrorCode::ManifestUnknown
                        | OciErrorCode::NameUnknown
                        | OciErrorCode::BlobUnknown
                        | OciErrorCode::NotFound,
                    ) => Error::NotFound { image, hint },
                    _ => Error::Registry {
                        registry,
                        reason: chain(&cause),
                    },
                }
            }
            _ => Error::Registry {
                registry,
                reason: chain(&cause),
            },
        }
    }
}

fn corrupt(expected: &str, found: &str) -> Error {
    Error::Corrupt {
        what: "what the registry sent".to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// Plain HTTP is for this machine itself and for what its owner listed.
fn is_plain(registry: &str, insecure: &[String]) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let is_loopback = host
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    host == "localhost" || is_loopback || insecure.iter().any(|listed| listed == registry)
}

/// The causes from the outermost to the innermost: the last says "connection refused".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_listed_registries_are_spoken_to_in_the_clear() {
        let listed = ["registry.lab:5000".to_owned()];
        for registry in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "registry.lab:5000",
        ] {
            assert!(is_plain(registry, &listed), "{registry}");
        }
        for registry in [
            "docker.io",
            "registry.lab",
            "localhost.example:5000",
            "10.0.0.1:5000",
        ] {
            assert!(!is_plain(registry, &listed), "{registry}");
        }
    }
}

//! One image at a registry, over HTTP.
//!
//! Nothing that a registry sends is read without a bound, and nobody but the registry itself sees
//! who we are: neither a mirror nor a server that it redirects to.

mod answer;
mod challenge;
mod download;
mod place;
mod settings;

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use livery_domain::account::Tenant;
use livery_web::{Reach, Url};
use oci_spec::distribution::Reference;

use self::answer::Who;
use self::place::Place;
use crate::Error;
use crate::facts::Origin;
use crate::images::Puller;
use crate::layer::{Blob, Digest};
use livery_domain::registry::Credentials;

pub use settings::{Mirror, ParseRegistryError, Registries, RegistryHost};

/// Manifests and configurations are some kilobytes; the distribution specification asks registries
/// to take manifests of up to so many bytes.
const DOCUMENT_MAX: usize = 4 << 20;

/// The registry that mirrors are for.
const DOCKER_HUB: &str = "docker.io";

const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
                        application/vnd.oci.image.manifest.v1+json, \
                        application/vnd.docker.distribution.manifest.list.v2+json, \
                        application/vnd.docker.distribution.manifest.v2+json";

/// Where one image is had from.
pub(crate) struct Registry {
    reference: Reference,
    /// Mirrors, then the registry itself.
    places: Vec<Place>,
    /// The first place that had the image.
    at: AtomicUsize,
}

impl Registry {
    /// Prepares to ask for an image; nothing is sent yet.
    pub fn new(
        reference: &Reference,
        puller: &Puller,
        registries: &Registries,
    ) -> Result<Self, Error> {
        let mut places = Vec::new();
        if reference.registry() == DOCKER_HUB {
            for mirror in &registries.mirrors {
                places.push(mirror_place(reference, puller, registries, mirror));
            }
        }
        places.push(own_place(reference, puller, registries)?);
        Ok(Self {
            reference: reference.clone(),
            places,
            at: AtomicUsize::new(0),
        })
    }

    /// Returns the repository that the image is in, as images name it.
    pub fn origin(&self) -> Origin {
        Origin {
            registry: self.reference.registry().to_owned(),
            repository: self.reference.repository().to_owned(),
        }
    }

    /// Gets the manifest that the reference names, or the one with a digest, verified.
    pub async fn manifest(&self, digest: Option<&Digest>) -> Result<(Bytes, Digest), Error> {
        let named = self.reference.digest().and_then(Digest::parse);
        let wanted = digest.or(named.as_ref()).map(Digest::as_str);
        let tag = self.reference.tag().unwrap_or("latest");
        let what = format!("manifests/{}", wanted.unwrap_or(tag));
        let bytes = self.read(&what, DOCUMENT_MAX).await?;
        let found = Digest::of(&bytes);
        match wanted.filter(|wanted| *wanted != found.as_str()) {
            Some(wanted) => Err(Error::Corrupt {
                what: "the image's manifest".to_owned(),
                expected: wanted.to_owned(),
                found: found.as_str().to_owned(),
            }),
            None => Ok((bytes, found)),
        }
    }

    /// Gets a small document whole, verified.
    pub async fn document(&self, blob: &Blob) -> Result<Bytes, Error> {
        let most = usize::try_from(blob.size).unwrap_or(usize::MAX);
        if most > DOCUMENT_MAX {
            let reason = format!("its configuration has more than {DOCUMENT_MAX} bytes");
            return Err(Error::bad_image(self.reference.whole(), reason));
        }
        let what = format!("blobs/{}", blob.digest.as_str());
        let bytes = self.read(&what, most).await?;
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

    /// Asks the registry itself whether a blob of this size is in the image's repository, for
    /// the one who pulls. No answer is no.
    pub async fn has(&self, blob: &Blob) -> bool {
        let Some(own) = self.places.last() else {
            return false;
        };
        let what = format!("blobs/{}", blob.digest.as_str());
        match own.ask(Method::HEAD, &what, HeaderMap::new()).await {
            Ok(answer) => answer.length() == Some(blob.size),
            Err(error) => {
                tracing::debug!(%error, blob = blob.digest.as_str(), "not confirmed");
                false
            }
        }
    }

    /// Reads something whole from the first place that has it.
    async fn read(&self, what: &str, most: usize) -> Result<Bytes, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        let first = self.at.load(Ordering::Relaxed);
        let mut last = None;
        for (at, place) in self.places.iter().enumerate().skip(first) {
            let asked = async {
                let answer = place.ask(Method::GET, what, headers.clone()).await?;
                let bytes = answer.body.whole(most).await;
                bytes.map_err(|error| place.broken(error))
            };
            match asked.await {
                Ok(bytes) => {
                    self.at.store(at, Ordering::Relaxed);
                    return Ok(bytes);
                }
                Err(error) => {
                    if at + 1 < self.places.len() {
                        tracing::warn!(%error, "a mirror does not help; asking on");
                    }
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| self.not_found()))
    }

    /// Returns the place that had the image, then those after it.
    fn places_left(&self) -> &[Place] {
        &self.places[self.at.load(Ordering::Relaxed)..]
    }

    fn not_found(&self) -> Error {
        Error::NotFound {
            image: self.reference.whole(),
            hint: String::new(),
        }
    }
}

/// A mirror is the owner's choice, so that it may be anywhere; it does not hear who we are.
fn mirror_place(
    reference: &Reference,
    puller: &Puller,
    registries: &Registries,
    mirror: &Mirror,
) -> Place {
    let base = mirror.url().clone();
    let who = Who::new(base.authority().to_owned(), reference.whole(), None);
    let mut registries = registries.clone();
    registries.allowed.push(mirror.host());
    Place::new(
        who,
        base,
        reference.repository(),
        None,
        reach(puller),
        registries,
    )
}

fn own_place(
    reference: &Reference,
    puller: &Puller,
    registries: &Registries,
) -> Result<Place, Error> {
    let registry = reference.resolve_registry();
    let known: Option<&Credentials> = puller.credentials.as_ref();
    let who = Who::new(registry.to_owned(), reference.whole(), known);
    let scheme = match registries.is_plain(registry) {
        true => "http",
        false => "https",
    };
    let base = Url::parse(&format!("{scheme}://{registry}/"));
    let base = base.map_err(|error| Error::BadReference {
        text: reference.whole(),
        reason: error.to_string(),
    })?;
    let reach = reach(puller);
    Ok(Place::new(
        who,
        base,
        reference.repository(),
        known.cloned(),
        reach,
        registries.clone(),
    ))
}

/// The owner of a machine may make it talk to anybody.
fn reach(puller: &Puller) -> Reach {
    match puller.tenant {
        Tenant::Owner => Reach::Anywhere,
        Tenant::Account(_) => Reach::Public,
    }
}

//! Reads manifests and picks what this machine can run.

use std::collections::BTreeSet;

use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest, Platform};

use crate::Error;
use crate::error::shown;
use crate::layer::{Blob, Digest, Layer};

/// The most layers of an image; the kernel stacks no more.
const LAYERS_MAX: usize = 500;

/// What a reference may lead to.
#[derive(Debug)]
pub(crate) enum Document {
    /// One image per platform.
    Index(Box<ImageIndex>),
    /// One image.
    Manifest(Box<ImageManifest>),
}

impl Document {
    /// Tells the two apart by what they have; media types are optional in both.
    pub fn parse(image: &str, bytes: &[u8]) -> Result<Self, Error> {
        let bad = |cause: serde_json::Error| Error::bad_image(image, cause);
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(bad)?;
        if value.get("manifests").is_some() {
            return serde_json::from_value(value)
                .map(|index| Self::Index(Box::new(index)))
                .map_err(bad);
        }
        if value.get("fsLayers").is_some() {
            let reason = "its manifest has the old schema 1; push it again with a current tool";
            return Err(Error::bad_image(image, reason));
        }
        serde_json::from_value(value)
            .map(|manifest| Self::Manifest(Box::new(manifest)))
            .map_err(bad)
    }
}

/// Picks the entry for this machine out of several.
pub(crate) fn for_this_machine<'a>(
    image: &str,
    entries: impl IntoIterator<Item = &'a Descriptor>,
) -> Result<&'a Descriptor, Error> {
    let wanted = this_machine();
    let mut offered = BTreeSet::new();
    let mut unnamed = None;
    for entry in entries {
        match entry.platform() {
            Some(platform) if name(platform) == wanted => return Ok(entry),
            Some(platform) => drop(offered.insert(name(platform))),
            // Its configuration tells, later.
            None => unnamed = unnamed.or(Some(entry)),
        }
    }
    // Signatures and build records stand beside images under this name.
    offered.remove("unknown/unknown");
    unnamed.ok_or_else(|| no_platform(image, offered.into_iter().collect::<Vec<_>>().join(", ")))
}

/// Refuses an image whose configuration names another machine than this one.
pub(crate) fn check_machine(image: &str, config: &ImageConfiguration) -> Result<(), Error> {
    let built_for = format!("{}/{}", config.os(), config.architecture());
    match built_for == this_machine() {
        true => Ok(()),
        false => Err(no_platform(image, built_for)),
    }
}

/// Pairs the layers as they travel with what they unpack to.
pub(crate) fn layers(
    image: &str,
    manifest: &ImageManifest,
    config: &ImageConfiguration,
) -> Result<Vec<Layer>, Error> {
    let diff_ids = diff_ids(image, config)?;
    if diff_ids.len() != manifest.layers().len() {
        let reason = "it has another number of layers than its configuration says; it may be an artifact that is no image";
        return Err(Error::bad_image(image, reason));
    }
    let pairs = manifest.layers().iter().zip(diff_ids);
    pairs
        .map(|(descriptor, diff_id)| {
            let blob = Some(blob(image, descriptor)?);
            Ok(Layer { blob, diff_id })
        })
        .collect()
}

/// Reads what the layers unpack to. An image has at least one: without any there is nothing that a
/// pod could be started from.
pub(crate) fn diff_ids(image: &str, config: &ImageConfiguration) -> Result<Vec<Digest>, Error> {
    let texts = config.rootfs().diff_ids();
    if texts.is_empty() {
        let reason = "it has no layers; push an image that has files in it";
        return Err(Error::bad_image(image, reason));
    }
    if texts.len() > LAYERS_MAX {
        let reason = format!(
            "it has {} layers, and {LAYERS_MAX} are the most",
            texts.len()
        );
        return Err(Error::bad_image(image, reason));
    }
    texts.iter().map(|text| digest(image, text)).collect()
}

pub(crate) fn blob(image: &str, descriptor: &Descriptor) -> Result<Blob, Error> {
    Ok(Blob {
        digest: digest(image, descriptor.digest().as_ref())?,
        size: descriptor.size(),
    })
}

fn digest(image: &str, text: &str) -> Result<Digest, Error> {
    Digest::parse(text)
        .ok_or_else(|| Error::bad_image(image, format!("`{text}` is not a sha256 digest")))
}

fn no_platform(image: &str, offered: String) -> Error {
    Error::NoPlatform {
        image: image.to_owned(),
        wanted: this_machine(),
        offered: match offered.is_empty() {
            true => "no platform".to_owned(),
            false => shown(&offered),
        },
    }
}

fn name(platform: &Platform) -> String {
    format!("{}/{}", platform.os(), platform.architecture())
}

/// This machine's platform as OCI names it.
fn this_machine() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("linux/{architecture}")
}

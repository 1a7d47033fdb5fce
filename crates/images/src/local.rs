//! Finds an image in an OCI layout or in a `docker save` archive.

use std::io;

use oci_spec::distribution::Reference;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest};

use crate::Error;
use crate::files::Files;
use crate::layer::{Blob, Digest, Layer};
use crate::select::{self, Document};

/// Manifests and configurations are some kilobytes.
const MAX_DOCUMENT: u64 = 8 << 20;

/// An index within an index is used for one image per platform; more is nobody's.
const MAX_DEPTH: usize = 3;

const REF_NAME: &str = "org.opencontainers.image.ref.name";
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// An image found among files.
pub(crate) struct Found {
    pub digest: Digest,
    pub config: Vec<u8>,
    /// The layers, lowest first, each with the name of its file.
    pub layers: Vec<(Layer, String)>,
}

/// One image in `manifest.json` of `docker save`.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// Finds the image with a tag, or the only one.
pub(crate) fn find(image: &str, files: &Files, tag: Option<&str>) -> Result<Found, Error> {
    match (files.has("manifest.json"), files.has("index.json")) {
        (true, _) => find_saved(image, files, tag),
        (false, true) => find_in_layout(image, files, tag),
        (false, false) => Err(Error::bad_image(
            image,
            "it has neither an index.json (OCI layout) nor a manifest.json (`docker save`)",
        )),
    }
}

fn find_in_layout(image: &str, files: &Files, tag: Option<&str>) -> Result<Found, Error> {
    let bytes = read(image, files, "index.json")?;
    let index: ImageIndex =
        serde_json::from_slice(&bytes).map_err(|e| Error::bad_image(image, e))?;
    let all = index.manifests();
    let candidates: Vec<&Descriptor> = match tag {
        Some(tag) => all.iter().filter(|d| is_named(d, tag)).collect(),
        None => all.iter().collect(),
    };
    let mut names: Vec<&str> = all.iter().filter_map(ref_name).collect();
    names.dedup();
    if candidates.is_empty() || (tag.is_none() && names.len() > 1) {
        return Err(not_found(image, tag, &names));
    }
    let mut chosen = select::for_this_machine(image, candidates)?.clone();
    for _ in 0..MAX_DEPTH {
        let blob = select::blob(image, &chosen)?;
        let bytes = read_blob(image, files, &blob)?;
        match Document::parse(image, &bytes)? {
            Document::Index(index) => {
                chosen = select::for_this_machine(image, index.manifests())?.clone();
            }
            Document::Manifest(manifest) => {
                return with_manifest(image, files, blob.digest, &manifest);
            }
        }
    }
    Err(Error::bad_image(image, "its indexes are nested too deep"))
}

fn with_manifest(
    image: &str,
    files: &Files,
    digest: Digest,
    manifest: &ImageManifest,
) -> Result<Found, Error> {
    let config = read_blob(image, files, &select::blob(image, manifest.config())?)?;
    let parsed = parse_config(image, &config)?;
    let layers = select::layers(image, manifest, &parsed)?;
    let named = layers.into_iter().map(|layer| {
        let name = layer.blob.as_ref().map(|blob| blob_name(&blob.digest));
        (layer, name.unwrap_or_default())
    });
    Ok(Found {
        digest,
        config,
        layers: named.collect(),
    })
}

fn find_saved(image: &str, files: &Files, tag: Option<&str>) -> Result<Found, Error> {
    let bytes = read(image, files, "manifest.json")?;
    let saved: Vec<Saved> =
        serde_json::from_slice(&bytes).map_err(|e| Error::bad_image(image, e))?;
    let tags = |one: &Saved| one.repo_tags.clone().unwrap_or_default();
    let names: Vec<String> = saved.iter().flat_map(tags).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let chosen = match tag {
        Some(tag) => saved
            .iter()
            .find(|one| tags(one).iter().any(|name| is_same(name, tag))),
        None => saved.first().filter(|_| saved.len() == 1),
    };
    let chosen = chosen.ok_or_else(|| not_found(image, tag, &names))?;
    let config = read(image, files, &chosen.config)?;
    let digest = Digest::of(&config);
    // The file is named by its digest, with or without a directory and an ending.
    let name = chosen.config.rsplit('/').next().unwrap_or_default();
    let promised = Digest::parse(&format!("sha256:{}", name.trim_end_matches(".json")));
    if let Some(promised) = promised.filter(|promised| *promised != digest) {
        return Err(corrupt("the image's configuration", &promised, &digest));
    }
    let diff_ids = select::diff_ids(image, &parse_config(image, &config)?)?;
    if diff_ids.len() != chosen.layers.len() {
        let reason = "it has another number of layers than its configuration says";
        return Err(Error::bad_image(image, reason));
    }
    let layers = diff_ids.into_iter().zip(chosen.layers.iter().cloned());
    Ok(Found {
        digest,
        config,
        layers: layers
            .map(|(diff_id, name)| {
                let blob = None;
                (Layer { blob, diff_id }, name)
            })
            .collect(),
    })
}

/// Reads a configuration and refuses one that is made for another machine.
pub(crate) fn parse_config(image: &str, bytes: &[u8]) -> Result<ImageConfiguration, Error> {
    let config = serde_json::from_slice(bytes).map_err(|e| Error::bad_image(image, e))?;
    select::check_machine(image, &config)?;
    Ok(config)
}

fn read_blob(image: &str, files: &Files, blob: &Blob) -> Result<Vec<u8>, Error> {
    let bytes = read(image, files, &blob_name(&blob.digest))?;
    let found = Digest::of(&bytes);
    match found == blob.digest {
        true => Ok(bytes),
        false => Err(corrupt("a document of the image", &blob.digest, &found)),
    }
}

fn read(image: &str, files: &Files, name: &str) -> Result<Vec<u8>, Error> {
    files.read(name, MAX_DOCUMENT).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Error::bad_image(image, format!("{name} is missing")),
        _ => Error::bad_image(image, e),
    })
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn ref_name(descriptor: &Descriptor) -> Option<&str> {
    annotation(descriptor, REF_NAME).or_else(|| annotation(descriptor, CONTAINERD_NAME))
}

fn annotation<'a>(descriptor: &'a Descriptor, key: &str) -> Option<&'a str> {
    let found = descriptor.annotations().as_ref()?.get(key)?;
    Some(found.as_str())
}

fn is_named(descriptor: &Descriptor, tag: &str) -> bool {
    [REF_NAME, CONTAINERD_NAME]
        .iter()
        .filter_map(|key| annotation(descriptor, key))
        .any(|name| is_same(name, tag))
}

/// A tag may be given alone or as the whole reference, short or in full.
fn is_same(name: &str, tag: &str) -> bool {
    let whole = |text: &str| text.parse::<Reference>().ok().map(|r| r.whole());
    name == tag
        || name.rsplit(':').next() == Some(tag)
        || whole(name).is_some_and(|name| whole(tag).is_some_and(|tag| name == tag))
}

fn not_found(image: &str, tag: Option<&str>, names: &[&str]) -> Error {
    let names = names.join(", ");
    let hint = match (tag, names.is_empty()) {
        (_, true) => "; it has no named images".to_owned(),
        (Some(_), false) => format!("; there is {names}"),
        (None, false) => format!("; it has several, so name one of {names}"),
    };
    Error::NotFound {
        image: image.to_owned(),
        hint,
    }
}

fn corrupt(what: &str, expected: &Digest, found: &Digest) -> Error {
    Error::Corrupt {
        what: what.to_owned(),
        expected: expected.as_str().to_owned(),
        found: found.as_str().to_owned(),
    }
}

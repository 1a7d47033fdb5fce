//! Images made on the spot.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, Method};
use livery_domain::registry::Credentials;
use livery_web::{Answer, Client, Reach, Request, Url};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// How a layer travels.
#[derive(Clone, Copy)]
pub enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// What a registry has of an image.
pub struct Parts {
    pub manifest: Value,
    /// Layers and configuration, by digest.
    pub blobs: BTreeMap<String, Vec<u8>>,
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A layer in the making.
pub struct Layer {
    builder: Builder<Vec<u8>>,
}

/// An image in the making.
pub struct Image {
    layers: Vec<(Vec<u8>, Packing)>,
    diff_ids: Vec<String>,
    pub config: Value,
}

impl Layer {
    pub fn new() -> Self {
        Self {
            builder: Builder::new(Vec::new()),
        }
    }

    pub fn dir(self, path: &str) -> Self {
        self.entry(path, EntryType::Directory, 0o755, "", b"")
    }

    pub fn file(self, path: &str, content: &[u8]) -> Self {
        self.entry(path, EntryType::Regular, 0o644, "", content)
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryType::Symlink, 0o777, target, b"")
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryType::Link, 0o644, target, b"")
    }

    pub fn device(self, path: &str) -> Self {
        self.entry(path, EntryType::Block, 0o666, "", b"")
    }

    /// Gives the next entry a property of any length, such as its `path`.
    pub fn long(mut self, key: &str, value: &str) -> Self {
        let extension = [(key, value.as_bytes())];
        self.builder.append_pax_extensions(extension).unwrap();
        self
    }

    pub fn xattr(mut self, name: &str, value: &[u8]) -> Self {
        let key = format!("SCHILY.xattr.{name}");
        self.builder
            .append_pax_extensions([(key.as_str(), value)])
            .unwrap();
        self
    }

    /// Any entry, its path as given, even one that no tool would write; owned by 1000:1001 and
    /// from 12 November 2023.
    pub fn entry(
        mut self,
        path: &str,
        kind: EntryType,
        mode: u32,
        link: &str,
        content: &[u8],
    ) -> Self {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(1000);
        header.set_gid(1001);
        header.set_mtime(1_699_747_200);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.builder.append(&header, content).unwrap();
        self
    }

    fn finish(self) -> Vec<u8> {
        self.builder.into_inner().unwrap()
    }
}

impl Image {
    pub fn new() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Self {
            layers: Vec::new(),
            diff_ids: Vec::new(),
            config: json!({"architecture": architecture, "os": "linux", "config": {}}),
        }
    }

    pub fn layer(self, layer: Layer, packing: Packing) -> Self {
        self.raw_layer(layer.finish(), packing)
    }

    /// Adds bytes as a layer, whatever they are.
    pub fn raw_layer(mut self, plain: Vec<u8>, packing: Packing) -> Self {
        self.diff_ids.push(digest(&plain));
        self.layers.push((pack(&plain, packing), packing));
        self
    }

    /// Says of its layers what may not be true.
    pub fn with_diff_ids(mut self, diff_ids: &[&str]) -> Self {
        self.diff_ids = diff_ids.iter().map(|&id| id.to_owned()).collect();
        self
    }

    pub fn diff_ids(&self) -> &[String] {
        &self.diff_ids
    }

    pub fn blob_digests(&self) -> Vec<String> {
        self.layers.iter().map(|(bytes, _)| digest(bytes)).collect()
    }

    /// Returns everything that a registry has of it.
    pub fn parts(&self) -> Parts {
        let mut blobs = BTreeMap::new();
        let mut put = |bytes: &[u8], media: &str| {
            let digest = digest(bytes);
            blobs.insert(digest.clone(), bytes.to_vec());
            json!({"mediaType": media, "digest": digest, "size": bytes.len()})
        };
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(|(bytes, packing)| put(bytes, media_type(*packing)))
            .collect();
        let media = "application/vnd.oci.image.config.v1+json";
        let config = put(&self.config_bytes(), media);
        Parts {
            manifest: json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers
            }),
            blobs,
        }
    }

    /// Writes an OCI layout in which the image has a tag, next to a signature-like entry.
    pub fn write_layout(&self, dir: &Path, tag: &str) {
        let blobs = dir.join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let put = |bytes: &[u8], media: &str| {
            let digest = digest(bytes);
            fs::write(blobs.join(&digest[7..]), bytes).unwrap();
            json!({"mediaType": media, "digest": digest, "size": bytes.len()})
        };
        let parts = self.parts();
        parts.blobs.values().for_each(|bytes| drop(put(bytes, "")));
        let mut entry = put(parts.manifest.to_string().as_bytes(), MANIFEST);
        entry["platform"] = json!({
            "os": self.config["os"], "architecture": self.config["architecture"]
        });
        let mut noise = entry.clone();
        noise["platform"] = json!({"os": "unknown", "architecture": "unknown"});
        let nested = json!({"schemaVersion": 2, "manifests": [noise, entry]});
        let index_media = "application/vnd.oci.image.index.v1+json";
        let mut named = put(nested.to_string().as_bytes(), index_media);
        named["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        let index = json!({"schemaVersion": 2, "manifests": [named]});
        fs::write(dir.join("index.json"), index.to_string()).unwrap();
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    }

    /// Writes what `docker save` of older versions writes; a repeated layer is a link.
    pub fn write_archive(&self, path: &Path, tag: &str) {
        let mut archive = Layer::new();
        let mut names = Vec::new();
        for (number, (bytes, _)) in self.layers.iter().enumerate() {
            let name = format!("layer{number}/layer.tar");
            archive = archive
                .dir(&format!("layer{number}/"))
                .file(&format!("layer{number}/real.tar"), bytes)
                .symlink(&name, &format!("../layer{number}/real.tar"));
            names.push(name);
        }
        let config = self.config_bytes();
        let config_name = format!("{}.json", &digest(&config)[7..]);
        let manifest = json!([{"Config": config_name, "RepoTags": [tag], "Layers": names}]);
        let archive = archive
            .file(&config_name, &config)
            .file("manifest.json", manifest.to_string().as_bytes());
        fs::write(path, archive.finish()).unwrap();
    }

    /// Pushes the image under a reference.
    pub async fn push(&self, reference: &str, known: Option<&Credentials>) {
        let parts = self.parts();
        let (registry, rest) = reference.split_once('/').unwrap();
        let (repository, tag) = rest.rsplit_once(':').unwrap();
        let base = format!("http://{registry}/v2/{repository}");
        for (digest, bytes) in parts.blobs {
            let begin = format!("{base}/blobs/uploads/");
            let begun = send(Method::POST, &begin, known, "", Vec::new()).await;
            let location = begun.headers["location"].to_str().unwrap().to_owned();
            let mark = if location.contains('?') { '&' } else { '?' };
            let end = format!("{location}{mark}digest={digest}");
            send(Method::PUT, &end, known, "application/octet-stream", bytes).await;
        }
        let manifest = parts.manifest.to_string().into_bytes();
        let place = format!("{base}/manifests/{tag}");
        send(Method::PUT, &place, known, MANIFEST, manifest).await;
    }

    fn config_bytes(&self) -> Vec<u8> {
        let mut config = self.config.clone();
        config["rootfs"] = json!({"type": "layers", "diff_ids": self.diff_ids});
        config.to_string().into_bytes()
    }
}

/// The image that most tests use: two layers, of which the upper hides things of the lower.
pub fn sample() -> Image {
    let lower = Layer::new()
        .dir("bin/")
        .entry("bin/tool", EntryType::Regular, 0o4755, "", b"#!/bin/sh\n")
        .hard_link("bin/same", "bin/tool")
        .symlink("bin/link", "/bin/tool")
        .dir("data/")
        .file("data/old", b"old")
        .file("data/keep", b"keep")
        .dir("cache/")
        .file("cache/stale", b"stale")
        .device("disk")
        .xattr("user.comment", b"kept")
        .file("noted", b"x");
    let upper = Layer::new()
        .dir("data/")
        .file("data/.wh.old", b"")
        .dir("cache/")
        .file("cache/.wh..wh..opq", b"")
        .file("cache/fresh", b"fresh");
    let mut image = Image::new()
        .layer(lower, Packing::Gzip)
        .layer(upper, Packing::Zstd);
    image.config["config"] = json!({
        "Env": ["PATH=/bin", "CUDA_VERSION=12.4.1"],
        "Entrypoint": ["/bin/tool"],
        "Cmd": ["--serve"],
        "WorkingDir": "/data",
        "User": "1000",
        "ExposedPorts": {"8888/tcp": {}}
    });
    image
}

async fn send(
    method: Method,
    url: &str,
    known: Option<&Credentials>,
    media: &str,
    body: Vec<u8>,
) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", media.parse().unwrap());
    if let Some(known) = known {
        let pair = format!("{}:{}", known.username, known.password.expose());
        let basic = base64::engine::general_purpose::STANDARD.encode(pair);
        headers.insert("authorization", format!("Basic {basic}").parse().unwrap());
    }
    let request = Request {
        method,
        url: Url::parse(url).unwrap(),
        headers,
        body: body.into(),
    };
    let answer = Client::default()
        .send(&request, Reach::Anywhere)
        .await
        .unwrap();
    assert!(answer.status.is_success(), "{url}: {answer:?}");
    answer
}

fn pack(plain: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => plain.to_vec(),
        Packing::Zstd => zstd::encode_all(plain, 1).unwrap(),
        Packing::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn media_type(packing: Packing) -> &'static str {
    match packing {
        Packing::Plain => "application/vnd.oci.image.layer.v1.tar",
        Packing::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        Packing::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
    }
}

pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

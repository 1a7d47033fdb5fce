//! Brings an image's layers in: several at once, each streamed straight into its directory.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::{mpsc, watch};

use crate::files::Files;
use crate::images::{Inner, Progress};
use crate::layer::{self, Digest, Layer};
use crate::registry::Registry;
use crate::select::{self, Document};
use crate::{Error, local};

/// Layers at work at once; as many as Docker's default.
const PARALLEL: usize = 3;

/// Chunks between network and disk; a slow disk slows the download down instead of filling memory.
const BACKLOG: usize = 64;

/// An index within an index is used for one image per platform; more is nobody's.
const MAX_DEPTH: usize = 3;

/// Where layers come from.
#[derive(Clone)]
pub(crate) enum Source {
    Registry(Arc<Registry>),
    Files(Arc<Files>),
}

/// An image found at a registry.
pub(crate) struct Found {
    pub digest: Digest,
    pub config: Vec<u8>,
    pub layers: Vec<Layer>,
    pub diff_ids: Vec<Digest>,
}

/// Asks a registry what an image consists of on this machine.
pub(crate) async fn find(image: &str, registry: &Registry) -> Result<Found, Error> {
    let mut wanted = None;
    for _ in 0..MAX_DEPTH {
        let (bytes, digest) = registry.manifest(wanted.as_ref()).await?;
        match Document::parse(image, &bytes)? {
            Document::Index(index) => {
                let chosen = select::for_this_machine(image, index.manifests())?;
                wanted = Some(select::blob(image, chosen)?.digest);
            }
            Document::Manifest(manifest) => {
                let blob = select::blob(image, manifest.config())?;
                let config = registry.document(&blob).await?;
                let layers =
                    select::layers(image, &manifest, &local::parse_config(image, &config)?)?;
                return Ok(Found {
                    digest,
                    config,
                    diff_ids: layers.iter().map(|layer| layer.diff_id.clone()).collect(),
                    layers,
                });
            }
        }
    }
    Err(Error::bad_image(image, "its indexes are nested too deep"))
}

/// Unpacks the layers that are not here yet. The name beside a layer is that of its file.
pub(crate) async fn layers(
    inner: &Arc<Inner>,
    source: Source,
    layers: Vec<(Layer, String)>,
    progress: &watch::Sender<Progress>,
) -> Result<(), Error> {
    let missing: u64 = layers
        .iter()
        .filter(|(layer, _)| !inner.disk.layer(&layer.diff_id).is_dir())
        .map(|(layer, _)| size(layer))
        .sum();
    inner.disk.check_room(missing)?;
    progress.send_replace(Progress {
        layers: layers.len(),
        bytes: livery_units::Bytes::new(layers.iter().map(|(layer, _)| size(layer)).sum()),
        ..Progress::default()
    });
    stream::iter(layers)
        .map(|(layer, file)| bring(inner, source.clone(), layer, file, progress))
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await
}

/// Runs work that waits for the disk where waiting is allowed.
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(cancelled) => Err(Error::System {
                action: "work on an image while shutting down".to_owned(),
                source: io::Error::other(cancelled),
            }),
        },
    }
}

async fn bring(
    inner: &Arc<Inner>,
    source: Source,
    layer: Layer,
    file: String,
    progress: &watch::Sender<Progress>,
) -> Result<(), Error> {
    let _ours = inner.lock_layer(&layer.diff_id).await;
    let size = size(&layer);
    if inner.disk.layer(&layer.diff_id).is_dir() {
        add_bytes(progress, size);
    } else {
        match source {
            Source::Files(files) => {
                let inner = Arc::clone(inner);
                off_thread(move || copy(&inner, &files, &layer, &file)).await?;
                add_bytes(progress, size);
            }
            Source::Registry(registry) => download(inner, &registry, layer, progress).await?,
        }
    }
    progress.send_modify(|now| now.layers_done += 1);
    Ok(())
}

fn copy(inner: &Inner, files: &Files, layer: &Layer, file: &str) -> Result<(), Error> {
    let bytes = files.open(file).map_err(|e| Error::bad_image(file, e))?;
    let place = inner.disk.layer(&layer.diff_id);
    layer::install(bytes, layer, &inner.disk.scratch(), &place)
}

async fn download(
    inner: &Arc<Inner>,
    registry: &Registry,
    layer: Layer,
    progress: &watch::Sender<Progress>,
) -> Result<(), Error> {
    let Some(blob) = layer.blob.clone() else {
        return Err(Error::bad_image(
            layer.diff_id.as_str(),
            "a layer has no digest",
        ));
    };
    let (send, receive) = mpsc::channel(BACKLOG);
    let disk = Arc::clone(inner);
    let unpacking = off_thread(move || {
        let place = disk.disk.layer(&layer.diff_id);
        let bytes = Incoming {
            chunks: receive,
            current: Bytes::new(),
        };
        layer::install(bytes, &layer, &disk.disk.scratch(), &place)
    });
    let downloading = async {
        let outcome = registry
            .download(&blob, &send, |length| add_bytes(progress, length))
            .await;
        // Ends the stream for the other side, which then finds it too short.
        drop(send);
        outcome
    };
    let (downloaded, unpacked) = futures_util::future::join(downloading, unpacking).await;
    // A broken download breaks the unpacking too, and is the cause.
    downloaded.and(unpacked)
}

fn size(layer: &Layer) -> u64 {
    layer.blob.as_ref().map_or(0, |blob| blob.size)
}

fn add_bytes(progress: &watch::Sender<Progress>, length: u64) {
    progress.send_modify(|now| {
        now.bytes_done = now
            .bytes_done
            .saturating_plus(livery_units::Bytes::new(length));
    });
}

/// The download as a reader, for a thread that may wait.
struct Incoming {
    chunks: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk,
                None => return Ok(0),
            }
        }
        let length = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

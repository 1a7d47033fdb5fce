//! Brings an image's layers in: several at once, each streamed straight into its directory.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, Bytes};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use livery_domain::account::Tenant;
use tokio::sync::{mpsc, watch};

use crate::facts::{Facts, Leave, Origin};
use crate::files::Files;
use crate::images::{Inner, Progress};
use crate::layer::{self, Bounds, Digest, Layer};
use crate::registry::Registry;
use crate::select::{self, Document};
use crate::{Error, local};

/// Layers at work at once; as many as Docker's default.
const PARALLEL: usize = 3;

/// Chunks between network and disk; a slow disk slows the download down instead of filling memory.
const BACKLOG: usize = 64;

/// An index within an index is used for one image per platform; more is nobody's.
const MAX_DEPTH: usize = 3;

/// What a tar may be larger than the room that there is: empty files take more in it than on disk.
const SLACK: u64 = 1 << 30;

/// Where layers come from.
#[derive(Clone)]
pub(crate) enum Source {
    Registry(Arc<Registry>),
    /// Files of the machine; only its owner gets here.
    Files(Arc<Files>),
}

/// What is to be brought in, and for whom.
pub(crate) struct Order {
    pub source: Source,
    pub tenant: Tenant,
    /// The layers, lowest first, each with the name of its file.
    pub layers: Vec<(Layer, String)>,
}

/// An image found at a registry.
pub(crate) struct Found {
    pub digest: Digest,
    pub config: Bytes,
    pub layers: Vec<Layer>,
}

/// Asks a registry what an image consists of on this machine; nothing if that is what is `known`.
pub(crate) async fn find(
    image: &str,
    registry: &Registry,
    known: Option<&str>,
) -> Result<Option<Found>, Error> {
    let mut wanted = None;
    for _ in 0..MAX_DEPTH {
        let (bytes, digest) = registry.manifest(wanted.as_ref()).await?;
        match Document::parse(image, &bytes)? {
            Document::Index(index) => {
                let chosen = select::for_this_machine(image, index.manifests())?;
                wanted = Some(select::blob(image, chosen)?.digest);
            }
            Document::Manifest(_) if known == Some(digest.as_str()) => return Ok(None),
            Document::Manifest(manifest) => {
                let blob = select::blob(image, manifest.config())?;
                let config = registry.document(&blob).await?;
                let layers =
                    select::layers(image, &manifest, &local::parse_config(image, &config)?)?;
                return Ok(Some(Found {
                    digest,
                    config,
                    layers,
                }));
            }
        }
    }
    Err(Error::bad_image(image, "its indexes are nested too deep"))
}

/// Unpacks the layers that are not here yet, or that the tenant has no leave to use from here.
pub(crate) async fn layers(
    inner: &Arc<Inner>,
    order: Order,
    progress: &watch::Sender<Progress>,
) -> Result<(), Error> {
    let sizes = |layers: &mut dyn Iterator<Item = &Layer>| {
        layers.map(size).fold(0_u64, u64::saturating_add)
    };
    let layers = || order.layers.iter().map(|(layer, _)| layer);
    let is_missing = |layer: &&Layer| !inner.disk.layer(&layer.diff_id).is_dir();
    inner
        .disk
        .check_room(sizes(&mut layers().filter(is_missing)))?;
    progress.send_replace(Progress {
        layers: order.layers.len(),
        bytes: livery_units::Bytes::new(sizes(&mut layers())),
        ..Progress::default()
    });
    let (alive, mut ended) = mpsc::channel(1);
    let pull = Pull {
        inner,
        source: &order.source,
        tenant: &order.tenant,
        progress,
        alive,
    };
    let outcome = stream::iter(order.layers.clone())
        .map(|(layer, file)| pull.bring(layer, file))
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await;
    // Where one layer failed, the threads of the others end too, and have cleared up then.
    drop(pull);
    ended.recv().await;
    outcome
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

/// The layers of one image on their way.
struct Pull<'p> {
    inner: &'p Arc<Inner>,
    source: &'p Source,
    tenant: &'p Tenant,
    progress: &'p watch::Sender<Progress>,
    /// Held by every thread that unpacks; nothing is ever sent.
    alive: mpsc::Sender<()>,
}

impl Pull<'_> {
    async fn bring(&self, layer: Layer, file: String) -> Result<(), Error> {
        let _ours = self.inner.lock_layer(&layer.diff_id).await;
        let is_here = self.inner.disk.layer(&layer.diff_id).is_dir();
        let mut facts = match is_here {
            true => self.inner.disk.facts(&layer.diff_id)?,
            false => Facts::default(),
        };
        if is_here && self.may_use(&facts, &layer).await {
            self.note(facts, &layer).await?;
            self.moved(size(&layer));
        } else {
            facts.fetched(&layer, self.source.origin().as_ref());
            facts.granted(self.tenant);
            match self.source {
                Source::Files(files) => {
                    let files = Arc::clone(files);
                    let bytes = move || files.open(&file).map_err(|e| Error::bad_image(&file, e));
                    self.install(&layer, facts, bytes).await?;
                    self.moved(size(&layer));
                }
                Source::Registry(registry) => self.download(registry, &layer, facts).await?,
            }
        }
        self.progress.send_modify(|now| now.layers_done += 1);
        Ok(())
    }

    /// Returns whether the tenant may use the layer that is here instead of fetching it.
    async fn may_use(&self, facts: &Facts, layer: &Layer) -> bool {
        let leave = facts.leave(layer, self.tenant, self.source.origin().as_ref());
        match (leave, self.source, &layer.blob) {
            (Leave::Granted, _, _) => true,
            (Leave::AskRegistry, Source::Registry(registry), Some(blob)) => {
                registry.has(blob).await
            }
            (Leave::AskRegistry | Leave::Fetch, _, _) => false,
        }
    }

    /// Remembers that the tenant has a layer.
    async fn note(&self, mut facts: Facts, layer: &Layer) -> Result<(), Error> {
        if !facts.granted(self.tenant) {
            return Ok(());
        }
        let (inner, diff_id) = (Arc::clone(self.inner), layer.diff_id.clone());
        off_thread(move || inner.disk.save_facts(&diff_id, &facts)).await
    }

    /// Unpacks a layer and puts it, with what is then known of it, in its place. Where it is there
    /// already, the same content stays.
    async fn install<R: Read + 'static>(
        &self,
        layer: &Layer,
        facts: Facts,
        bytes: impl FnOnce() -> Result<R, Error> + Send + 'static,
    ) -> Result<(), Error> {
        let (inner, layer) = (Arc::clone(self.inner), layer.clone());
        // The thread goes on when this future is dropped, unless it hears of it.
        let waiting = Waiting::default();
        let (given_up, alive) = (Arc::clone(&waiting.given_up), self.alive.clone());
        off_thread(move || {
            let disk = &inner.disk;
            let bounds = Bounds {
                plain: disk.room()?.saturating_add(SLACK),
                given_up,
            };
            let scratch = disk.scratch();
            layer::unpack_to(&scratch, bytes()?, &layer, bounds)?;
            // They are true whether or not the layer comes to its place.
            disk.save_facts(&layer.diff_id, &facts)?;
            layer::settle(&scratch, &disk.layer(&layer.diff_id))?;
            drop(alive);
            Ok(())
        })
        .await
    }

    async fn download(
        &self,
        registry: &Registry,
        layer: &Layer,
        facts: Facts,
    ) -> Result<(), Error> {
        let Some(blob) = &layer.blob else {
            let reason = "a layer has no digest";
            return Err(Error::bad_image(layer.diff_id.as_str(), reason));
        };
        let (send, receive) = mpsc::channel(BACKLOG);
        let incoming = Incoming {
            chunks: receive,
            current: Bytes::new(),
        };
        let unpacking = self.install(layer, facts, move || Ok(incoming));
        let downloading = async {
            let moved = |length| self.moved(length);
            let outcome = registry.download(blob, &send, moved).await;
            // Ends the stream for the other side, which then finds it too short.
            drop(send);
            outcome
        };
        let (downloaded, unpacked) = futures_util::future::join(downloading, unpacking).await;
        // A broken download breaks the unpacking too, and is the cause.
        downloaded.and(unpacked)
    }

    fn moved(&self, length: u64) {
        self.progress.send_modify(|now| {
            let length = livery_units::Bytes::new(length);
            now.bytes_done = now.bytes_done.saturating_plus(length);
        });
    }
}

impl Source {
    /// Returns the repository that the layers are had from.
    fn origin(&self) -> Option<Origin> {
        match self {
            Self::Registry(registry) => Some(registry.origin()),
            Self::Files(_) => None,
        }
    }
}

/// Tells a thread that nobody waits for it any more, by being dropped.
#[derive(Default)]
struct Waiting {
    given_up: Arc<AtomicBool>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

fn size(layer: &Layer) -> u64 {
    layer.blob.as_ref().map_or(0, |blob| blob.size)
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

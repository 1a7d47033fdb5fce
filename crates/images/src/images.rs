//! The store of images on this machine.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use livery_domain::account::Tenant;
use livery_domain::registry::Credentials;
use livery_units::{Bytes, Timestamp};
use oci_spec::distribution::Reference;
use tokio::sync::{RwLock, watch};

use crate::disk::{Disk, Record, remove_tree};
use crate::facts::tenant_key;
use crate::files::Files;
use crate::layer::Digest;
use crate::pull::{self, Order, Source};
use crate::registry::{Registries, Registry};
use crate::{CudaVersion, Error, ImageConfig, ImageRef, local};

/// The tag that is meant to move.
const FLOATING: &str = "latest";

/// Where images are kept and how registries are spoken to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory; it becomes readable for its owner alone.
    pub root: PathBuf,
    /// What the machine's owner says about registries.
    pub registries: Registries,
}

/// The images on this machine. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Images {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub disk: Disk,
    options: Options,
    /// Held for reading while an image is prepared, for writing while layers are thrown out.
    gate: RwLock<()>,
    /// One lock per layer at work, so that concurrent pulls share it.
    layers: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
}

/// Who asks for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Puller {
    /// For whose pod.
    pub tenant: Tenant,
    /// Who they are to the image's registry, if it has to know.
    pub credentials: Option<Credentials>,
}

/// How far a pull has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Layers of the image.
    pub layers: usize,
    /// Layers that are unpacked.
    pub layers_done: usize,
    /// Bytes of the image as it travels; none for archives, which do not say.
    pub bytes: Bytes,
    /// Bytes that have come.
    pub bytes_done: Bytes,
}

/// An image that a pod can be started from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What a pod of it sees as `/`.
    pub root: Root,
    /// How the image wants to run.
    pub config: ImageConfig,
    /// What the image is, whatever its name comes to mean; empty for this machine's own root.
    pub digest: String,
    /// The CUDA version that the host's driver has to support.
    pub cuda_required: Option<CudaVersion>,
}

/// What a pod of an image sees as `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// This machine's own root: the image was named `host`, and nothing else leads here.
    Host,
    /// Unpacked layers, lowest first; at least one.
    Layers(Vec<PathBuf>),
}

impl Images {
    /// Opens or makes a store. One process at a time may have it.
    pub fn open(options: Options) -> Result<Self, Error> {
        Ok(Self {
            inner: Arc::new(Inner {
                disk: Disk::open(options.root.clone())?,
                options,
                gate: RwLock::new(()),
                layers: Mutex::default(),
            }),
        })
    }

    /// Makes an image ready, fetching what is not here yet.
    ///
    /// An image that the same tenant had here is not asked for again, as with `docker run`, unless
    /// its tag is `latest`; and that is used as it is when the registry cannot be reached. Of what
    /// others had here, a tenant uses the layers that they may have too.
    pub async fn prepare(
        &self,
        image: &ImageRef,
        puller: &Puller,
        progress: &watch::Sender<Progress>,
    ) -> Result<Prepared, Error> {
        image.check_tenant(&puller.tenant)?;
        let _no_cleaning_now = self.inner.gate.read().await;
        match image {
            ImageRef::Host => Ok(Prepared::host()),
            ImageRef::Registry(reference) => {
                self.prepare_from_registry(image, reference, puller, progress)
                    .await
            }
            ImageRef::Layout { tag, .. } | ImageRef::Archive { tag, .. } => {
                self.prepare_from_files(image, tag.clone(), progress).await
            }
        }
    }

    /// Forgets images not asked for since a time, then deletes the layers of no image.
    ///
    /// Layers `in_use` by pods stay. Returns how many went, or nothing while images are being
    /// prepared, when it does nothing.
    pub async fn collect_garbage(
        &self,
        in_use: HashSet<PathBuf>,
        unused_since: Timestamp,
    ) -> Result<Option<usize>, Error> {
        let Ok(gate) = self.inner.gate.try_write() else {
            return Ok(None);
        };
        let taken = self
            .blocking(move |inner| {
                for (record, last_used) in inner.disk.records()? {
                    if last_used < unused_since {
                        inner.disk.forget(&record)?;
                    }
                }
                inner.disk.take_unused_layers(&in_use)
            })
            .await?;
        // Deleting may take long and disturbs nobody.
        drop(gate);
        let count = taken.len();
        self.blocking(move |_| taken.iter().try_for_each(|path| remove_tree(path)))
            .await?;
        Ok(Some(count))
    }

    async fn prepare_from_registry(
        &self,
        image: &ImageRef,
        reference: &Reference,
        puller: &Puller,
        progress: &watch::Sender<Progress>,
    ) -> Result<Prepared, Error> {
        let name = image.to_string();
        let tenant = &puller.tenant;
        let cached = self.cached(tenant, name.clone()).await?;
        let is_floating = reference.digest().is_none() && reference.tag() == Some(FLOATING);
        let cached = match cached {
            Some(cached) if !is_floating => return Ok(cached),
            other => other,
        };
        let registry = Registry::new(reference, puller, &self.inner.options.registries)?;
        let known = cached.as_ref().map(|cached| cached.digest.as_str());
        let found = match (pull::find(&name, &registry, known).await, cached) {
            (Err(error @ Error::Unreachable { .. }), Some(cached)) => {
                tracing::warn!(%error, image = name, "using the image as it is here");
                return Ok(cached);
            }
            (Ok(None), Some(cached)) => return Ok(cached),
            (found, _) => found?,
        };
        let Some(found) = found else {
            return Err(Error::bad_image(name, "it is known and is not here"));
        };
        let digest = found.digest.clone();
        let order = Order {
            source: Source::Registry(Arc::new(registry)),
            tenant: tenant.clone(),
            layers: found
                .layers
                .into_iter()
                .map(|layer| (layer, String::new()))
                .collect(),
        };
        let record = record(tenant, name, &digest, &found.config, &order)?;
        pull::layers(&self.inner, order, progress).await?;
        self.keep(record).await
    }

    async fn prepare_from_files(
        &self,
        image: &ImageRef,
        tag: Option<String>,
        progress: &watch::Sender<Progress>,
    ) -> Result<Prepared, Error> {
        let name = image.to_string();
        let image = image.clone();
        let (files, found) = self
            .blocking(move |inner| {
                let files = open_files(inner, &image)?;
                let found = local::find(&image.to_string(), &files, tag.as_deref())?;
                Ok((files, found))
            })
            .await?;
        let order = Order {
            source: Source::Files(Arc::new(files)),
            tenant: Tenant::Owner,
            layers: found.layers,
        };
        let record = record(&order.tenant, name, &found.digest, &found.config, &order)?;
        pull::layers(&self.inner, order, progress).await?;
        self.keep(record).await
    }

    async fn keep(&self, record: Record) -> Result<Prepared, Error> {
        let name = record.name.clone();
        let saved = self
            .blocking(move |inner| {
                inner.disk.save_record(&record)?;
                inner.prepared(&record)
            })
            .await?;
        // Nothing is deleted while we hold the gate, so the layers are where we put them.
        saved.ok_or_else(|| Error::bad_image(name, "its layers vanished from the disk"))
    }

    async fn cached(&self, tenant: &Tenant, name: String) -> Result<Option<Prepared>, Error> {
        let tenant = tenant_key(tenant);
        self.blocking(move |inner| match inner.disk.use_record(&tenant, &name)? {
            Some(record) => inner.prepared(&record),
            None => Ok(None),
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(&self.inner);
        pull::off_thread(move || work(&inner)).await
    }
}

impl Inner {
    /// Waits until nobody else works on a layer.
    pub async fn lock_layer(&self, diff_id: &Digest) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
            // Locks that only this table knows are nobody's any more.
            layers.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(layers.entry(diff_id.clone()).or_default())
        };
        lock.lock_owned().await
    }

    fn prepared(&self, record: &Record) -> Result<Option<Prepared>, Error> {
        let Some(layers) = self.disk.layers_of(record) else {
            return Ok(None);
        };
        let config = local::parse_config(&record.name, record.config.as_bytes())?;
        let config = ImageConfig::read(&config);
        Ok(Some(Prepared {
            root: Root::Layers(layers),
            cuda_required: config.cuda_required(),
            config,
            digest: record.digest.clone(),
        }))
    }
}

impl Prepared {
    /// Returns the layers that it keeps in use; this machine's own root uses none.
    pub fn layers(&self) -> &[PathBuf] {
        match &self.root {
            Root::Host => &[],
            Root::Layers(layers) => layers,
        }
    }

    fn host() -> Self {
        Self {
            root: Root::Host,
            config: ImageConfig::default(),
            digest: String::new(),
            cuda_required: None,
        }
    }
}

fn record(
    tenant: &Tenant,
    name: String,
    digest: &Digest,
    config: &[u8],
    order: &Order,
) -> Result<Record, Error> {
    let config = std::str::from_utf8(config).map_err(|e| Error::bad_image(&name, e))?;
    let layers = order.layers.iter().map(|(layer, _)| layer.diff_id.as_str());
    Ok(Record {
        tenant: tenant_key(tenant),
        digest: digest.as_str().to_owned(),
        config: config.to_owned(),
        layers: layers.map(str::to_owned).collect(),
        name,
    })
}

fn open_files(inner: &Inner, image: &ImageRef) -> Result<Files, Error> {
    let (path, opened) = match image {
        ImageRef::Layout { dir, .. } => (dir, Ok(Files::Directory(dir.clone()))),
        ImageRef::Archive { path, .. } => (path, Files::open_tar(path, inner.disk.scratch())),
        // Neither has files; `prepare` does not ask.
        ImageRef::Host | ImageRef::Registry(_) => {
            return Err(Error::bad_image(
                image.to_string(),
                "it is not kept in files",
            ));
        }
    };
    if !path.exists() {
        return Err(Error::NotFound {
            image: image.to_string(),
            hint: format!("; {} is not there", path.display()),
        });
    }
    opened.map_err(|e| match e.kind() {
        std::io::ErrorKind::StorageFull => Error::io("unpack", inner.disk.root())(e),
        _ => Error::bad_image(image.to_string(), e),
    })
}

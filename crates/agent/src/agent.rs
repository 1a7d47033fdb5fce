//! The agent: what it holds, how it begins and how it ends.

use crate::activity;
use crate::capacity;
use crate::error::{OpenError, of_join};
use crate::inventory::{GpuInventory, Machine};
use crate::options::{AgentOptions, Content};
use crate::pods::{Pod, Pods, Records, Stage};
use crate::sweep;
use livery_content::{Compression, ContentStore, Halt};
use livery_disk::Reserve;
use livery_host_api::Error;
use livery_host_api::dto::{Gpu, Resources};
use livery_images::Images;
use livery_runtime::Runtime;
use livery_units::{Bytes, HostId};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The host agent of this machine.
///
/// Dropping it leaves pods running, as its death would; [`Agent::close`] waits for what is under
/// way first.
#[derive(Debug)]
pub struct Agent {
    pub(crate) core: Arc<Core>,
}

/// What the agent's tasks share.
#[derive(Debug)]
pub(crate) struct Core {
    pub host_id: HostId,
    pub options: AgentOptions,
    pub machine: Machine,
    pub gpus: GpuInventory,
    pub images: Images,
    pub runtime: Runtime,
    pub content: Arc<ContentStore>,
    pub records: Records,
    pub pods: Pods,
    /// Held while it is decided whether a pod fits.
    pub admission: tokio::sync::Mutex<()>,
    /// What goes on in the background.
    pub tasks: TaskTracker,
    /// Set when the agent is to end.
    pub stop: CancellationToken,
}

impl Agent {
    /// Opens the machine for pods: adopts those that run, goes on with those that were begun.
    pub async fn open(options: AgentOptions) -> Result<Arc<Self>, OpenError> {
        let opened = tokio::task::spawn_blocking(move || Core::open(options)).await;
        let (core, records) = opened.map_err(|error| OpenError::Inventory {
            what: "state",
            why: error.to_string(),
        })??;
        let core = Arc::new(core);
        for (id, record) in records {
            let stage = record.stage.clone();
            let pod = Arc::new(Pod::new(id.clone(), record));
            core.pods.insert(Arc::clone(&pod));
            match stage {
                Stage::Preparing => core.begin(pod),
                // The sweep goes on with it.
                Stage::Removing => {}
                Stage::Made | Stage::Stopped | Stage::Failed(_) => {}
            }
        }
        sweep::begin(&core);
        activity::begin(&core);
        Ok(Arc::new(Self { core }))
    }

    /// Returns the machine's id, the same at every start.
    pub fn host_id(&self) -> &HostId {
        &self.core.host_id
    }

    /// Ends the agent: waits for steps that cannot be left half-way and leaves pods running.
    pub async fn close(&self) -> Result<(), Error> {
        self.core.stop.cancel();
        self.core.tasks.close();
        self.core.tasks.wait().await;
        self.core
            .blocking(|core| core.runtime.close().map_err(crate::error::of_runtime))
            .await
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.core.stop.cancel();
    }
}

type Found = Vec<(livery_units::PodId, crate::pods::Record)>;

/// Held of the disk so that pods can be ended when it is full: records are small.
const RESERVE: Bytes = Bytes::mib(16);

impl Core {
    fn open(options: AgentOptions) -> Result<(Self, Found), OpenError> {
        let host_dir = options.host_dir();
        fs::create_dir_all(&host_dir).map_err(OpenError::io("create", &host_dir))?;
        let runtime_dir = host_dir.join("runtime");
        let runtime = Runtime::open(livery_runtime::Options {
            root: runtime_dir.clone(),
            shim: options.shim.clone(),
            id_base: options.id_base,
            hide: hidden(&options),
            network: options.network.clone(),
        })?;
        let images = Images::open(livery_images::Options {
            root: options.data_dir.join("images"),
            registries: options.registries.clone(),
        })?;
        let content = match &options.content {
            Content::Shared(store) => Arc::clone(store),
            Content::Own => {
                let dir = host_dir.join("content");
                Arc::new(ContentStore::open(&dir, Compression::WherePays)?)
            }
        };
        let reserve = host_dir.join("reserve");
        let reserve =
            Reserve::take(&reserve, RESERVE).map_err(OpenError::io("look at", &reserve))?;
        let records = Records::open(host_dir.join("pods"), reserve)?;
        let found = records.load()?;
        let machine = Machine::look(&options.data_dir, &runtime_dir, options.limits)?;
        let core = Self {
            host_id: host_id(&host_dir.join("host-id"))?,
            gpus: GpuInventory::look(&options.simulated_gpus),
            machine,
            images,
            runtime,
            content,
            records,
            pods: Pods::default(),
            admission: tokio::sync::Mutex::new(()),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            options,
        };
        Ok((core, found))
    }

    /// Runs a step that blocks, off the asynchronous threads; it ends even if its caller leaves.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        step: impl FnOnce(&Arc<Self>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let core = Arc::clone(self);
        let run = tokio::task::spawn_blocking(move || step(&core));
        run.await.map_err(of_join)?
    }

    /// Runs a step on the files of a pod, which may take long. It ends early when its caller leaves, when
    /// the pod is to be stopped or removed, and when the agent ends.
    pub(crate) async fn on_files<T: Send + 'static>(
        self: &Arc<Self>,
        pod: &Arc<Pod>,
        step: impl FnOnce(&Arc<Self>, &Pod, &Halt) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let leaving = pod.leaving()?;
        let (halt, pod) = (Halt::default(), Arc::clone(pod));
        let ends_with_caller = HaltOnDrop(halt.clone());
        let run = self.blocking(move |core| step(core, &pod, &halt));
        tokio::pin!(run);
        tokio::select! {
            done = &mut run => return done,
            () = leaving.cancelled() => {}
            () = self.stop.cancelled() => {}
        }
        drop(ends_with_caller);
        run.await
    }

    /// Runs a change of a pod to its end, even if its caller leaves.
    pub(crate) async fn whole<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.tasks.spawn(change).await.map_err(of_join)?
    }

    /// Returns what pods may use of the machine in all.
    pub(crate) fn total(&self) -> Result<Resources, Error> {
        let total = self.machine.total();
        total.map_err(|error| Error::Internal(error.to_string()))
    }

    /// Returns what is left of it.
    pub(crate) fn free(&self) -> Result<Resources, Error> {
        let records = self.pods.all().into_iter().map(|pod| pod.record().share());
        let mut shares: Vec<_> = records.collect();
        shares.push(self.volumes_share()?);
        let logs = self.options.logs_of_a_pod();
        shares.push(capacity::disk(logs.saturating_mul(shares.len() as u64 - 1)));
        Ok(capacity::free(self.total()?, &shares))
    }

    /// Returns what is left of it for a pod: what its logs may take is not for its disks.
    pub(crate) fn free_for_pod(&self) -> Result<Resources, Error> {
        let logs = capacity::disk(self.options.logs_of_a_pod());
        Ok(capacity::free(self.free()?, [&logs]))
    }

    /// Returns the GPUs with who has them.
    pub(crate) fn gpus_now(&self) -> Vec<Gpu> {
        let mut gpus = self.gpus.gpus();
        for pod in self.pods.all() {
            let taken = pod.record().share().gpus;
            for gpu in gpus.iter_mut().filter(|gpu| taken.contains(&gpu.index)) {
                gpu.pod = Some(pod.id.to_string());
            }
        }
        gpus
    }
}

/// Halts work when it is dropped.
struct HaltOnDrop(Halt);

impl Drop for HaltOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// What `host` images must not show: everything of ours, and what the owner named.
fn hidden(options: &AgentOptions) -> Vec<std::path::PathBuf> {
    let mut hide = options.hide.clone();
    hide.push(options.data_dir.clone());
    hide
}

/// Returns the time in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Reads the machine's id; the first start makes it.
fn host_id(path: &Path) -> Result<HostId, OpenError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = HostId::from_entropy(rand::random());
            let temporary = path.with_extension("new");
            fs::write(&temporary, id.as_str()).map_err(OpenError::io("write", &temporary))?;
            fs::rename(&temporary, path).map_err(OpenError::io("replace", path))?;
            return Ok(id);
        }
        Err(error) => return Err(OpenError::io("read", path)(error)),
    };
    text.trim().parse().map_err(|_| OpenError::Inventory {
        what: "host id",
        why: format!("{} holds something else; remove it", path.display()),
    })
}

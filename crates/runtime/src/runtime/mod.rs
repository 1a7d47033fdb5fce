//! The runtime as the agent uses it.

mod counters;
mod kill;
mod lifecycle;
mod observe;
mod slots;
mod tasks;
mod volumes;

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use livery_units::{PodId, VolumeId};
use rustix::fs::{FlockOperation, flock};

pub use self::observe::PodRoot;
use self::slots::Slots;
use crate::error::{Context, Error};
use crate::layout::PodDir;
use crate::net::{self, Network};
use crate::{cgroup, mounts};

/// How a runtime is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory that holds every pod.
    pub root: PathBuf,
    /// The program that is run as `PROGRAM shim ...`; it must call [`crate::shim::main`].
    pub shim: PathBuf,
    /// First of this machine's user ids that are given to pods; each takes 65,536.
    pub id_base: u32,
    /// What `host` images must not show, such as Livery's own data.
    pub hide: Vec<PathBuf>,
    /// How pods are connected.
    pub network: net::Options,
}

/// The pods of this machine.
///
/// Every method may block for as long as the kernel takes; call them off the async threads. Calls
/// about different pods run at the same time, calls about one pod after each other.
#[derive(Debug)]
pub struct Runtime {
    options: Options,
    network: Network,
    slots: Slots,
    busy: Busy,
    /// Held from looking for room until a disk takes it, so that no room is promised twice.
    room: Mutex<()>,
    /// Held while volumes, or who has them, change; has those that grow. Taken after a pod's turn,
    /// never before.
    volumes: Mutex<HashSet<VolumeId>>,
    /// Held as long as this runtime lives, so that no second agent touches the same pods.
    _lock: File,
}

impl Runtime {
    /// Opens the pods under a directory; those that run are found again by [`Runtime::list`].
    pub fn open(mut options: Options) -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        cgroup::check()?;
        let pods = options.root.join("pods");
        fs::create_dir_all(&pods).on("create", &pods)?;
        // Pods' disks and logs are for root alone.
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(&options.root, private).on("change the mode of", &options.root)?;
        // The kernel names disks by their real paths.
        let real = fs::canonicalize(&options.root);
        options.root = real.on("find", &options.root)?;
        let lock = lock(&options.root)?;
        let slots = Slots::open(options.root.join("slots"), slot_count(options.id_base))?;
        volumes::open(&options.root)?;
        let network = Network::open(options.network.clone())?;
        Ok(Self {
            options,
            network,
            slots,
            busy: Busy::default(),
            room: Mutex::new(()),
            volumes: Mutex::default(),
            _lock: lock,
        })
    }

    /// Takes back what opening changed on the machine, if no pod is connected any more.
    pub fn close(&self) -> Result<(), Error> {
        Ok(self.network.close()?)
    }

    fn dir(&self, pod: &PodId) -> PodDir {
        PodDir::new(&self.options.root, pod)
    }

    fn pods_dir(&self) -> PathBuf {
        self.options.root.join("pods")
    }

    fn first_id(&self, slot: u16) -> u32 {
        self.options.id_base + u32::from(slot) * mounts::IDS
    }
}

/// As many pods as there are id ranges above the first.
fn slot_count(id_base: u32) -> u16 {
    u16::try_from((u32::MAX - id_base) / mounts::IDS).unwrap_or(u16::MAX)
}

fn lock(root: &Path) -> Result<File, Error> {
    let path = root.join("lock");
    let file = File::create(&path).on("create", &path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::RootInUse(root.to_owned())),
        Err(error) => Err(error).on("lock", &path),
    }
}

/// The pods that a call is about right now.
#[derive(Debug, Default)]
struct Busy {
    pods: Mutex<HashSet<PodId>>,
    freed: Condvar,
}

/// A pod that this call alone is about.
struct Turn<'a> {
    busy: &'a Busy,
    pod: PodId,
}

impl Busy {
    /// Waits until no other call is about `pod`.
    fn wait_for(&self, pod: &PodId) -> Turn<'_> {
        let mut pods = self.lock();
        while pods.contains(pod) {
            pods = self
                .freed
                .wait(pods)
                .unwrap_or_else(PoisonError::into_inner);
        }
        pods.insert(pod.clone());
        Turn {
            busy: self,
            pod: pod.clone(),
        }
    }

    fn contains(&self, pod: &PodId) -> bool {
        self.lock().contains(pod)
    }

    /// A call that panicked has left nothing in the set that the next could not bear.
    fn lock(&self) -> MutexGuard<'_, HashSet<PodId>> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.busy.lock().remove(&self.pod);
        self.busy.freed.notify_all();
    }
}

//! The pods of this machine: what was asked for, on disk and in memory.

mod lifecycle;
mod prepare;
mod record;
mod spec;
mod status;

pub(crate) use record::{Record, Records, Stage};
pub(crate) use spec::{tenant_of, user_id};
pub(crate) use status::ended;

use crate::activity::Seen;
use lifecycle::must_be_up;
use livery_host_api::Error;
use livery_images::Progress;
use livery_units::PodId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// One pod in memory.
#[derive(Debug)]
pub(crate) struct Pod {
    pub id: PodId,
    /// What was seen of its use.
    pub seen: Seen,
    record: Mutex<Record>,
    /// How far its image is.
    progress: watch::Sender<Progress>,
    /// Bumped whenever its stage changes.
    changed: watch::Sender<u64>,
    /// Held by whoever changes it: making, stopping, starting and removing come one after another.
    turn: tokio::sync::Mutex<()>,
    /// Set when it is to be removed: what prepares it stops.
    cancelled: CancellationToken,
    /// Set when it is to be stopped or removed: what works on its files ends. Another one follows for
    /// when it is started again.
    leaving: Mutex<CancellationToken>,
}

impl Pod {
    pub fn new(id: PodId, record: Record) -> Self {
        Self {
            id,
            seen: Seen::default(),
            record: Mutex::new(record),
            progress: watch::Sender::new(Progress::default()),
            changed: watch::Sender::new(0),
            turn: tokio::sync::Mutex::new(()),
            cancelled: CancellationToken::new(),
            leaving: Mutex::default(),
        }
    }

    /// Returns what says that work on its files must end; fails if it is no time to begin any.
    pub fn leaving(&self) -> Result<CancellationToken, Error> {
        let leaving = self.leaving_now().clone();
        // After that: the one that ends the work writes the stage first.
        must_be_up(self)?;
        Ok(leaving)
    }

    /// Ends what works on its files: it would hold its disks. To be called once its stage says that no
    /// more is to begin.
    fn interrupt(&self) {
        std::mem::take(&mut *self.leaving_now()).cancel();
    }

    fn leaving_now(&self) -> MutexGuard<'_, CancellationToken> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is written down of it.
    pub fn record(&self) -> Record {
        self.lock().clone()
    }

    /// Changes what is known of it and wakes those who wait for that.
    fn set(&self, change: impl FnOnce(&mut Record)) -> Record {
        let record = {
            let mut record = self.lock();
            change(&mut record);
            record.clone()
        };
        self.changed.send_modify(|count| *count += 1);
        record
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All pods in memory.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    pods: Mutex<BTreeMap<PodId, Arc<Pod>>>,
}

impl Pods {
    pub fn get(&self, id: &PodId) -> Option<Arc<Pod>> {
        self.lock().get(id).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Pod>> {
        self.lock().values().cloned().collect()
    }

    pub fn insert(&self, pod: Arc<Pod>) {
        self.lock().insert(pod.id.clone(), pod);
    }

    fn remove(&self, id: &PodId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PodId, Arc<Pod>>> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

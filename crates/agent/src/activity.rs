//! What pods have used, for whoever decides whether somebody uses them.
//!
//! The kernel counts processor time, traffic and writes, and goes on when the agent is replaced. Two
//! things only the agent sees: who is in a pod, and whether its GPUs work. Of these it reports the
//! last moment by the machine's own clock, so that a new agent that has seen nothing contradicts
//! nothing.

use crate::agent::Core;
use crate::error::of_runtime;
use crate::pods::Pod;
use livery_host_api::Error;
use livery_host_api::dto::{HostActivity, PodActivity};
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How often GPUs are asked whether they work: the driver tells about the last second at most.
const GPU_PERIOD: Duration = Duration::from_secs(1);

/// A moment that has not been.
const NEVER: u64 = 0;

/// What the agent itself has seen of a pod's use.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    open: Mutex<u64>,
    session_at_ms: AtomicU64,
    gpu_at_ms: AtomicU64,
}

impl Seen {
    /// Returns when somebody was last in the pod; that is now while somebody is.
    fn sessions(&self, now_ms: u64) -> Option<u64> {
        let open = *self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match (open, self.session_at_ms.load(Ordering::Relaxed)) {
            (0, NEVER) => None,
            (0, at) => Some(at),
            (_, _) => Some(now_ms),
        }
    }

    fn gpus(&self) -> Option<u64> {
        let at = self.gpu_at_ms.load(Ordering::Relaxed);
        (at != NEVER).then_some(at)
    }
}

/// Somebody is in a pod as long as this lives.
#[derive(Debug)]
pub(crate) struct Visit(Arc<Pod>);

impl Visit {
    /// Enters a pod.
    pub fn begin(pod: Arc<Pod>) -> Self {
        *pod.seen.open.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self(pod)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let seen = &self.0.seen;
        let mut open = seen.open.lock().unwrap_or_else(PoisonError::into_inner);
        seen.session_at_ms.store(uptime_ms(), Ordering::Relaxed);
        *open = open.saturating_sub(1);
    }
}

/// Returns how long the machine has been up, time asleep included.
fn uptime_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let secs = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    secs * 1_000 + nanos / 1_000_000
}

impl Core {
    /// Returns what every pod that is up has used.
    pub(crate) fn activity(&self) -> Result<HostActivity, Error> {
        let pods: BTreeMap<_, _> = self
            .pods
            .all()
            .into_iter()
            .map(|pod| (pod.id.clone(), pod))
            .collect();
        let ids: Vec<_> = pods.keys().cloned().collect();
        let counted = self.runtime.counters(&ids).map_err(of_runtime)?;
        // After everything was read: what is seen later is later than this.
        let uptime_ms = uptime_ms();
        let used = counted.into_iter().filter_map(|(id, counters)| {
            let seen = &pods.get(&id)?.seen;
            Some(PodActivity {
                pod: id.to_string(),
                cpu_usec: counters.cpu_micros,
                network_bytes: counters.network.get(),
                written_bytes: counters.written.get(),
                gpu_at_ms: seen.gpus(),
                session_at_ms: seen.sessions(uptime_ms),
            })
        });
        let pods = used.collect();
        Ok(HostActivity { uptime_ms, pods })
    }

    fn look_at_gpus(&self) {
        for pod in self.pods.all() {
            let gpus = pod.record().gpus;
            let works =
                |gpu: &livery_host_api::dto::Gpu| !gpu.simulated && self.gpus.works(gpu.index);
            if gpus.iter().any(works) {
                pod.seen.gpu_at_ms.store(uptime_ms(), Ordering::Relaxed);
            }
        }
    }
}

/// Watches the GPUs of pods as long as the agent is there; nothing to do on a machine without any.
pub(crate) fn begin(core: &Arc<Core>) {
    if !core.gpus.has_driver() {
        return;
    }
    let weak = Arc::downgrade(core);
    let stop = core.stop.clone();
    core.tasks.spawn(async move {
        let mut ticks = tokio::time::interval(GPU_PERIOD);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let Some(core) = Weak::upgrade(&weak) else {
                return;
            };
            let looked = core.blocking(|core| {
                core.look_at_gpus();
                Ok(())
            });
            if let Err(error) = looked.await {
                tracing::warn!(%error, "whether GPUs work could not be seen");
            }
        }
    });
}

//! Asks hosts what their pods have used, and keeps how long each has been idle.

use super::silence::Silences;
use crate::error::Error;
use crate::services::Services;
use livery_domain::pod::{Activity, IdlePolicy};
use livery_host_api::Host;
use livery_units::{HostId, PodId, Span, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::{Id, JoinSet};

/// A host is asked this often at most.
pub(crate) const SAMPLE_LEAST: Span = Span::from_secs(1);

/// A host is asked this often at least, also while no policy of its pods needs it: a policy may be
/// set at any time.
const SAMPLE_MOST: Span = Span::from_secs(15);

/// What is known of a pod without an idle policy is written this often: it is only shown.
const SHOWN: Span = Span::from_secs(60);

/// A pod is looked at this many times in the time that its idle policy gives it.
const LOOKS: u64 = 4;

/// A host that does not answer in this time is left for the next look.
const PATIENCE: Span = Span::from_secs(5);

/// Hosts that are asked at the same time.
const HOSTS_AT_ONCE: usize = 16;

/// When each host is asked next. Forgetting it means asking at once, which does no harm.
#[derive(Default)]
pub(crate) struct Sampler {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    next: BTreeMap<HostId, Timestamp>,
    silences: Silences,
}

impl Sampler {
    /// Asks every host whose time has come.
    pub(crate) async fn sample(&self, services: &Arc<Services>) -> Value {
        let (mut asked, mut pods, mut failed) = (0_u64, 0_u64, 0_u64);
        let mut looks = JoinSet::new();
        let mut at_work: HashMap<Id, HostId> = HashMap::new();
        let mut hosts = self.due(services).into_iter();
        loop {
            for (id, host) in hosts.by_ref().take(HOSTS_AT_ONCE - looks.len()) {
                let services = Arc::clone(services);
                let look = looks.spawn(async move { sample_host(&services, &*host).await });
                at_work.insert(look.id(), id);
            }
            let Some(ended) = looks.join_next_with_id().await else {
                break;
            };
            asked += 1;
            // A look that panics is one that failed: the others go on.
            let (task, looked) = match ended {
                Ok((task, looked)) => (task, looked.map_err(|error| error.to_string())),
                Err(error) => (error.id(), Err(error.to_string())),
            };
            let Some(id) = at_work.remove(&task) else {
                continue;
            };
            match &looked {
                Ok(looked) => pods += looked.kept,
                Err(_) => failed += 1,
            }
            self.note(id, looked, services.now());
        }
        json!({ "hosts": asked, "pods": pods, "failed": failed })
    }

    /// Notes what came of asking a host, and when it is asked next.
    fn note(&self, id: HostId, looked: Result<Looked, String>, now: Timestamp) {
        let mut known = self.lock();
        let period = match looked {
            Ok(looked) => {
                if let Some(long) = known.silences.answered(&id, now) {
                    tracing::info!(host.id = %id, "a host says again what its pods use, after {long}");
                }
                looked.period
            }
            Err(error) => {
                if let Some(long) = known.silences.silent(&id, now) {
                    tracing::warn!(host.id = %id, error, "a host has not said for {long} what its pods use: until it does, nobody is idle there");
                }
                SAMPLE_MOST
            }
        };
        known.next.insert(id, now.after(period));
    }

    fn due(&self, services: &Services) -> Vec<(HostId, Arc<dyn Host>)> {
        let now = services.now();
        let hosts = services.hosts.list();
        let mut known = self.lock();
        // Those that left are forgotten.
        let there: BTreeSet<&HostId> = hosts.iter().map(|(id, _)| id).collect();
        known.next.retain(|id, _| there.contains(id));
        known.silences.keep(|id| there.contains(id));
        let is_due = |id: &HostId| {
            let next = known.next.get(id);
            next.is_none_or(|at| *at <= now || *at > now.after(SAMPLE_MOST))
        };
        hosts.into_iter().filter(|(id, _)| is_due(id)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of asking a host.
struct Looked {
    /// Pods of which something was kept.
    kept: u64,
    /// When it should be asked again.
    period: Span,
}

async fn sample_host(services: &Services, host: &dyn Host) -> Result<Looked, Error> {
    let answer = tokio::time::timeout(PATIENCE.to_std(), host.activity()).await;
    let silent = |_| Error::Unreachable(format!("no answer within {PATIENCE}"));
    let activity = answer.map_err(silent)??;
    // When the answer came: what is in it is not younger.
    let now = services.now();
    let used: BTreeMap<PodId, _> = activity
        .pods
        .iter()
        .filter_map(|pod| Some((pod.pod.parse().ok()?, activity.usage(pod))))
        .collect();
    let ids: Vec<PodId> = used.keys().cloned().collect();
    let mut period = SAMPLE_MOST;
    let mut known = Vec::new();
    for watched in services.store.pod_watched(&ids).await? {
        let Some(usage) = used.get(&watched.pod) else {
            continue;
        };
        let due = watched.idle.map_or(SHOWN, |idle| {
            let own = period_of(idle);
            period = period.min(own);
            own
        });
        let next = match &watched.activity {
            Some(last) if is_fresh(last, due, now) => continue,
            Some(last) => last.after(*usage, now),
            None => Activity::first(*usage, now),
        };
        known.push((watched.pod, next));
    }
    services.store.pod_activity_set(&known).await?;
    Ok(Looked {
        kept: known.len() as u64,
        period,
    })
}

/// How often a pod is looked at so that an idle policy acts in time.
fn period_of(idle: IdlePolicy) -> Span {
    Span::from_millis(idle.after.millis() / LOOKS).clamp(SAMPLE_LEAST, SAMPLE_MOST)
}

/// Whether a look is still to be shown as it is; one from the future says that the clock was set
/// back.
fn is_fresh(last: &Activity, due: Span, now: Timestamp) -> bool {
    // A little early is better than a whole period late.
    let due = Span::from_millis(due.millis() * 9 / 10);
    last.sampled <= now && now.since(last.sampled) < due
}

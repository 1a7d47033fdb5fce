//! The supplier of our own hosts, reached through their agents.
//!
//! Every connected host is cut into slices that are offered; a launch is a pod made by the host's
//! agent; the lease's foreign id is `HOST/POD`.

mod lease;
mod slices;
mod volumes;

use async_trait::async_trait;
use lease::{foreign_id, parts};
use livery_domain::offer::{Offer, SupplierName};
use livery_domain::orphan::Tenants;
use livery_domain::pod::{Observed, Ran};
use livery_host_api::dto::{PodSpec, PodState, PodStatus};
use livery_host_api::{Error as HostError, Host, HostDirectory};
use livery_supplier::{
    Access, Error, Heard, Lease, Listing, Observation, Order, Stopping, Supplier, SupplierInfo,
    Volumes,
};
use livery_units::{HostId, LaunchKey, PodId, Span, text};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The name of this supplier in offers and listings.
pub const NAME: &str = "local";

/// Most processes and threads in one pod: enough for any data loader, too few to fill the machine.
const PIDS_MAX: u32 = 4_096;

/// What is kept of a host's words about a pod, in characters.
const DETAIL_CHARS_MAX: usize = 500;

/// How long a host may take to say what it has; one that takes longer counts as silent, so that it
/// keeps no other waiting.
const PATIENCE: Span = Span::from_secs(20);

/// Offers the hosts of a directory.
#[derive(Debug, Clone)]
pub struct HostsSupplier {
    directory: HostDirectory,
}

impl HostsSupplier {
    /// Makes the supplier over the hosts that are connected, now and later.
    pub fn new(directory: HostDirectory) -> Self {
        Self { directory }
    }

    /// Returns a host that must be connected.
    ///
    /// A host that is not says nothing about its pods: they may well be running.
    fn host(&self, id: &HostId) -> Result<Arc<dyn Host>, Error> {
        self.directory.get(id).ok_or_else(|| Error::Transient {
            message: format!("host {id} is not connected"),
        })
    }

    /// Asks every host that is connected, all at once.
    async fn ask_all<T, F>(
        &self,
        ask: impl Fn(Arc<dyn Host>) -> F,
    ) -> Vec<(HostId, Result<T, HostError>)>
    where
        F: Future<Output = Result<T, HostError>>,
    {
        let asked = self.directory.list().into_iter().map(|(id, host)| {
            let answer = tokio::time::timeout(PATIENCE.to_std(), ask(host));
            async move {
                let silent = |_| {
                    Err(HostError::Unreachable(format!(
                        "host {id} did not answer within {PATIENCE}"
                    )))
                };
                let answer = answer.await.unwrap_or_else(silent);
                (id, answer)
            }
        });
        futures_util::future::join_all(asked).await
    }

    /// Asks every host that is connected what it has of something. One that does not answer says
    /// nothing of what it has, and keeps nobody from hearing the others.
    async fn list_all<T, F, Found>(
        &self,
        ask: impl Fn(Arc<dyn Host>) -> F,
        read: impl Fn(&HostId, T) -> Vec<Found>,
    ) -> Result<Listing<Found>, Error>
    where
        F: Future<Output = Result<T, HostError>>,
    {
        let mut found = Vec::new();
        let (mut answered, mut silent) = (BTreeSet::new(), BTreeSet::new());
        let mut failure = None;
        for (id, answer) in self.ask_all(ask).await {
            match answer {
                Ok(answer) => {
                    found.extend(read(&id, answer));
                    answered.insert(id);
                }
                Err(error) => {
                    failure = Some(transient(error));
                    silent.insert(id);
                }
            }
        }
        match failure {
            Some(error) if answered.is_empty() => Err(error),
            _ => Ok(Listing {
                found,
                heard: Heard::Hosts { answered, silent },
            }),
        }
    }

    fn of_lease(&self, lease: &Lease) -> Result<(Arc<dyn Host>, PodId), Error> {
        let (host, pod) = parts(lease)?;
        Ok((self.host(&host)?, pod))
    }
}

#[async_trait]
impl Supplier for HostsSupplier {
    fn info(&self) -> SupplierInfo {
        SupplierInfo {
            name: SupplierName::new(NAME),
            description: "our own hosts".to_owned(),
            // A host's agent serves the control plane that it was set up for and no other.
            tenants: Tenants::OnlyUs,
        }
    }

    async fn offers(&self) -> Result<Vec<Offer>, Error> {
        let mut offers = Vec::new();
        let mut failure = None;
        let mut answered = 0_usize;
        let info = |host: Arc<dyn Host>| async move { host.info().await };
        for (id, info) in self.ask_all(info).await {
            let info = info.map_err(transient);
            match info.and_then(|info| slices::of_host(&id, &info)) {
                Ok(slices) => {
                    answered += 1;
                    offers.extend(slices);
                }
                Err(error) => {
                    tracing::warn!(host.id = %id, %error, "a host is left out of the offers");
                    failure = Some(error);
                }
            }
        }
        match failure {
            Some(error) if answered == 0 => Err(error),
            _ => Ok(offers),
        }
    }

    async fn launch(&self, key: &LaunchKey, order: &Order) -> Result<Lease, Error> {
        let Some(id) = &order.offer.host else {
            return Err(Error::Invalid {
                message: format!("offer {} is not of one of our hosts", order.offer.id),
            });
        };
        let host = self.host(id)?;
        let mut spec = PodSpec::from_order(key, &order.tenant, &order.spec, PIDS_MAX);
        let gpus = order.offer.gpus.as_ref();
        spec.gpu_model = gpus.map(|gpus| gpus.model.to_string());
        spec.credentials = order.credentials.as_ref().map(Into::into);
        match host.pod_create(&order.pod, &spec, Span::ZERO).await {
            Ok(_) => Ok(Lease {
                key: key.clone(),
                foreign_id: foreign_id(id, &order.pod),
            }),
            Err(HostError::Unreachable(message)) => Err(Error::Ambiguous { message }),
            Err(error) => Err(refused(error)),
        }
    }

    async fn observe(&self, lease: &Lease) -> Result<Observation, Error> {
        let (id, pod) = parts(lease)?;
        match self.host(&id)?.pod(&pod).await {
            Ok(status) => seen(id, pod, status),
            Err(HostError::NotFound(_)) => Ok(Observation {
                state: Observed::Absent,
                detail: None,
                access: None,
                ran: Ran::default(),
            }),
            Err(error) => Err(transient(error)),
        }
    }

    /// The list speaks of the hosts that answered: what another holds must not seem to be gone.
    async fn list(&self) -> Result<Listing<Lease>, Error> {
        let pods = |host: Arc<dyn Host>| async move { host.pods().await };
        let read = |id: &HostId, pods: Vec<PodStatus>| {
            let leases = pods.iter().filter_map(|pod| lease::of_pod(id, pod));
            leases.collect()
        };
        self.list_all(pods, read).await
    }

    fn host_of(&self, lease: &Lease) -> Option<HostId> {
        parts(lease).ok().map(|(host, _)| host)
    }

    async fn terminate(&self, lease: &Lease) -> Result<(), Error> {
        let (host, pod) = self.of_lease(lease)?;
        match host.pod_remove(&pod).await {
            Ok(()) | Err(HostError::NotFound(_)) => Ok(()),
            Err(error) => Err(transient(error)),
        }
    }

    fn stopping(&self) -> Option<&dyn Stopping> {
        Some(self)
    }

    fn volumes(&self) -> Option<&dyn Volumes> {
        Some(self)
    }
}

#[async_trait]
impl Stopping for HostsSupplier {
    async fn stop(&self, lease: &Lease, grace: Span) -> Result<(), Error> {
        let (host, pod) = self.of_lease(lease)?;
        host.pod_stop(&pod, grace).await.map_err(refused)?;
        Ok(())
    }

    async fn start(&self, lease: &Lease) -> Result<(), Error> {
        let (host, pod) = self.of_lease(lease)?;
        host.pod_start(&pod).await.map_err(refused)?;
        Ok(())
    }
}

/// Reads a pod's status; one that could not be made is an error, whatever was in its way: it is not
/// one that ended by itself, and nothing of it is to be kept and paid for.
fn seen(host: HostId, pod: PodId, status: PodStatus) -> Result<Observation, Error> {
    let state = Observed::from(status.state);
    let detail = status
        .detail
        .map(|words| text::clean(&words, DETAIL_CHARS_MAX));
    let failure = status.failure.map(HostError::from);
    let ran = Ran {
        began_ago: status.began_ago_ms.map(Span::from_millis),
        ended_ago: status.ended_ago_ms.map(Span::from_millis),
    };
    let access = match status.state {
        PodState::Up => Some(Access::Host { host, pod }),
        PodState::Starting | PodState::Down | PodState::Failed | PodState::Lost => None,
    };
    match status.state {
        PodState::Failed => Err(unmade(failure, detail)),
        PodState::Starting | PodState::Up | PodState::Down | PodState::Lost => Ok(Observation {
            state,
            detail: detail.or(failure.map(|error| error.to_string())),
            access,
            ran,
        }),
    }
}

/// Says in a supplier's words why a host could not make a pod that it had taken on.
fn unmade(failure: Option<HostError>, detail: Option<String>) -> Error {
    match failure {
        Some(
            error @ (HostError::Image(_)
            | HostError::Invalid(_)
            | HostError::NoCapacity(_)
            | HostError::DiskFull(_)),
        ) => refused(error),
        Some(
            error @ (HostError::NotFound(_)
            | HostError::WrongState(_)
            | HostError::Internal(_)
            | HostError::Unreachable(_)),
        ) => Error::Unmade {
            message: error.to_string(),
        },
        None => Error::Unmade {
            message: detail.unwrap_or_else(|| "the host could not make the pod".to_owned()),
        },
    }
}

/// Says in a supplier's words why a host refused something.
fn refused(error: HostError) -> Error {
    let message = error.to_string();
    match error {
        HostError::NotFound(message) => Error::NotFound { message },
        HostError::NoCapacity(message) => Error::NoCapacity { message },
        HostError::DiskFull(_) => Error::NoCapacity { message },
        HostError::Image(_) | HostError::Invalid(_) => Error::Invalid { message },
        HostError::WrongState(_) | HostError::Internal(_) | HostError::Unreachable(_) => {
            Error::Transient { message }
        }
    }
}

/// For questions that cannot be wrong: whatever the host said, it says nothing about the pod.
fn transient(error: HostError) -> Error {
    Error::Transient {
        message: error.to_string(),
    }
}

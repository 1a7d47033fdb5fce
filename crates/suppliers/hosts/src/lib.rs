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
use livery_domain::pod::Observed;
use livery_host_api::dto::{PodSpec, PodState, PodStatus};
use livery_host_api::{Error as HostError, Host, HostDirectory};
use livery_supplier::{
    Access, Error, Lease, Observation, Order, Stopping, Supplier, SupplierInfo, Volumes,
};
use livery_units::{HostId, LaunchKey, PodId, Span};
use std::sync::Arc;

/// The name of this supplier in offers and listings.
pub const NAME: &str = "local";

/// Most processes and threads in one pod: enough for any data loader, too few to fill the machine.
const PIDS_MAX: u32 = 4_096;

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
        let hosts = self.directory.list();
        let asked = hosts
            .iter()
            .map(|(id, host)| async move { (id, host.info().await) });
        let mut offers = Vec::new();
        let mut failure = None;
        let mut answered = 0_usize;
        for (id, info) in futures_util::future::join_all(asked).await {
            match info {
                Ok(info) => {
                    answered += 1;
                    offers.extend(slices::of_host(id, &info)?);
                }
                Err(error) => {
                    tracing::warn!(host.id = %id, %error, "a host is left out of the offers");
                    failure = Some(transient(error));
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
        let mut spec = PodSpec::from_order(key, &order.spec, PIDS_MAX);
        let gpus = order.offer.gpus.as_ref();
        spec.gpu_model = gpus.map(|gpus| gpus.model.to_string());
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
            }),
            Err(error) => Err(transient(error)),
        }
    }

    /// A host that does not answer fails the whole list: what it holds must not seem to be gone.
    async fn list(&self) -> Result<Vec<Lease>, Error> {
        let hosts = self.directory.list();
        let asked = hosts
            .iter()
            .map(|(id, host)| async move { (id, host.pods().await) });
        let mut leases = Vec::new();
        for (id, pods) in futures_util::future::join_all(asked).await {
            let pods = pods.map_err(transient)?;
            leases.extend(pods.iter().filter_map(|pod| lease::of_pod(id, pod)));
        }
        Ok(leases)
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

/// Reads a pod's status; one that could not be made for want of something else than luck is an
/// error of that kind.
fn seen(host: HostId, pod: PodId, status: PodStatus) -> Result<Observation, Error> {
    let state = Observed::from(status.state);
    let failure = status.failure.map(HostError::from);
    let access = match status.state {
        PodState::Up => Some(Access::Host { host, pod }),
        PodState::Starting | PodState::Down | PodState::Failed | PodState::Lost => None,
    };
    match (status.state, failure) {
        (
            PodState::Failed,
            Some(
                error @ (HostError::Image(_)
                | HostError::Invalid(_)
                | HostError::NoCapacity(_)
                | HostError::DiskFull(_)),
            ),
        ) => Err(refused(error)),
        (
            PodState::Starting | PodState::Up | PodState::Down | PodState::Failed | PodState::Lost,
            failure,
        ) => Ok(Observation {
            state,
            detail: status.detail.or(failure.map(|error| error.to_string())),
            access,
        }),
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

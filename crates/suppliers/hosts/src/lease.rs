//! Leases of our own hosts: `HOST/POD`.

use livery_host_api::dto::PodStatus;
use livery_supplier::{Error, Lease};
use livery_units::{HostId, PodId};

/// Writes a lease's foreign id.
pub(crate) fn foreign_id(host: &HostId, pod: &PodId) -> String {
    format!("{host}/{pod}")
}

/// Reads a lease's foreign id.
pub(crate) fn parts(lease: &Lease) -> Result<(HostId, PodId), Error> {
    let split = lease.foreign_id.split_once('/');
    let read = split.and_then(|(host, pod)| Some((host.parse().ok()?, pod.parse().ok()?)));
    read.ok_or_else(|| Error::Invalid {
        message: format!("`{}` is not a lease of ours (HOST/POD)", lease.foreign_id),
    })
}

/// Returns the lease of a pod; none for a pod that carries no launch key of ours.
pub(crate) fn of_pod(host: &HostId, pod: &PodStatus) -> Option<Lease> {
    let id: PodId = pod.pod.parse().ok()?;
    Some(Lease {
        key: pod.launch_key.parse().ok()?,
        foreign_id: foreign_id(host, &id),
    })
}

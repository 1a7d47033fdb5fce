//! What a pod's supplier is asked, with the hold that we have on the pod's machine.

use super::access::lease_of;
use crate::error::Error;
use crate::registry;
use crate::services::Services;
use livery_domain::account::Tenant;
use livery_domain::pod::{Observed, Pod, Seen};
use livery_store::Credit;
use livery_supplier::{Error as SupplierError, Lease, Order};
use livery_units::Span;

/// How long a stopped pod's processes get between SIGTERM and SIGKILL.
const STOP_GRACE: Span = Span::from_secs(10);

/// Writes down for a pod's supplier what to launch.
pub(super) async fn order(services: &Services, pod: &Pod) -> Result<Order, Error> {
    let account = services.store.account_fetch(&pod.account).await?;
    let credentials = registry::credentials_for(services, &account, &pod.order.image).await?;
    Ok(Order {
        pod: pod.id.clone(),
        tenant: match account.credit {
            Credit::Owner => Tenant::Owner,
            Credit::Prepaid => Tenant::Account(account.id),
        },
        offer: pod.offer.clone(),
        spec: pod.order.clone(),
        credentials,
    })
}

/// Asks a pod's supplier to start it again; one that cannot stop machines has none to start.
pub(super) async fn start(services: &Services, pod: &Pod) -> Result<(), Error> {
    match services.supplier(pod.supplier())?.stopping() {
        Some(stopping) => Ok(stopping.start(&lease_of(pod)).await?),
        None => Ok(()),
    }
}

/// Asks a pod's supplier to stop it.
pub(super) async fn stop(services: &Services, pod: &Pod) -> Result<(), Error> {
    match services.supplier(pod.supplier())?.stopping() {
        Some(stopping) => Ok(stopping.stop(&lease_of(pod), STOP_GRACE).await?),
        // Never silently: it would run on and cost.
        None => {
            let message = format!("supplier {} cannot stop machines", pod.supplier());
            Err(SupplierError::Unsupported { message }.into())
        }
    }
}

/// Asks a pod's supplier to end whatever there is of it.
pub(super) async fn terminate(services: &Services, pod: &Pod) -> Result<(), Error> {
    match find_lease(services, pod).await? {
        Some(lease) => Ok(services.supplier(pod.supplier())?.terminate(&lease).await?),
        None => Ok(()),
    }
}

/// Returns our hold on the pod's machine; none when nothing was ever made. A launch whose answer was
/// lost left no foreign id: its key finds what it made.
async fn find_lease(services: &Services, pod: &Pod) -> Result<Option<Lease>, SupplierError> {
    let Ok(supplier) = services.supplier(pod.supplier()) else {
        let message = format!("supplier {} is not set up here", pod.supplier());
        return Err(SupplierError::Transient { message });
    };
    if pod.foreign_id.is_some() {
        return Ok(Some(lease_of(pod)));
    }
    let listing = supplier.list().await?;
    let host = pod.offer.host.as_ref();
    match listing
        .found
        .into_iter()
        .find(|lease| lease.key == pod.launch_key)
    {
        Some(lease) => Ok(Some(lease)),
        None if listing.heard.speaks_of(host) => Ok(None),
        None => Err(SupplierError::Transient {
            message: match host {
                Some(host) => format!("host {host} does not say what it has"),
                None => format!("{} does not say what it has", pod.supplier()),
            },
        }),
    }
}

/// Asks the supplier; what was never made is absent. What a launch made whose answer was lost gets
/// its foreign id here, so that it can be stopped and is never launched again.
pub(super) async fn ask(services: &Services, pod: &mut Pod) -> Result<Seen, SupplierError> {
    let Some(lease) = find_lease(services, pod).await? else {
        return Ok(Observed::Absent.into());
    };
    pod.foreign_id
        .get_or_insert_with(|| lease.foreign_id.clone());
    let Ok(supplier) = services.supplier(pod.supplier()) else {
        return Ok(Observed::Absent.into());
    };
    let answer = supplier.observe(&lease).await?;
    Ok(Seen {
        observed: answer.state,
        detail: answer.detail,
        ran: answer.ran,
    })
}

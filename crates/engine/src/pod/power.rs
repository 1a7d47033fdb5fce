//! Suppliers that cannot stop machines: what asks for a stop there is refused, and not forgotten.

use crate::error::Error;
use crate::services::Services;
use livery_domain::offer::SupplierName;
use livery_domain::pod::{PodPolicy, StopPower};

/// Returns whether a supplier can stop machines; of one that is not set up here nothing is concluded.
pub(crate) fn stop_power(services: &Services, supplier: &SupplierName) -> StopPower {
    match services.supplier(supplier) {
        Ok(supplier) if supplier.stopping().is_none() => StopPower::Lacks,
        Ok(_) | Err(_) => StopPower::Has,
    }
}

/// Refuses a policy of a pod's own that its supplier cannot keep.
pub(crate) fn check_power(
    services: &Services,
    supplier: &SupplierName,
    policy: &PodPolicy,
) -> Result<(), Error> {
    match stop_power(services, supplier) {
        StopPower::Lacks if policy.stops() => Err(Error::Invalid(format!(
            "supplier {supplier} cannot stop machines; say when the pod is to be terminated instead: \
             `--terminate-after`, or `--idle-action terminate`"
        ))),
        StopPower::Has | StopPower::Lacks => Ok(()),
    }
}

/// Refuses to stop a pod that can only be ended.
pub(super) fn check_stop(services: &Services, supplier: &SupplierName) -> Result<(), Error> {
    match stop_power(services, supplier) {
        StopPower::Has => Ok(()),
        StopPower::Lacks => Err(Error::Invalid(format!(
            "supplier {supplier} cannot stop machines, so the pod would run on and cost; `livery pod \
             terminate` ends it, with all that is on its disks"
        ))),
    }
}

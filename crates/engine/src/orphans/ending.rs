//! Ending an orphan, and telling whom it concerns.

use crate::error::Error;
use crate::reminders;
use crate::services::Services;
use livery_domain::orphan::{Orphan, OrphanKind};
use livery_domain::pod::Observed;
use livery_domain::reminder::{Notice, NoticeKind};
use livery_store::Credit;
use livery_supplier::{Lease, Supplier};
use livery_units::{AccountId, RunId};

/// Asks the supplier to end an orphan, and records how far that came. It is gone when the supplier
/// says so; until then every sweep asks again.
pub(super) async fn end(
    services: &Services,
    supplier: &dyn Supplier,
    orphan: &Orphan,
) -> Result<(), Error> {
    let lease = Lease {
        key: orphan.key.clone(),
        foreign_id: orphan.foreign_id.clone(),
    };
    tracing::warn!(supplier = %orphan.supplier, lease = %orphan.foreign_id, key = %orphan.key, kind = %orphan.kind, "ending a lease that nobody owns");
    let asked = supplier.terminate(&lease).await;
    let words = match &asked {
        Ok(()) => match supplier.observe(&lease).await {
            Ok(seen) if seen.state == Observed::Absent => {
                services.store.orphan_gone(orphan, services.now()).await?;
                services.announce();
                return Ok(());
            }
            Ok(seen) => format!("asked to end, and still {}", seen.state),
            Err(error) => format!("asked to end; whether it is gone is not known: {error}"),
        },
        Err(error) => {
            tracing::warn!(supplier = %orphan.supplier, lease = %orphan.foreign_id, %error, "an orphan was not ended");
            format!("it could not be ended yet: {error}")
        }
    };
    let detailed = Orphan {
        detail: Some(words),
        last_seen: services.now(),
        ..orphan.clone()
    };
    services.store.orphan_saw(&detailed).await?;
    Ok(asked?)
}

/// Tells the account whose pod it was, or the control plane's owners, once.
pub(super) async fn tell(services: &Services, orphan: &Orphan) {
    let message = words(orphan, run_of(services, orphan).await.as_ref());
    let accounts = match &orphan.account {
        Some(account) => vec![account.clone()],
        None => owners(services).await,
    };
    for account in accounts {
        let notice = Notice {
            // What comes back after it was gone is told again.
            key: format!(
                "orphan {} {} {}",
                orphan.kind,
                orphan.foreign_id,
                orphan.first_seen.millis()
            ),
            account,
            pod: orphan.pod.clone(),
            kind: NoticeKind::Orphan,
            message: message.clone(),
            at: services.now(),
        };
        reminders::tell(services, notice).await;
    }
}

async fn owners(services: &Services) -> Vec<AccountId> {
    let accounts = services.store.account_list().await.unwrap_or_default();
    let owners = accounts.into_iter().filter(|account| match account.credit {
        Credit::Owner => true,
        Credit::Prepaid => false,
    });
    owners.map(|account| account.id).collect()
}

/// Returns the run whose pod it is: that pod ends with its run.
pub(super) async fn run_of(services: &Services, orphan: &Orphan) -> Option<RunId> {
    let pod = orphan.pod.as_ref()?;
    services.store.pod_fetch(pod).await.ok()?.run
}

fn words(orphan: &Orphan, run: Option<&RunId>) -> String {
    let Orphan {
        supplier,
        foreign_id,
        key,
        ..
    } = orphan;
    let pod = orphan.pod.as_ref().map(ToString::to_string);
    let pod = pod.unwrap_or_default();
    let why = orphan.detail.as_ref();
    let why = why.map_or(String::new(), |why| format!(" ({why})"));
    match orphan.kind {
        OrphanKind::Ended => format!(
            "{supplier} still has {foreign_id} of pod {pod}, which has ended{why}; it is asked to \
             end it until it is gone. See `livery orphans`"
        ),
        OrphanKind::Double => format!(
            "{supplier} made {foreign_id} for pod {pod} beside the one that the pod has{why}; it is \
             asked to end it until it is gone. See `livery orphans`"
        ),
        OrphanKind::Unknown => format!(
            "{supplier} has {foreign_id}, which carries a launch key that this control plane does \
             not know{why}. If no other control plane owns it, end it: `livery orphans end {key}`"
        ),
        OrphanKind::Missing => {
            let end = match run {
                Some(run) => format!("Its run sees to it; `livery cancel {run}` ends that too"),
                None => format!("Terminate it: `livery pod terminate {pod}`"),
            };
            format!(
                "pod {pod} is no longer at {supplier}{why}. Its running time is not charged any \
                 more; what was on its disks is lost. {end}"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_domain::offer::SupplierName;
    use livery_units::{LaunchKey, PodId, Timestamp};

    #[test]
    fn a_missing_pod_is_closed_by_whoever_ends_it() {
        let (pod, run) = (PodId::from_entropy(1), RunId::from_entropy(2));
        let orphan = Orphan {
            supplier: SupplierName::new("cloud"),
            key: LaunchKey::from_entropy(1),
            foreign_id: "machine".to_owned(),
            kind: OrphanKind::Missing,
            pod: Some(pod.clone()),
            account: None,
            first_seen: Timestamp::from_millis(0),
            last_seen: Timestamp::from_millis(0),
            end_asked: None,
            gone: None,
            detail: None,
        };
        let said = words(&orphan, None);
        assert!(said.ends_with(&format!("`livery pod terminate {pod}`")));
        let said = words(&orphan, Some(&run));
        assert!(said.contains(&format!("`livery cancel {run}`")), "{said}");
        assert!(!said.contains("pod terminate"), "a run's pod refuses that");
    }
}

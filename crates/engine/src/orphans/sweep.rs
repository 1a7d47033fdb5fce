//! One supplier's list compared with the rows.

use super::ending::{end, tell};
use crate::error::Error;
use crate::pod;
use crate::services::Services;
use futures_util::StreamExt;
use livery_domain::offer::SupplierName;
use livery_domain::orphan::{
    Listed, Orphan, OrphanKind, Remedy, is_missing, judge_lease, should_be_listed,
};
use livery_domain::pod::{Phase, Pod};
use livery_store::Which;
use livery_supplier::{Heard, Lease, Supplier};
use livery_units::{HostId, LaunchKey};
use std::collections::{BTreeMap, BTreeSet};

/// Calls to one supplier at once.
const AT_ONCE: usize = 8;

/// The rows of all pods that have not ended, read before any supplier was asked.
pub(crate) struct Rows {
    by_key: BTreeMap<LaunchKey, Pod>,
}

impl Rows {
    pub(crate) async fn read(services: &Services) -> Result<Self, Error> {
        let live = services.store.pod_list(None, Which::Live).await?;
        let keyed = live.into_iter().map(|pod| (pod.launch_key.clone(), pod));
        Ok(Self {
            by_key: keyed.collect(),
        })
    }

    /// Returns the row with a key, living or ended. Most are in memory; what began or ended since
    /// they were read is asked for.
    async fn of_key(&self, services: &Services, key: &LaunchKey) -> Result<Option<Pod>, Error> {
        match self.by_key.get(key) {
            Some(pod) => Ok(Some(pod.clone())),
            None => Ok(services.store.pod_by_key(key).await?),
        }
    }
}

/// What a sweep found and did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Swept {
    /// Leases that were listed.
    pub(crate) leases: u64,
    /// Of those, the ones that no row stands behind.
    pub(crate) orphans: u64,
    /// Orphans that their supplier was asked to end.
    pub(crate) ended: u64,
    /// Pods that should be there and are not.
    pub(crate) missing: u64,
    /// Orphans that could not be ended, and leases and pods of which the store cannot say what they
    /// are.
    pub(crate) failed: u64,
    /// Hosts that did not say what they have: nothing is concluded about that.
    pub(crate) silent: BTreeSet<HostId>,
}

impl Swept {
    pub(crate) fn add(&mut self, other: Self) {
        self.leases += other.leases;
        self.orphans += other.orphans;
        self.ended += other.ended;
        self.missing += other.missing;
        self.failed += other.failed;
        self.silent.extend(other.silent);
    }
}

/// What one look at a supplier gave.
struct Look<'s> {
    supplier: &'s dyn Supplier,
    name: &'s SupplierName,
    /// What was listed.
    listed: BTreeMap<(LaunchKey, String), Lease>,
    /// Whose machines the list speaks of.
    heard: Heard,
    found: Vec<Orphan>,
    /// Keys of pods about which the supplier was silent: nothing is concluded about them.
    silent: BTreeSet<LaunchKey>,
    /// How many leases and pods the store could not say anything about.
    failed: u64,
}

/// Sweeps one supplier. One that cannot say what it has ends the sweep, and of a host that cannot
/// nothing is concluded.
pub(crate) async fn sweep(
    services: &Services,
    rows: &Rows,
    name: &SupplierName,
) -> Result<Swept, Error> {
    let supplier = services.supplier(name)?;
    let listing = supplier.list().await?;
    let silent: BTreeSet<HostId> = listing.heard.silent().cloned().collect();
    // Some suppliers list what moves between two of their pages twice.
    let listed = listing.found.into_iter();
    let listed = listed.map(|lease| ((lease.key.clone(), lease.foreign_id.clone()), lease));
    let mut look = Look {
        supplier: &**supplier,
        name,
        listed: listed.collect(),
        heard: listing.heard,
        found: Vec::new(),
        silent: BTreeSet::new(),
        failed: 0,
    };
    let leases = u64::try_from(look.listed.len()).unwrap_or(u64::MAX);
    look.at_leases(services, rows).await;
    look.at_pods(services, rows).await;
    let mut swept = take_in(services, look).await?;
    swept.leases = leases;
    swept.silent = silent;
    Ok(swept)
}

impl Look<'_> {
    /// Judges every lease by its row. Of one whose row cannot be read nothing is concluded.
    async fn at_leases(&mut self, services: &Services, rows: &Rows) {
        for lease in self.listed.values() {
            let row = match rows.of_key(services, &lease.key).await {
                Ok(row) => row,
                Err(error) => {
                    tracing::warn!(supplier = %self.name, lease = %lease.foreign_id, %error, "whose lease this is cannot be said");
                    self.failed += 1;
                    self.silent.insert(lease.key.clone());
                    continue;
                }
            };
            let own = |foreign_id: &str| match self
                .listed
                .contains_key(&(lease.key.clone(), foreign_id.to_owned()))
            {
                true => Listed::Yes,
                false => Listed::No,
            };
            if let Some(kind) = judge_lease(self.name, &lease.foreign_id, row.as_ref(), own) {
                let orphan = orphan(services, self.name, lease, kind, row.as_ref());
                self.found.push(orphan);
            }
        }
    }

    /// Looks for the lease of every pod.
    async fn at_pods(&mut self, services: &Services, rows: &Rows) {
        let listed: BTreeSet<LaunchKey> = self.listed.keys().map(|(key, _)| key.clone()).collect();
        let name = self.name;
        for pod in rows.by_key.values().filter(|pod| pod.supplier() == name) {
            if let Err(error) = self.at_pod(services, pod, &listed).await {
                tracing::warn!(supplier = %name, pod.id = %pod.id, %error, "whether a pod is missing cannot be said");
                self.failed += 1;
                self.silent.insert(pod.launch_key.clone());
            }
        }
    }

    /// Notes a pod that its supplier says is not there. Not being listed is only a reason to ask: lists
    /// may be late.
    async fn at_pod(
        &mut self,
        services: &Services,
        row: &Pod,
        listed: &BTreeSet<LaunchKey>,
    ) -> Result<(), Error> {
        if row.phase() != Phase::Lost {
            if listed.contains(&row.launch_key) || !should_be_listed(row) {
                return Ok(());
            }
            if !self.heard.speaks_of(row.offer.host.as_ref()) {
                self.silent.insert(row.launch_key.clone());
                return Ok(());
            }
            match self.supplier.observe(&pod::lease_of(row)).await {
                Ok(seen) if is_missing(seen.state) => pod::look_again(services, &row.id).await?,
                Ok(_) => return Ok(()),
                Err(_) => {
                    self.silent.insert(row.launch_key.clone());
                    return Ok(());
                }
            }
        }
        // It may have been terminated meanwhile, and then it is where it should be.
        let row = services.store.pod_fetch(&row.id).await?;
        if row.ended.is_none() && (row.phase() == Phase::Lost || should_be_listed(&row)) {
            let lease = pod::lease_of(&row);
            let kind = OrphanKind::Missing;
            let mut missing = orphan(services, self.name, &lease, kind, Some(&row));
            missing.detail = row.reason.clone();
            self.found.push(missing);
        }
        Ok(())
    }

    /// Returns whether what was found earlier is there no more: the supplier's list would have it.
    fn is_gone(&self, before: &Orphan) -> bool {
        let is_same =
            |now: &Orphan| (&now.key, &now.foreign_id) == (&before.key, &before.foreign_id);
        if self.found.iter().any(is_same) || self.silent.contains(&before.key) {
            return false;
        }
        let lease = Lease {
            key: before.key.clone(),
            foreign_id: before.foreign_id.clone(),
        };
        match before.kind {
            // The row says how it is.
            OrphanKind::Missing => true,
            OrphanKind::Ended | OrphanKind::Double | OrphanKind::Unknown => {
                let host = self.supplier.host_of(&lease);
                self.heard.speaks_of(host.as_ref())
            }
        }
    }
}

fn orphan(
    services: &Services,
    supplier: &SupplierName,
    lease: &Lease,
    kind: OrphanKind,
    row: Option<&Pod>,
) -> Orphan {
    let now = services.now();
    Orphan {
        supplier: supplier.clone(),
        key: lease.key.clone(),
        foreign_id: lease.foreign_id.clone(),
        kind,
        pod: row.map(|pod| pod.id.clone()),
        account: row.map(|pod| pod.account.clone()),
        first_seen: now,
        last_seen: now,
        end_asked: None,
        gone: None,
        detail: None,
    }
}

/// Records what was found, ends what may be ended, tells what is worth telling, and records that
/// what was found earlier is there no more.
async fn take_in(services: &Services, look: Look<'_>) -> Result<Swept, Error> {
    let known = services.store.orphan_list(Which::Live).await?;
    for before in known.iter().filter(|orphan| orphan.supplier == *look.name) {
        if look.is_gone(before) {
            services.store.orphan_gone(before, services.now()).await?;
        }
    }
    let supplier = look.supplier;
    let tenants = supplier.info().tenants;
    let remedied = futures_util::stream::iter(look.found).map(|found| async move {
        let mut swept = Swept::default();
        let orphan = services.store.orphan_saw(&found).await?;
        match orphan.kind {
            OrphanKind::Missing => swept.missing += 1,
            OrphanKind::Ended | OrphanKind::Double | OrphanKind::Unknown => swept.orphans += 1,
        }
        match orphan.remedy(tenants) {
            Remedy::Report => {}
            Remedy::End => match end(services, supplier, &orphan).await {
                Ok(()) => swept.ended += 1,
                Err(_) => swept.failed += 1,
            },
        }
        if orphan.is_worth_telling(services.now()) {
            tell(services, &orphan).await;
        }
        Ok::<Swept, Error>(swept)
    });
    let mut remedied = remedied.buffer_unordered(AT_ONCE);
    let mut all = Swept {
        failed: look.failed,
        ..Swept::default()
    };
    while let Some(swept) = remedied.next().await {
        all.add(swept?);
    }
    Ok(all)
}

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
use livery_supplier::{Lease, Supplier};
use livery_units::LaunchKey;
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
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Swept {
    /// Leases that were listed.
    pub(crate) leases: u64,
    /// Of those, the ones that no row stands behind.
    pub(crate) orphans: u64,
    /// Orphans that their supplier was asked to end.
    pub(crate) ended: u64,
    /// Pods that should be there and are not.
    pub(crate) missing: u64,
    /// Orphans that could not be ended.
    pub(crate) failed: u64,
}

impl Swept {
    pub(crate) fn add(&mut self, other: Self) {
        self.leases += other.leases;
        self.orphans += other.orphans;
        self.ended += other.ended;
        self.missing += other.missing;
        self.failed += other.failed;
    }
}

/// What one look at a supplier gave.
#[derive(Default)]
struct Look {
    found: Vec<Orphan>,
    /// Keys of pods about which the supplier was silent: nothing is concluded about them.
    silent: BTreeSet<LaunchKey>,
}

/// Sweeps one supplier. One that cannot say what it has, or a store that cannot say what it knows,
/// ends the sweep: nothing is concluded from either.
pub(crate) async fn sweep(
    services: &Services,
    rows: &Rows,
    name: &SupplierName,
) -> Result<Swept, Error> {
    let supplier = services.supplier(name)?;
    let listed = supplier.list().await?;
    // Some suppliers list what moves between two of their pages twice.
    let listed: BTreeMap<(LaunchKey, String), Lease> = listed
        .into_iter()
        .map(|lease| ((lease.key.clone(), lease.foreign_id.clone()), lease))
        .collect();
    let mut look = Look::default();
    for lease in listed.values() {
        let row = rows.of_key(services, &lease.key).await?;
        let own = |foreign_id: &str| match listed
            .contains_key(&(lease.key.clone(), foreign_id.to_owned()))
        {
            true => Listed::Yes,
            false => Listed::No,
        };
        if let Some(kind) = judge_lease(name, &lease.foreign_id, row.as_ref(), own) {
            look.found
                .push(orphan(services, name, lease, kind, row.as_ref()));
        }
    }
    let listed_keys: BTreeSet<&LaunchKey> = listed.keys().map(|(key, _)| key).collect();
    let own = rows.by_key.values().filter(|pod| pod.supplier() == name);
    for pod in own {
        look_for(services, &**supplier, pod, &listed_keys, &mut look).await?;
    }
    let mut swept = take_in(services, &**supplier, look, name).await?;
    swept.leases = u64::try_from(listed.len()).unwrap_or(u64::MAX);
    Ok(swept)
}

/// Notes a pod that its supplier says is not there. Not being listed is only a reason to ask: lists
/// may be late.
async fn look_for(
    services: &Services,
    supplier: &dyn Supplier,
    row: &Pod,
    listed: &BTreeSet<&LaunchKey>,
    look: &mut Look,
) -> Result<(), Error> {
    if row.phase() != Phase::Lost {
        if listed.contains(&row.launch_key) || !should_be_listed(row) {
            return Ok(());
        }
        match supplier.observe(&pod::lease_of(row)).await {
            Ok(seen) if is_missing(seen.state) => pod::look_again(services, &row.id).await?,
            Ok(_) => return Ok(()),
            Err(_) => {
                look.silent.insert(row.launch_key.clone());
                return Ok(());
            }
        }
    }
    // It may have been terminated meanwhile, and then it is where it should be.
    let row = services.store.pod_fetch(&row.id).await?;
    if row.ended.is_none() && (row.phase() == Phase::Lost || should_be_listed(&row)) {
        let name = row.supplier().clone();
        let lease = pod::lease_of(&row);
        let mut missing = orphan(services, &name, &lease, OrphanKind::Missing, Some(&row));
        missing.detail = row.reason.clone();
        look.found.push(missing);
    }
    Ok(())
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
async fn take_in(
    services: &Services,
    supplier: &dyn Supplier,
    look: Look,
    name: &SupplierName,
) -> Result<Swept, Error> {
    let known = services.store.orphan_list(Which::Live).await?;
    let is_same = |one: &Orphan, other: &Orphan| {
        (&one.key, &one.foreign_id) == (&other.key, &other.foreign_id)
    };
    for before in known.iter().filter(|orphan| orphan.supplier == *name) {
        let is_there = look.found.iter().any(|now| is_same(now, before));
        if !is_there && !look.silent.contains(&before.key) {
            services.store.orphan_gone(before, services.now()).await?;
        }
    }
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
    let mut all = Swept::default();
    while let Some(swept) = remedied.next().await {
        all.add(swept?);
    }
    Ok(all)
}

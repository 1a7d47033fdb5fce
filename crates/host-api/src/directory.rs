//! The hosts that are connected to a control plane.

use crate::Host;
use livery_units::HostId;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The hosts that are connected now, by id. Clones share one list.
#[derive(Clone, Default)]
pub struct HostDirectory {
    hosts: Arc<RwLock<BTreeMap<HostId, Arc<dyn Host>>>>,
}

impl HostDirectory {
    /// Makes an empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a host; one that was there under the same id is replaced and returned.
    pub fn add(&self, id: HostId, host: Arc<dyn Host>) -> Option<Arc<dyn Host>> {
        self.hosts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, host)
    }

    /// Takes a host out and returns it, if it was there.
    pub fn remove(&self, id: &HostId) -> Option<Arc<dyn Host>> {
        self.hosts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id)
    }

    /// Returns a host, if it is connected.
    pub fn get(&self, id: &HostId) -> Option<Arc<dyn Host>> {
        self.hosts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    /// Returns all hosts, ordered by id.
    pub fn list(&self) -> Vec<(HostId, Arc<dyn Host>)> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts
            .iter()
            .map(|(id, host)| (id.clone(), Arc::clone(host)))
            .collect()
    }
}

impl std::fmt::Debug for HostDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(hosts.keys()).finish()
    }
}

//! When each supplier last said what it has. Only this process's own sweeps count.

use crate::error::Error;
use livery_domain::offer::SupplierName;
use livery_units::{HostId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

type Sweep = (Timestamp, Result<(), String>);

/// The last sweep of every supplier.
#[derive(Default)]
pub(crate) struct SweepLog(Mutex<BTreeMap<SupplierName, Sweep>>);

impl SweepLog {
    /// Notes a sweep that began then, with the hosts that did not say what they have.
    pub(crate) fn note(
        &self,
        name: &SupplierName,
        began: Timestamp,
        silent: Result<&BTreeSet<HostId>, &Error>,
    ) {
        let outcome = match silent {
            Ok(silent) => all_heard(silent),
            Err(error) => Err(error.to_string()),
        };
        let mut sweeps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.insert(name.clone(), (began, outcome));
    }

    /// Returns when a supplier was last swept, and why that failed if it did.
    pub(crate) fn last(&self, name: &SupplierName) -> Option<Sweep> {
        let sweeps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.get(name).cloned()
    }
}

/// Hosts that are named.
const NAMED: usize = 3;

/// Says which hosts did not say what they have.
fn all_heard(silent: &BTreeSet<HostId>) -> Result<(), String> {
    if silent.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = silent.iter().take(NAMED).map(HostId::as_str).collect();
    let more = match silent.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(format!(
        "{}{more} did not say what they have; everything else was looked through",
        names.join(", ")
    ))
}

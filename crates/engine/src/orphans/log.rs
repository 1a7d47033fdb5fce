//! When each supplier last said what it has. Only this process's own sweeps count.

use super::sweep::Swept;
use crate::error::Error;
use livery_domain::offer::SupplierName;
use livery_units::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

type Sweep = (Timestamp, Result<(), String>);

/// The last sweep of every supplier.
#[derive(Default)]
pub(crate) struct SweepLog(Mutex<BTreeMap<SupplierName, Sweep>>);

impl SweepLog {
    /// Notes a sweep that began then.
    pub(crate) fn note(&self, name: &SupplierName, began: Timestamp, swept: &Result<Swept, Error>) {
        let outcome = match swept {
            Ok(_) => Ok(()),
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

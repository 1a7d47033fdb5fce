//! Who drives what in this process.
//!
//! A control plane claims with one token for life. When its own claim ran out unrenewed (the machine
//! slept, the clock was put forward) it claims the row again, finds that it still drives it, and
//! lets that driver go on.

use crate::services::fresh;
use livery_store::Error;
use livery_units::ClaimToken;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// The rows that this process drives, all under one claim token.
pub(crate) struct Driving<Id> {
    token: ClaimToken,
    ids: Arc<Mutex<HashSet<Id>>>,
}

impl<Id> Default for Driving<Id> {
    fn default() -> Self {
        Self {
            token: fresh::claim(),
            ids: Arc::default(),
        }
    }
}

impl<Id: Eq + Hash + Clone> Driving<Id> {
    /// Returns the token of every claim of this process.
    pub(crate) fn token(&self) -> &ClaimToken {
        &self.token
    }

    /// Takes the driver's seat for a row; `None` when somebody here sits in it.
    fn take(&self, id: Id) -> Option<Seat<Id>> {
        let fresh = self
            .ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone());
        fresh.then(|| Seat {
            id,
            ids: self.ids.clone(),
        })
    }

    /// Has each claimed row driven in a task of its own, unless somebody here is at it, and says how
    /// many were claimed.
    pub(crate) fn take_up<Row, Driver>(
        &self,
        claimed: Result<Vec<Row>, Error>,
        id: impl Fn(&Row) -> Id,
        drive: impl Fn(Row, ClaimToken, Seat<Id>) -> Driver,
    ) -> Value
    where
        Driver: Future<Output = ()> + Send + 'static,
    {
        let claimed = match claimed {
            Ok(claimed) => claimed,
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let count = claimed.len();
        for row in claimed {
            if let Some(seat) = self.take(id(&row)) {
                tokio::spawn(drive(row, self.token.clone(), seat));
            }
        }
        json!({ "claimed": count, "driving": self.count() })
    }

    /// Returns how many rows are driven now.
    fn count(&self) -> usize {
        self.ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

/// The driver's seat of one row; free again when it is dropped.
pub(crate) struct Seat<Id: Eq + Hash> {
    id: Id,
    ids: Arc<Mutex<HashSet<Id>>>,
}

impl<Id: Eq + Hash> Drop for Seat<Id> {
    fn drop(&mut self) {
        self.ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_taken_once_and_free_when_left() {
        let driving: Driving<u32> = Driving::default();
        let seat = driving.take(1);
        assert!(seat.is_some() && driving.take(1).is_none());
        assert_eq!(driving.count(), 1);
        drop(seat);
        assert!(driving.take(1).is_some());
    }
}

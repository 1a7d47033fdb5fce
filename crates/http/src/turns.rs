//! How many bodies of one account are in memory at once. Each is bounded, and without this a tenant who
//! sends a thousand of them at a time, or takes no answer, would still fill the memory of all.

use http::Extensions;
use livery_units::AccountId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies of JSON that are read at once: no more than 2 MiB each.
const READ_AT_ONCE: usize = 64;

/// Transfers of content at once. A client has three, and each has a few frames of 8 MiB in memory.
const TRANSFERS_AT_ONCE: usize = 16;

/// The turns of all accounts; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllTurns(Arc<Mutex<HashMap<AccountId, Turns>>>);

impl AllTurns {
    /// Returns the turns of an account.
    pub(crate) fn of(&self, account: &AccountId) -> Turns {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(account) {
            Some(turns) => turns.clone(),
            None => all.entry(account.clone()).or_default().clone(),
        }
    }
}

/// The turns of one account; part of each of its requests.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    read: Arc<Semaphore>,
    transfer: Arc<Semaphore>,
}

/// One turn, until it is dropped.
pub(crate) struct Turn(#[expect(dead_code, reason = "it is only held")] OwnedSemaphorePermit);

impl Default for Turns {
    fn default() -> Self {
        Self {
            read: Arc::new(Semaphore::new(READ_AT_ONCE)),
            transfer: Arc::new(Semaphore::new(TRANSFERS_AT_ONCE)),
        }
    }
}

impl Turns {
    /// Waits for the account's turn to have a body read.
    pub(crate) async fn read(&self) -> Option<Turn> {
        turn(&self.read).await
    }

    /// Waits for the account's turn to send or to be sent content.
    pub(crate) async fn transfer(&self) -> Option<Turn> {
        turn(&self.transfer).await
    }

    /// Returns the turns of the account that asks; requests without an account have none.
    pub(crate) fn of_request(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned()
    }
}

/// None only of a closed semaphore, and these are never closed.
async fn turn(of: &Arc<Semaphore>) -> Option<Turn> {
    Arc::clone(of).acquire_owned().await.ok().map(Turn)
}

//! Orphans: leases that no row stands behind, and rows whose lease is not there.
//!
//! A lease whose row has ended is ended again. A lease with a key that the store does not know is
//! ended unasked only at a supplier where nobody else launches; elsewhere it is reported, and ended
//! when its owner says so. A pod whose lease is not listed is asked after: only the supplier's own
//! word about it makes it missing, and its row is then looked at again at once, so that its bill
//! stops.

mod ending;
mod log;
mod sweep;

pub(crate) use log::SweepLog;
pub(crate) use sweep::{Rows, Swept, sweep};

use crate::engine::Engine;
use crate::error::Error;
use livery_domain::orphan::{Orphan, OrphanKind};
use livery_store::Which;

impl Engine {
    /// Returns what suppliers have that no row stands behind and the other way round, the newest
    /// first; [`Which::All`] has those of the last month that are gone.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn orphan_list(&self, which: Which) -> Result<Vec<Orphan>, Error> {
        Ok(self.services.store.orphan_list(which).await?)
    }

    /// Asks for the end of an orphan, named by its launch key or its supplier's own id; the sweep
    /// sees to it. Asking again changes nothing.
    ///
    /// # Errors
    /// [`Error::OrphanNotFound`] when no orphan is named so; [`Error::Invalid`] when it is a pod
    /// that is missing, of which there is nothing to end.
    pub async fn orphan_end(&self, key_or_foreign_id: &str) -> Result<Vec<Orphan>, Error> {
        let services = &self.services;
        let named = |orphan: &Orphan| {
            orphan.key.as_str() == key_or_foreign_id || orphan.foreign_id == key_or_foreign_id
        };
        let all = services.store.orphan_list(Which::Live).await?;
        let found: Vec<Orphan> = all.into_iter().filter(|orphan| named(orphan)).collect();
        if found.is_empty() {
            return Err(Error::OrphanNotFound(key_or_foreign_id.to_owned()));
        }
        if found
            .iter()
            .all(|orphan| orphan.kind == OrphanKind::Missing)
        {
            let pod = found[0].pod.as_ref().map(ToString::to_string);
            let close = match ending::run_of(services, &found[0]).await {
                Some(run) => format!("livery cancel {run}"),
                None => format!("livery pod terminate {}", pod.unwrap_or_default()),
            };
            return Err(Error::Invalid(format!(
                "`{key_or_foreign_id}` does not exist at its supplier, so there is nothing to end; \
                 `{close}` closes its row"
            )));
        }
        let now = services.now();
        services
            .store
            .orphan_end_ask(key_or_foreign_id, now)
            .await?;
        services.board.orphans.notify_one();
        let all = services.store.orphan_list(Which::Live).await?;
        Ok(all.into_iter().filter(|orphan| named(orphan)).collect())
    }
}

//! Calls about ending everything, and about what nobody owns.

use super::{Client, part, query};
use crate::Error;
use crate::dto::{OrphanList, Panic, PanicReport, Which, WhichQuery};

impl Client {
    /// Ends everything that the caller has, and says of each thing how far that is. Asking again
    /// with the moment of the first answer changes nothing and says how it goes on.
    pub async fn panic(&self, panic: &Panic) -> Result<PanicReport, Error> {
        self.post_json("/v1/panic", panic).await
    }

    /// Returns what suppliers have that nobody owns, and what they should have and do not.
    pub async fn orphans(&self, which: Which) -> Result<OrphanList, Error> {
        self.get(&query("/v1/orphans", &WhichQuery { which })).await
    }

    /// Asks for the end of an orphan, named by its launch key, its supplier's own id or, of a volume, its id.
    pub async fn orphan_end(&self, orphan: &str) -> Result<OrphanList, Error> {
        self.post(&format!("/v1/orphans/{}/end", part(orphan)))
            .await
    }
}

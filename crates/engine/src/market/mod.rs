//! Prices: the catalogue's rows and the suppliers' live offers, as one market.
//!
//! A supplier that is set up here and answers is taken at its word: its offers stand for it, and its
//! rows in the catalogue do not count. One that does not answer keeps its rows, and they say so. All
//! others are there by their rows, for comparing.

mod advice;
mod catalogue;
mod counting;
mod entry;
mod error;
mod inquiry;
mod search;
mod stock;
mod unsold;

pub use advice::Advised;
pub(crate) use catalogue::Keeper;
pub use catalogue::{CatalogueOrigin, Catalogued};
pub use entry::{Entry, Stance};
pub use error::MarketError;
pub use inquiry::{Answer, Inquiry, Wanted};
pub use search::{GpuOnSale, Search, Seller, Sought};
pub use stock::{Market, Stand};

use crate::engine::Engine;
use crate::error::Error;
use crate::run::{Forecast, forecast, read_job};
use livery_catalogue::{Bundle, Checksum};
use livery_domain::market::{Task, ThisMachine, Untold};
use livery_domain::placement::Need;
use livery_domain::run::Submission;
use livery_units::{AccountId, Span, Timestamp};

impl Engine {
    /// Returns everything that is for sale, as it stands now.
    ///
    /// # Errors
    /// [`Error::Market`] when the catalogue cannot be read, [`Error::Store`] when the store fails.
    pub async fn market(&self) -> Result<Market, Error> {
        stock::take(&self.services).await
    }

    /// Returns every type of GPU with those who have it, from the cheapest on.
    ///
    /// # Errors
    /// As [`Engine::market`].
    pub async fn gpus(&self) -> Result<Vec<GpuOnSale>, Error> {
        Ok(search::gpus(&self.market().await?))
    }

    /// Returns what can be rented now, sought by a need, a filter and an order.
    ///
    /// # Errors
    /// As [`Engine::market`].
    pub async fn seek(&self, need: &Need, search: &Search) -> Result<Sought, Error> {
        let catalogue = self
            .services
            .catalogue
            .current(&self.services.store)
            .await?;
        let offers = self.services.offers().await;
        Ok(search::seek(
            &catalogue.list.catalogue,
            offers,
            need,
            search,
        ))
    }

    /// Returns offers and listings of everybody, filtered and sorted.
    pub fn browse(&self, market: &Market, search: &Search) -> Vec<Entry> {
        search::browse(market, search)
    }

    /// Returns how many offers and listings a search leaves out only because they do not tell what it
    /// asks for.
    pub fn untold(&self, market: &Market, search: &Search) -> Untold {
        search::untold(market, search)
    }

    /// Says whether a machine will do for a training, and who has the cheapest that will.
    pub fn advise(&self, market: &Market, task: &Task, machine: &ThisMachine) -> Advised {
        advice::advise(market, task, machine)
    }

    /// Returns what a job will cost on the best offer there is; none when no offer fits.
    ///
    /// # Errors
    /// [`Error::BudgetTooSmall`] when its budget cannot be kept, [`Error::JobFile`] when the job file
    /// has mistakes.
    pub async fn forecast(
        &self,
        account: &AccountId,
        submission: &Submission,
        expected: Option<Span>,
    ) -> Result<Option<Forecast>, Error> {
        forecast(&self.services, account, &read_job(submission)?, expected).await
    }

    /// Returns what a job wants of a machine.
    ///
    /// # Errors
    /// [`Error::JobFile`] when the job file has mistakes.
    pub fn wanted(&self, submission: &Submission) -> Result<Wanted, Error> {
        Ok(Wanted::job(&read_job(submission)?))
    }

    /// Returns what work costs with every provider.
    ///
    /// # Errors
    /// [`Error::Market`] when nobody sells what is wanted.
    pub fn inquire(&self, market: &Market, inquiry: &Inquiry) -> Result<Answer, Error> {
        Ok(inquiry::answer(market, inquiry)?)
    }

    /// Returns the time by which figures are dated.
    pub fn now(&self) -> Timestamp {
        self.services.now()
    }

    /// Returns the catalogue as it stands.
    ///
    /// # Errors
    /// As [`Engine::market`].
    pub async fn catalogue(&self) -> Result<Catalogued, Error> {
        self.services.catalogue.current(&self.services.store).await
    }

    /// Takes a bundle in place of the catalogue, when it is the one of that checksum and has no
    /// mistake.
    ///
    /// # Errors
    /// [`Error::Market`] when it is rejected; then the catalogue stays as it is.
    pub async fn catalogue_replace(
        &self,
        bundle: Bundle,
        checksum: Checksum,
    ) -> Result<Catalogued, Error> {
        let services = &self.services;
        let keeper = &services.catalogue;
        keeper
            .replace(&services.store, bundle, checksum, services.now())
            .await
    }

    /// Goes back to the built-in catalogue.
    ///
    /// # Errors
    /// [`Error::Store`] when the store fails.
    pub async fn catalogue_reset(&self) -> Result<Catalogued, Error> {
        self.services.catalogue.reset(&self.services.store).await
    }
}

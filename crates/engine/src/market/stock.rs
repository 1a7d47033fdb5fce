//! What is for sale now: asks every supplier, and lays the catalogue's rows beside.

use super::MarketError;
use super::entry::{self, Entry, Stance};
use crate::error::Error;
use crate::market::Catalogued;
use crate::services::Services;
use livery_domain::market::{RowMaker, is_same_supplier};
use livery_domain::offer::SupplierName;
use livery_units::Timestamp;
use std::collections::BTreeMap;

/// Everything that is for sale.
#[derive(Debug, Clone)]
pub struct Market {
    /// The catalogue.
    pub catalogue: Catalogued,
    /// Every price.
    pub entries: Vec<Entry>,
    /// How the suppliers that are set up here answered.
    pub suppliers: BTreeMap<SupplierName, Stand>,
    /// When they were asked.
    pub asked: Timestamp,
}

/// How a supplier answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// With its offers.
    Answered,
    /// Not at all; what went wrong.
    Silent(String),
}

impl Market {
    /// Returns the provider of that name, as people write it or as it is called here.
    ///
    /// # Errors
    /// [`MarketError::UnknownSupplier`] when there is none.
    pub fn supplier(&self, name: &str) -> Result<SupplierName, MarketError> {
        let terms = &self.catalogue.list.catalogue.terms;
        let known = terms
            .iter()
            .map(|terms| (&terms.supplier, terms.title.as_str()));
        let set_up = self.suppliers.keys().map(|name| (name, name.as_str()));
        let mut all = known.chain(set_up);
        let is_it = |(supplier, title): &(&SupplierName, &str)| {
            is_same_supplier(supplier.as_str(), name) || is_same_supplier(title, name)
        };
        let found = all
            .clone()
            .find(is_it)
            .map(|(supplier, _)| supplier.clone());
        found.ok_or_else(|| {
            let mut names: Vec<&str> = all
                .by_ref()
                .map(|(supplier, _)| supplier.as_str())
                .collect();
            names.sort_unstable();
            names.dedup();
            MarketError::UnknownSupplier(name.to_owned(), names.join(", "))
        })
    }

    /// Returns a provider's name as people write it.
    pub fn title(&self, supplier: &SupplierName) -> String {
        let terms = self.catalogue.list.catalogue.terms_of(supplier);
        terms.map_or_else(|| supplier.to_string(), |terms| terms.title.clone())
    }
}

/// Asks everybody and returns what there is.
pub(super) async fn take(services: &Services) -> Result<Market, Error> {
    let catalogue = services.catalogue.current(&services.store).await?;
    let asked = services.now();
    let mut suppliers = BTreeMap::new();
    let mut offers = Vec::new();
    for (name, answer) in services.answers().await {
        let stand = match answer {
            Ok(more) => {
                offers.extend(more);
                Stand::Answered
            }
            Err(why) => Stand::Silent(why),
        };
        suppliers.insert(name, stand);
    }
    let known = &catalogue.list.catalogue;
    let mut entries = entry::live(known, offers);
    let mut maker = RowMaker::new(known);
    for listing in &known.listings {
        let boxed = Box::new(listing.clone());
        let stance = match suppliers.get(&listing.supplier) {
            Some(Stand::Answered) => continue,
            Some(Stand::Silent(_)) => Stance::Silent(boxed),
            None => Stance::NotEnabled(boxed),
        };
        let row = maker.listing(listing);
        entries.push(Entry { row, stance });
    }
    Ok(Market {
        catalogue,
        entries,
        suppliers,
        asked,
    })
}

//! An entry: one price of one thing, live or from the catalogue.

use livery_domain::gpu::Gpus;
use livery_domain::market::{Catalogue, Listing, Row, RowMaker};
use livery_domain::offer::Offer;
use livery_units::Timestamp;

/// One price, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// It as it is searched and sorted.
    pub row: Row,
    /// Where it is from.
    pub stance: Stance,
}

/// Where a price is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stance {
    /// A supplier offers it now.
    Live(Box<Offer>),
    /// It stands in the catalogue, and its supplier is set up here but did not answer.
    Silent(Box<Listing>),
    /// It stands in the catalogue, and its supplier is not set up here.
    NotEnabled(Box<Listing>),
}

impl Entry {
    /// Makes the entry of a live offer.
    pub(super) fn live(maker: &mut RowMaker<'_>, offer: Offer) -> Self {
        Self {
            row: maker.offer(&offer),
            stance: Stance::Live(Box::new(offer)),
        }
    }

    /// Returns the catalogue's row, if that is where the price is from.
    pub fn listing(&self) -> Option<&Listing> {
        match &self.stance {
            Stance::Live(_) => None,
            Stance::Silent(listing) | Stance::NotEnabled(listing) => Some(listing),
        }
    }

    /// Returns the machine's GPUs, in the words of whoever sells it.
    pub fn gpus(&self) -> Option<&Gpus> {
        match &self.stance {
            Stance::Live(offer) => offer.gpus.as_ref(),
            Stance::Silent(listing) | Stance::NotEnabled(listing) => listing.gpus.as_ref(),
        }
    }

    /// Returns whether the figure is older than 30 days.
    pub fn is_dated(&self, now: Timestamp) -> bool {
        self.listing().is_some_and(|row| row.is_dated(now))
    }

    /// Returns whether the price is one figure, and not where a published range begins.
    pub fn is_firm(&self) -> bool {
        self.listing().is_none_or(|row| row.price_high.is_none())
    }
}

/// Makes entries of live offers.
pub(super) fn live(catalogue: &Catalogue, offers: Vec<Offer>) -> Vec<Entry> {
    let mut maker = RowMaker::new(catalogue);
    let entries = offers.into_iter();
    entries
        .map(|offer| Entry::live(&mut maker, offer))
        .collect()
}

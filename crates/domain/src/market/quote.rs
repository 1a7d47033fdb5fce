//! One machine with all that is asked for using it: the price, and the terms that go with it.

use super::{Catalogue, Covers, Interruptions, Listing, Sale, Terms, Tflops};
use crate::gpu::Gpus;
use crate::offer::{Offer, Pricing, SupplierName, Tier};
use livery_units::{Day, Money, OfferId, Per, Rate, Span};

/// The compute capability of the first GPUs with tensor cores.
pub(super) const TENSOR_CORES: (u8, u8) = (7, 0);

/// Where a price comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The supplier said it just now, for this offer.
    Live(OfferId),
    /// The catalogue.
    Catalogue {
        /// Where the figure was published.
        source: String,
        /// The day on which it stood there.
        as_of: Day,
    },
}

/// A machine and what is asked for using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Who provides it.
    pub supplier: SupplierName,
    /// The supplier's name as people write it.
    pub title: String,
    /// The instance or machine type; empty where there is none.
    pub machine: String,
    /// Its GPUs; none for a CPU machine.
    pub gpus: Option<Gpus>,
    /// Where, in the supplier's own words.
    pub region: String,
    /// Datacentre, community or this machine.
    pub tier: Tier,
    /// How it is sold.
    pub sale: Sale,
    /// What the price covers.
    pub covers: Covers,
    /// What that costs.
    pub price: Rate,
    /// Disks while it is up, per GB; none where unknown.
    pub storage_running: Option<Rate>,
    /// Disks that are kept while it is stopped, per GB; none where unknown or not sold.
    pub storage_stopped: Option<Rate>,
    /// Network volumes, per GB; none where unknown or not sold.
    pub network_volume: Option<Rate>,
    /// Transfer out, per GB; none where unknown.
    pub egress: Option<Money>,
    /// Transfer in, per GB; none where unknown.
    pub ingress: Option<Money>,
    /// Time is charged in whole steps of this.
    pub increment: Span,
    /// The least time that is charged for a rental.
    pub minimum: Span,
    /// How often it is taken away, for spot machines; none where unknown.
    pub interruptions: Option<Interruptions>,
    /// How long it takes from the order to the first command.
    pub start_up: Span,
    /// Throughput of all its GPUs; none where unknown.
    pub tflops: Option<Tflops>,
    /// The CUDA compute capability of its GPUs; none where unknown.
    pub compute_capability: Option<(u8, u8)>,
    /// Where the price comes from.
    pub origin: Origin,
    /// The day on which the supplier's terms stood where they were published; none where it has none.
    pub terms_as_of: Option<Day>,
}

/// What the price of a machine is, before its supplier's terms are added.
struct Asked<'a> {
    supplier: &'a SupplierName,
    gpus: Option<&'a Gpus>,
    region: &'a str,
    tier: Tier,
    sale: Sale,
    price: Rate,
}

impl Quote {
    /// Makes a quote of a listing, with its supplier's terms.
    pub fn of_listing(listing: &Listing, catalogue: &Catalogue) -> Self {
        let asked = Asked {
            supplier: &listing.supplier,
            gpus: listing.gpus.as_ref(),
            region: &listing.region,
            tier: listing.tier,
            sale: listing.sale,
            price: listing.price,
        };
        let origin = Origin::Catalogue {
            source: listing.source.clone(),
            as_of: listing.as_of,
        };
        Self {
            machine: listing.machine.clone(),
            covers: listing.covers,
            ..asked.quote(origin, catalogue)
        }
    }

    /// Makes a quote of a live offer. What the offer says itself wins over the supplier's terms.
    pub fn of_offer(offer: &Offer, catalogue: &Catalogue) -> Self {
        let asked = Asked {
            supplier: &offer.supplier,
            gpus: offer.gpus.as_ref(),
            region: &offer.region,
            tier: offer.tier,
            sale: match offer.pricing {
                Pricing::OnDemand => Sale::OnDemand,
                Pricing::Spot => Sale::Spot,
            },
            price: offer.price,
        };
        Self {
            storage_running: Some(offer.storage.running),
            storage_stopped: Some(offer.storage.stopped),
            ..asked.quote(Origin::Live(offer.id.clone()), catalogue)
        }
    }

    /// Returns whether it may compute as fast as any, for all that is known: it has GPUs, and not such
    /// as have no tensor cores.
    pub fn may_be_fast(&self) -> bool {
        let has_none = self
            .compute_capability
            .is_some_and(|known| known < TENSOR_CORES);
        self.gpus.is_some() && !has_none
    }

    /// Returns the steps in which time is charged, and the least that is.
    pub(super) fn billing(&self) -> (Span, Span) {
        let month = Span::from_millis(Per::Month.millis());
        match self.sale {
            Sale::Monthly => (month, month),
            // Work is charged and not a machine, so there is no rental to have a minimum.
            Sale::Serverless => (Span::from_secs(1), Span::ZERO),
            Sale::OnDemand | Sale::Spot => (self.increment, self.minimum),
        }
    }
}

impl Asked<'_> {
    fn quote(self, origin: Origin, catalogue: &Catalogue) -> Quote {
        let terms = catalogue.terms_of(self.supplier);
        // On one's own machine nothing is carried over anybody's meter.
        let own = (self.tier == Tier::Local).then_some(Money::ZERO);
        let kind = self
            .gpus
            .and_then(|gpus| catalogue.type_of(&gpus.model, gpus.vram));
        let all = |one: Tflops| self.gpus.map_or(one, |gpus| one.times(gpus.count));
        Quote {
            supplier: self.supplier.clone(),
            title: terms.map_or_else(|| self.supplier.to_string(), |terms| terms.title.clone()),
            machine: String::new(),
            gpus: self.gpus.cloned(),
            region: self.region.to_owned(),
            tier: self.tier,
            sale: self.sale,
            covers: Covers::Machine,
            price: self.price,
            storage_running: terms.and_then(|terms| terms.storage_running),
            storage_stopped: terms.and_then(|terms| terms.storage_stopped),
            network_volume: terms.and_then(|terms| terms.network_volume),
            egress: terms.and_then(|terms| terms.egress).or(own),
            ingress: terms.and_then(|terms| terms.ingress).or(own),
            increment: terms.map_or(Span::from_secs(1), |terms| terms.increment),
            minimum: terms.map_or(Span::ZERO, |terms| terms.minimum),
            interruptions: terms
                .and_then(|terms: &Terms| terms.interruptions)
                .filter(|_| self.sale == Sale::Spot),
            start_up: terms.map_or(Span::ZERO, |terms| terms.start_up),
            tflops: kind.and_then(|kind| kind.tflops).map(all),
            compute_capability: kind.and_then(|kind| kind.compute_capability),
            origin,
            terms_as_of: terms.map(|terms| terms.as_of),
        }
    }
}

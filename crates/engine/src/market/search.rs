//! Searching: by a need, by the filter language, and by type of GPU.

use super::MarketError;
use super::counting::counting;
use super::entry::{self, Entry};
use super::stock::Market;
use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::market::{
    Catalogue, Field, Filter, GpuType, Order, Row, Sale, Shelf, Standing, Untold, nominal_vram,
};
use livery_domain::offer::{Offer, Pricing, SupplierName};
use livery_domain::placement::{Fit, Need, Preference, Ranking, rank};
use livery_units::{Day, Money, Rate, Timestamp};
use std::collections::BTreeMap;

/// What is sought in the filter language, and in which order it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// What must hold.
    pub filter: Filter,
    /// The order; none keeps the one that there is.
    pub order: Option<Order>,
}

/// Offers that were sought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// Those that meet the need, and those that do not.
    pub ranking: Ranking,
    /// Those that meet the need, and not the filter.
    pub unmatched: Vec<Offer>,
    /// How many of these may be what is sought, and do not tell.
    pub untold: Untold,
}

/// A type of GPU, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuOnSale {
    /// The type.
    pub gpu: GpuType,
    /// Each supplier once, from the cheapest on.
    pub sellers: Vec<Seller>,
}

/// A supplier that has a type of GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seller {
    /// The supplier.
    pub supplier: SupplierName,
    /// Its name as people write it.
    pub title: String,
    /// Its lowest price of one such GPU on demand, in an hour.
    pub from: Money,
    /// Where the range ends that this price is the lower end of.
    pub up_to: Option<Money>,
    /// How many such GPUs the machine of that price has.
    pub count: u32,
    /// Whether it can be rented from here now.
    pub standing: Standing,
    /// Whether the figure is older than 30 days.
    pub is_dated: bool,
}

impl Search {
    /// Reads a filter and an order.
    ///
    /// # Errors
    /// [`MarketError::Filter`] with every mistake in the filter, or else in the order.
    pub fn parse(filter: Option<&str>, order: Option<&str>) -> Result<Self, MarketError> {
        let filter = Filter::parse(filter.unwrap_or_default()).map_err(MarketError::Filter)?;
        let order = order.map(Order::parse).transpose();
        Ok(Self {
            filter,
            order: order.map_err(MarketError::Filter)?,
        })
    }
}

/// Ranks offers by a need, and keeps those for which the filter holds.
pub(super) fn seek(
    catalogue: &Catalogue,
    offers: Vec<Offer>,
    need: &Need,
    search: &Search,
) -> Sought {
    let mut needs = vec![need.clone()];
    if search.filter.asks_for(Field::Sale) {
        // The filter says how it is to be sold.
        needs.extend([Pricing::OnDemand, Pricing::Spot].map(|pricing| Need {
            pricing,
            ..need.clone()
        }));
    }
    let offers = offers.into_iter().map(|offer| as_listed(offer, need));
    let mut ranking = rank(offers.collect(), &needs, Preference::Cheapest, &[]);
    let fits = ranking.fits.iter().map(|fit| fit.offer.clone()).collect();
    let rows: Vec<Row> = entry::live(catalogue, fits)
        .into_iter()
        .map(|entry| entry.row)
        .collect();
    let found = find(&rows, search);
    let mut fits: Vec<Option<Fit>> = ranking.fits.into_iter().map(Some).collect();
    ranking.fits = found.iter().filter_map(|at| fits[*at].take()).collect();
    let unmatched = fits.into_iter().flatten().map(|fit| fit.offer).collect();
    Sought {
        ranking,
        unmatched,
        untold: search.filter.untold(&rows),
    }
}

/// A list shows the parts of a machine of ours as they are: what is sought is the least that they have.
/// Those that have less are cut to it, for the machine may have it all the same.
fn as_listed(offer: Offer, need: &Need) -> Offer {
    let has_it = offer.vcpu_milli >= need.vcpu_milli && offer.memory >= need.memory;
    Offer {
        whole: offer.whole.filter(|_| !has_it),
        ..offer
    }
}

/// Returns entries of everybody, filtered and sorted; by price when nothing is said.
pub(super) fn browse(market: &Market, search: &Search) -> Vec<Entry> {
    let rows: Vec<Row> = market
        .entries
        .iter()
        .map(|entry| entry.row.clone())
        .collect();
    let search = Search {
        order: Some(search.order.clone().unwrap_or_default()),
        ..search.clone()
    };
    let found = find(&rows, &search);
    found
        .into_iter()
        .map(|at| market.entries[at].clone())
        .collect()
}

/// Returns how many entries may be what is sought, and do not tell.
pub(super) fn untold(market: &Market, search: &Search) -> Untold {
    let rows = market.entries.iter().map(|entry| &entry.row);
    search.filter.untold(rows)
}

fn find(rows: &[Row], search: &Search) -> Vec<usize> {
    match &search.order {
        Some(order) => Shelf::new(rows).search(&search.filter, order),
        None => {
            let matching = |at: &usize| search.filter.matches(&rows[*at]);
            (0..rows.len()).filter(matching).collect()
        }
    }
}

/// Returns every type of GPU with those who sell it on demand: those of the catalogue, and then those
/// that a supplier offers and the catalogue does not know.
pub(super) fn gpus(market: &Market) -> Vec<GpuOnSale> {
    let catalogue = &market.catalogue.list.catalogue;
    let mut types = catalogue.gpus.clone();
    let mut sold: BTreeMap<GpuModel, BTreeMap<SupplierName, Seller>> = BTreeMap::new();
    for entry in counting(market) {
        let Some(gpus) = real_gpus(entry).filter(|_| entry.row.sale == Sale::OnDemand) else {
            continue;
        };
        let known = catalogue.type_of(&gpus.model, gpus.vram);
        let model = known.map_or(&gpus.model, |gpu| &gpu.model);
        if known.is_none() && !types.iter().any(|gpu| gpu.model == *model) {
            types.push(unheard_of(gpus, &entry.row.supplier, market.asked));
        }
        let of_one =
            |rate: Rate| Money::from_nanos(rate.per_hour().nanos() / i64::from(gpus.count.max(1)));
        let high = entry.listing().and_then(|listing| listing.price_high);
        let seller = Seller {
            supplier: entry.row.supplier.clone(),
            title: market.title(&entry.row.supplier),
            from: of_one(entry.row.price),
            up_to: high.map(of_one),
            count: gpus.count,
            standing: entry.row.standing,
            is_dated: entry.is_dated(market.asked),
        };
        let sellers = sold.entry(model.clone()).or_default();
        let known = sellers.entry(seller.supplier.clone());
        let known = known.or_insert_with(|| seller.clone());
        // Of equal prices, the one for the smallest machine.
        if (seller.from, seller.count) < (known.from, known.count) {
            *known = seller;
        }
    }
    let on_sale = |gpu: GpuType| {
        let sellers = sold.remove(&gpu.model).unwrap_or_default();
        let mut sellers: Vec<Seller> = sellers.into_values().collect();
        sellers.sort_by_key(|seller| seller.from);
        GpuOnSale { gpu, sellers }
    };
    types.into_iter().map(on_sale).collect()
}

/// Simulated GPUs are for development: nobody sells them.
fn real_gpus(entry: &Entry) -> Option<&Gpus> {
    let is_real = |gpus: &&Gpus| gpus.reality == GpuReality::Real;
    entry.gpus().filter(is_real)
}

fn unheard_of(gpus: &Gpus, supplier: &SupplierName, now: Timestamp) -> GpuType {
    GpuType {
        model: gpus.model.clone(),
        aliases: Vec::new(),
        vram: nominal_vram(gpus.vram, None),
        usable: Some(gpus.vram),
        architecture: String::new(),
        compute_capability: None,
        tflops: None,
        source: format!("an offer of {supplier}"),
        as_of: Day::of(now),
    }
}

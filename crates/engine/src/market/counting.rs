//! Which of a provider's prices counts.
//!
//! A provider may have many prices for one thing. A single figure counts before a published range,
//! whose lower end nobody is sure to get; of several figures for one machine the newest counts.

use super::entry::Entry;
use super::stock::Market;
use livery_domain::gpu::{GpuModel, Gpus};
use livery_domain::market::{Listing, Sale};
use livery_domain::offer::{SupplierName, Tier};
use livery_units::{Day, Money};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Prices of one thing: of a supplier, sold in one way, with so many GPUs of a model.
pub(super) type Kind<'a> = (&'a SupplierName, Sale, Option<&'a GpuModel>, u32);

/// Returns of which thing a price is.
pub(super) fn kind(entry: &Entry) -> Kind<'_> {
    let row = &entry.row;
    (&row.supplier, row.sale, row.model.as_ref(), row.gpu_count)
}

/// Returns the prices that count, of each thing by itself.
pub(super) fn counting(market: &Market) -> Vec<&Entry> {
    of_each(market.entries.iter().collect(), kind)
}

/// Returns those of the prices that count, where any of a provider would do that is sold in one way.
pub(super) fn counting_among(entries: Vec<&Entry>) -> Vec<&Entry> {
    of_each(entries, |entry| (&entry.row.supplier, entry.row.sale))
}

/// What a listing's price is for: its machine, GPUs, region and tier.
type Machine<'a> = (&'a str, Option<&'a Gpus>, &'a str, Tier);

fn machine(listing: &Listing) -> Machine<'_> {
    (
        &listing.machine,
        listing.gpus.as_ref(),
        &listing.region,
        listing.tier,
    )
}

/// Looks at every entry twice, and never at one beside each of the others: a list may be long.
fn of_each<'a, G: Hash + Eq>(
    entries: Vec<&'a Entry>,
    group: impl Fn(&'a Entry) -> G,
) -> Vec<&'a Entry> {
    let mut with_figure: HashSet<G> = HashSet::new();
    let mut newest: HashMap<(G, Machine<'_>, bool), Day> = HashMap::new();
    for &entry in &entries {
        if entry.is_firm() {
            with_figure.insert(group(entry));
        }
        if let Some(listing) = entry.listing() {
            // A newer range does not replace an older figure.
            let key = (group(entry), machine(listing), entry.is_firm());
            let day = newest.entry(key).or_insert(listing.as_of);
            *day = listing.as_of.max(*day);
        }
    }
    let counts = |entry: &&'a Entry| {
        if !entry.is_firm() && with_figure.contains(&group(entry)) {
            return false;
        }
        let Some(listing) = entry.listing() else {
            return true;
        };
        let key = (group(entry), machine(listing), entry.is_firm());
        !is_given_away(listing) && newest[&key] == listing.as_of
    };
    let counting = entries.iter().copied();
    counting.filter(counts).collect()
}

/// What a provider gives away has limits that no price list tells, and is often not to be had.
fn is_given_away(listing: &Listing) -> bool {
    listing.tier != Tier::Local && listing.price.amount == Money::ZERO
}

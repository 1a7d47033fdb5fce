//! What to say about something that nobody sells: what was asked for, and what is sold in its place.

use super::entry::Entry;
use super::inquiry::{Inquiry, Wanted, fits};
use super::stock::Market;
use livery_domain::gpu::Gpus;
use livery_domain::market::Sale;
use livery_domain::offer::SupplierName;
use livery_domain::placement::{GpuNeed, Need};
use livery_units::Money;
use std::collections::BTreeMap;

/// How many others are named.
const OTHERS_MAX: usize = 3;

/// Returns a sentence: that nobody sells it, and who sells more or fewer of the same GPUs.
pub(super) fn sentence(market: &Market, inquiry: &Inquiry, wanted: &Wanted) -> String {
    let what = &wanted.words;
    let mut text = match &wanted.supplier {
        None => format!("nobody sells {what}"),
        Some(supplier) => format!("{} does not sell {what}", market.title(supplier)),
    };
    let sales: Vec<String> = inquiry.sales.iter().map(Sale::to_string).collect();
    text.push_str(&format!(" {}", sales.join(" or ")));
    if let Some(source) = &inquiry.source {
        text.push_str(&format!(" by a source with `{source}` in it"));
    }
    if inquiry.filter != livery_domain::market::Filter::default() {
        text.push_str(&format!(" with `{}`", inquiry.filter));
    }
    let others = others(market, inquiry, wanted);
    if !others.is_empty() {
        text.push_str(&format!("; {}", others.join(", ")));
    }
    text
}

/// Returns who sells another number of the same GPUs otherwise as asked, the cheapest first.
fn others(market: &Market, inquiry: &Inquiry, wanted: &Wanted) -> Vec<String> {
    let catalogue = &market.catalogue.list.catalogue;
    let mut sold: BTreeMap<(&SupplierName, u32), (Money, &Gpus)> = BTreeMap::new();
    for entry in &market.entries {
        let Some(gpus) = entry.gpus().filter(|_| inquiry.takes(entry, wanted)) else {
            continue;
        };
        let is_alike = |need: &Need| match &need.gpus {
            GpuNeed::Whatever | GpuNeed::None | GpuNeed::Any(_) => false,
            GpuNeed::Model(model, _) => fits(
                catalogue,
                entry,
                &Need {
                    gpus: GpuNeed::Model(model.clone(), gpus.count),
                    ..need.clone()
                },
            ),
        };
        if !wanted.needs.iter().any(is_alike) {
            continue;
        }
        let price = price(entry);
        let known = sold.entry((&entry.row.supplier, gpus.count));
        let known = known.or_insert((price, gpus));
        if price < known.0 {
            *known = (price, gpus);
        }
    }
    let mut sold: Vec<_> = sold.into_iter().collect();
    sold.sort_by_key(|(_, (price, _))| *price);
    let say = |((supplier, _), (price, gpus)): ((&SupplierName, u32), (Money, &Gpus))| {
        format!(
            "{} sells {gpus} at {}/h",
            market.title(supplier),
            price.shown()
        )
    };
    sold.into_iter().take(OTHERS_MAX).map(say).collect()
}

fn price(entry: &Entry) -> Money {
    entry.row.price.per_hour()
}

//! Local or cloud: whether a machine will do for a training, and who has the cheapest that will.

use super::counting::{counting, kind};
use super::entry::Entry;
use super::inquiry::quote;
use super::stock::Market;
use livery_domain::gpu::GpuModel;
use livery_domain::market::{Here, Measure, Need, Quote, Task, ThisMachine, advise as decide};

/// What to do about a training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advised {
    /// How much GPU memory it takes, and why.
    pub need: Need,
    /// Whether the machine will do.
    pub here: Here,
    /// Whoever has a machine that will do, the cheapest first; each provider and GPU once.
    pub elsewhere: Vec<Entry>,
    /// Why the first of them is the one to take, in words for the user.
    pub reason: String,
}

/// Advises.
pub(super) fn advise(market: &Market, task: &Task, machine: &ThisMachine) -> Advised {
    let catalogue = &market.catalogue.list.catalogue;
    let entries = counting(market);
    let quotes: Vec<Quote> = entries
        .iter()
        .map(|entry| quote(catalogue, entry))
        .collect();
    let advice = decide(task, machine, &quotes, catalogue);
    let mut elsewhere: Vec<Entry> = Vec::new();
    for at in advice.elsewhere {
        // They come cheapest first, so the first of a kind is its cheapest.
        if !elsewhere
            .iter()
            .any(|known| kind(known) == kind(entries[at]))
        {
            elsewhere.push(entries[at].clone());
        }
    }
    let reason = match elsewhere.first() {
        None => nobody(&advice.need),
        Some(best) => why(market, best, &advice.need),
    };
    Advised {
        need: advice.need,
        here: advice.here,
        elsewhere,
        reason,
    }
}

fn why(market: &Market, best: &Entry, need: &Need) -> String {
    let row = &best.row;
    let count = row.gpu_count;
    let model = row.model.as_ref().map_or("", GpuModel::as_str);
    let catalogue = &market.catalogue.list.catalogue;
    let has = best.gpus().map(|gpus| need.memory_of(gpus, catalogue));
    let has = match need.measure {
        Measure::Sold => format!("{}", has.unwrap_or_default()),
        Measure::Usable => format!("{} to use", has.unwrap_or_default()),
    };
    let each = need.each(count);
    let seller = market.title(&row.supplier);
    let several = match count {
        1 => String::new(),
        several => format!(", spread over {several}"),
    };
    format!(
        "{count}x {model} of {seller} at {}/h{} is the cheapest that will do: it has {has} on each GPU, \
         and {each} are needed{several}",
        row.price.per_hour(),
        caveat(market, best),
    )
}

/// Says what makes a price less than sure: that a range begins with it, and that it is of long ago.
fn caveat(market: &Market, entry: &Entry) -> String {
    let Some(listing) = entry.listing() else {
        return String::new();
    };
    let mut all = Vec::new();
    if let Some(high) = listing.price_high {
        all.push(format!(
            "the lower end of a range up to {}/h",
            high.per_hour()
        ));
    }
    if entry.is_dated(market.asked) {
        all.push(format!("dated {}", listing.as_of));
    }
    match all.is_empty() {
        true => String::new(),
        false => format!(" ({})", all.join(", ")),
    }
}

fn nobody(need: &Need) -> String {
    format!(
        "nobody sells a machine for it: one GPU would need {}, and the largest machines known have \
         not enough on theirs together",
        need.each(1)
    )
}

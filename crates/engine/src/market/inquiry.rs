//! What work costs with everybody who could do it: which price of each provider counts, and the
//! answer side by side.
//!
//! Of the prices that count ([`super::counting`]) of several machines that would do, it is the one of
//! the machine on which the work is cheapest.

use super::MarketError;
use super::counting::counting_among;
use super::entry::{Entry, Stance};
use super::stock::{Market, Stand};
use super::unsold;
use livery_domain::gpu::{GpuModel, Gpus};
use livery_domain::job::Job;
use livery_domain::market::{
    Catalogue, Comparison, Filter, Line, Quote, RowMaker, Sale, Work, saving_percent, session_costs,
};
use livery_domain::needs::needs;
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName};
use livery_domain::placement::{GpuNeed, Need, misfit};
use livery_units::{Bytes, Money, OfferId};

/// A question about what work costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// What is wanted; each is asked of every provider.
    pub wanted: Vec<Wanted>,
    /// The ways of sale that are looked at.
    pub sales: Vec<Sale>,
    /// Only figures whose source has this in it, whatever the case.
    pub source: Option<String>,
    /// Only what this filter lets through.
    pub filter: Filter,
    /// Whose cost the savings are against; the dearest one's when nobody is named.
    pub against: Option<SupplierName>,
    /// The work.
    pub work: Work,
}

/// What would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Only this provider; none for all.
    pub supplier: Option<SupplierName>,
    /// Any one of these.
    pub needs: Vec<Need>,
    /// What it is, in words for the user.
    pub words: String,
}

/// What work costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The chosen prices, side by side.
    pub comparison: Comparison,
    /// For each line of the comparison, where its price is from.
    pub entries: Vec<Entry>,
    /// For each line, what the three sessions cost.
    pub sessions: Vec<Option<[Money; 3]>>,
    /// For each line, the cheapest range that begins below its price and that its figure counts before.
    pub ranges: Vec<Option<Entry>>,
    /// What nobody sells of what was wanted, a sentence for each.
    pub unsold: Vec<String>,
    /// Suppliers that are set up here and did not answer, with the reason.
    pub silent: Vec<(String, String)>,
}

impl Wanted {
    /// Makes a wish for that many GPUs of a name in any spelling.
    ///
    /// # Errors
    /// [`MarketError::UnknownGpu`] when neither the catalogue nor a live offer knows the name.
    pub fn gpu(market: &Market, name: &str, count: u32) -> Result<Self, MarketError> {
        let like = market.catalogue.list.catalogue.gpus_like(name);
        let mut models: Vec<GpuModel> = like.iter().map(|gpu| gpu.model.clone()).collect();
        let asked = GpuModel::parse(name);
        let offered = market
            .entries
            .iter()
            .filter_map(|entry| entry.row.model.as_ref());
        if models.is_empty() && offered.into_iter().any(|model| model.satisfies(&asked)) {
            models.push(asked);
        }
        if models.is_empty() {
            return Err(MarketError::UnknownGpu(name.to_owned()));
        }
        let need = |model: GpuModel| Need {
            gpus: GpuNeed::Model(model, count),
            ..Need::default()
        };
        Ok(Self {
            supplier: None,
            needs: models.into_iter().map(need).collect(),
            words: format!("{count}x {name}"),
        })
    }

    /// Makes a wish for what a job needs.
    pub fn job(job: &Job) -> Self {
        Self {
            supplier: None,
            needs: needs(job).needs,
            words: "a machine for this job".to_owned(),
        }
    }
}

impl Inquiry {
    /// Returns whether a price is looked at at all, whatever machine it is for.
    pub(super) fn takes(&self, entry: &Entry, wanted: &Wanted) -> bool {
        let supplier = &entry.row.supplier;
        wanted.supplier.as_ref().is_none_or(|only| only == supplier)
            && self.sales.contains(&entry.row.sale)
            && is_of_source(entry, self.source.as_deref())
            && self.filter.matches(&entry.row)
    }
}

/// Answers a question.
pub(super) fn answer(market: &Market, inquiry: &Inquiry) -> Result<Answer, MarketError> {
    let catalogue = &market.catalogue.list.catalogue;
    let wanted = inquiry.wanted.iter();
    let meeting: Vec<_> = wanted
        .map(|wanted| meeting(market, inquiry, wanted))
        .collect();
    let mut chosen = Vec::new();
    let mut unsold = Vec::new();
    for (wanted, meeting) in inquiry.wanted.iter().zip(&meeting) {
        let mut of_wanted = choose(catalogue, inquiry, meeting);
        of_wanted.sort_by_key(|one| (one.line.rank().is_none(), one.line.rank()));
        if of_wanted.is_empty() {
            unsold.push(unsold::sentence(market, inquiry, wanted));
        }
        chosen.extend(of_wanted);
    }
    if chosen.is_empty() {
        return Err(MarketError::NothingSold(unsold.join("\n")));
    }
    let mut quotes = Vec::new();
    let (mut entries, mut ranges) = (Vec::new(), Vec::new());
    for one in chosen {
        quotes.push(one.line.quote);
        entries.push(one.entry.clone());
        ranges.push(one.range.cloned());
    }
    let sessions = quotes
        .iter()
        .map(|quote| session_costs(quote).ok())
        .collect();
    let mut comparison = Comparison::new(quotes, &inquiry.work, None);
    let base = reference(&comparison.lines, inquiry.against.as_ref());
    for line in &mut comparison.lines {
        let both = base.zip(line.whole());
        line.saving_percent = both.and_then(|(base, total)| saving_percent(base, total));
    }
    Ok(Answer {
        comparison,
        entries,
        sessions,
        ranges,
        unsold,
        silent: silent(market),
    })
}

/// Returns what savings are against: what the named provider asks, on demand before all else, or else
/// the most that anybody does.
fn reference(lines: &[Line], against: Option<&SupplierName>) -> Option<Money> {
    let Some(against) = against else {
        return lines.iter().filter_map(Line::whole).max();
    };
    let of_it = lines.iter().filter(|line| line.quote.supplier == *against);
    let totals = of_it.filter_map(|line| Some((line.quote.sale, line.whole()?)));
    totals.min().map(|(_, total)| total)
}

fn silent(market: &Market) -> Vec<(String, String)> {
    let of = |(name, stand): (&SupplierName, &Stand)| match stand {
        Stand::Answered => None,
        Stand::Silent(why) => Some((market.title(name), why.clone())),
    };
    market.suppliers.iter().filter_map(of).collect()
}

/// A price that counts.
struct Chosen<'a> {
    line: Line,
    entry: &'a Entry,
    /// The cheapest range that begins below it, and does not count beside a figure.
    range: Option<&'a Entry>,
}

/// Returns the entries that meet what is wanted, those of our own machines cut to it.
fn meeting(market: &Market, inquiry: &Inquiry, wanted: &Wanted) -> Vec<Entry> {
    let catalogue = &market.catalogue.list.catalogue;
    let mut maker = RowMaker::new(catalogue);
    let cut = |entry: &Entry| {
        let meets = |need: &&Need| fits(catalogue, entry, need);
        let need = wanted.needs.iter().find(meets)?;
        Some(match &entry.stance {
            Stance::Live(offer) if offer.whole.is_some() => {
                let offer = Offer::clone(offer).cut_to(need.vcpu_milli, need.memory);
                Entry::live(&mut maker, offer)
            }
            Stance::Live(_) | Stance::Silent(_) | Stance::NotEnabled(_) => entry.clone(),
        })
    };
    let taken = market.entries.iter();
    let taken = taken.filter(|entry| inquiry.takes(entry, wanted));
    taken.filter_map(cut).collect()
}

/// Returns the line that counts for each provider and way of sale.
fn choose<'a>(catalogue: &Catalogue, inquiry: &Inquiry, meeting: &'a [Entry]) -> Vec<Chosen<'a>> {
    let fitting: Vec<&Entry> = meeting.iter().collect();
    let counting = counting_among(fitting.clone());
    let quotes = counting
        .iter()
        .map(|entry| quote(catalogue, entry))
        .collect();
    let all = Comparison::new(quotes, &inquiry.work, None);
    let mut best: Vec<Chosen<'a>> = Vec::new();
    for (line, entry) in all.lines.into_iter().zip(counting) {
        let same = |other: &&mut Chosen<'_>| is_of_one(other.entry, entry);
        let range = None;
        match best.iter_mut().find(same) {
            None => best.push(Chosen { line, entry, range }),
            Some(known) if is_better(&line, &known.line) => *known = Chosen { line, entry, range },
            Some(_) => {}
        }
    }
    for one in best.iter_mut().filter(|one| one.entry.is_firm()) {
        let hourly = |entry: &Entry| entry.row.price.per_hour();
        let below = fitting.iter().copied().filter(|entry| {
            !entry.is_firm() && is_of_one(entry, one.entry) && hourly(entry) < hourly(one.entry)
        });
        one.range = below.min_by_key(|entry| hourly(entry));
    }
    best
}

/// Whether two prices are of one provider and sold in one way.
fn is_of_one(one: &Entry, other: &Entry) -> bool {
    (&one.row.supplier, one.row.sale) == (&other.row.supplier, other.row.sale)
}

/// A line without an estimate is better than none at all, and worse than any with one.
fn is_better(line: &Line, known: &Line) -> bool {
    match (line.rank(), known.rank()) {
        (Some(rank), Some(known)) => rank < known,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn is_of_source(entry: &Entry, wanted: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    let wanted = wanted.to_lowercase();
    let of = |source: &str| source.to_lowercase().contains(&wanted);
    entry.listing().is_some_and(|listing| of(&listing.source))
}

pub(super) fn quote(catalogue: &Catalogue, entry: &Entry) -> Quote {
    match &entry.stance {
        Stance::Live(offer) => Quote::of_offer(offer, catalogue),
        Stance::Silent(listing) | Stance::NotEnabled(listing) => {
            Quote::of_listing(listing, catalogue)
        }
    }
}

/// Whether a machine meets a need, whatever its way of sale. What is not published about it is taken
/// to be enough.
pub(super) fn fits(catalogue: &Catalogue, entry: &Entry, need: &Need) -> bool {
    let as_offer = match &entry.stance {
        Stance::Live(offer) => Offer::clone(offer),
        Stance::Silent(listing) | Stance::NotEnabled(listing) => Offer {
            id: OfferId::from_entropy(0),
            supplier: listing.supplier.clone(),
            host: None,
            gpus: listing.gpus.clone(),
            vcpu_milli: listing.vcpu_milli.unwrap_or(u32::MAX),
            memory: listing.memory.unwrap_or(Bytes::new(u64::MAX)),
            disk: listing.disk.unwrap_or(Bytes::new(u64::MAX)),
            region: listing.region.clone(),
            tier: listing.tier,
            pricing: Pricing::OnDemand,
            price: listing.price,
            storage: StoragePrice::FREE,
            reliability_permille: None,
            whole: None,
        },
    };
    let as_offer = Offer {
        gpus: as_offer.gpus.map(|gpus| known_as(catalogue, gpus)),
        pricing: need.pricing,
        ..as_offer
    };
    misfit(&as_offer, need).is_none()
}

/// A driver's spelling of a model is read as the type that it is, with the memory that it is sold by.
fn known_as(catalogue: &Catalogue, gpus: Gpus) -> Gpus {
    match catalogue.type_of(&gpus.model, gpus.vram) {
        None => gpus,
        Some(kind) => Gpus {
            model: kind.model.clone(),
            vram: livery_domain::market::nominal_vram(gpus.vram, Some(kind)),
            ..gpus
        },
    }
}

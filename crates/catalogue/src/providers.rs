//! One provider: its terms, the range that its prices lie in, and its rows.

use crate::check::Checker;
use crate::price::{money, price, single};
use crate::read::{PriceList, TypicalRange, size};
use crate::shape::{PricesShape, ProviderShape, RangeShape, RowShape, TermsShape, Text};
use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::market::{Catalogue, Covers, Interruptions, Listing, Sale, Terms};
use livery_domain::offer::{SupplierName, Tier};
use livery_units::{Bytes, Day, Money, Rate};
use std::collections::HashSet;
use toml::Spanned;

/// Most GPUs of one machine: more is a slip of the finger.
const GPUS_MAX: i64 = 256;

/// Most prices of a whole list: every answer looks through all of them.
pub(crate) const PRICES_MAX: usize = 100_000;

/// Most virtual CPUs of one machine.
const VCPU_MAX: u32 = 4_096;

/// Reads a provider into the list.
pub(crate) fn read(
    checker: &mut Checker<'_>,
    shape: &ProviderShape,
    released: Option<Day>,
    list: &mut PriceList,
) {
    let Some(supplier) = checker.supplier(&shape.name) else {
        return;
    };
    if list.catalogue.terms_of(&supplier).is_some() {
        let message = format!("name: the provider {supplier} stands twice");
        checker.wrong(shape.name.span(), message);
        return;
    }
    let terms = terms(checker, &shape.terms, &supplier, released);
    list.catalogue.terms.extend(terms);
    for range_shape in &shape.ranges {
        let range = range(checker, range_shape, &supplier, released);
        list.ranges.extend(range);
    }
    let mut stated = HashSet::new();
    for prices in &shape.prices {
        let page = Page::read(checker, prices, &supplier, released);
        let Some(page) = page else { continue };
        page.rows(checker, prices, &mut stated, &mut list.catalogue);
    }
}

fn terms(
    checker: &mut Checker<'_>,
    shape: &TermsShape,
    supplier: &SupplierName,
    released: Option<Day>,
) -> Option<Terms> {
    let mut rate = |text: &Option<Text>, key| checker.maybe(text.as_ref(), key, single);
    let storage_running = rate(&shape.storage_running, "storage_running");
    let storage_stopped = rate(&shape.storage_stopped, "storage_stopped");
    let network_volume = rate(&shape.network_volume, "network_volume");
    let mut amount = |text: &Option<Text>, key| checker.maybe(text.as_ref(), key, money);
    let egress = amount(&shape.egress, "egress");
    let ingress = amount(&shape.ingress, "ingress");
    let minimum_top_up = amount(&shape.minimum_top_up, "minimum_top_up");
    let interruptions = shape.interruptions_per_million_hours.as_ref();
    let interruptions = interruptions.and_then(|count| interrupted(checker, count));
    let title = checker.words(&shape.title, "title");
    let increment = checker.parsed(&shape.increment, "increment");
    let minimum = checker.parsed(&shape.minimum, "minimum");
    let start_up = checker.parsed(&shape.start_up, "start_up");
    let source = checker.words(&shape.source, "source");
    let as_of = checker.as_of(&shape.as_of, released);
    Some(Terms {
        supplier: supplier.clone(),
        title: title?,
        storage_running,
        storage_stopped,
        network_volume,
        egress,
        ingress,
        minimum_top_up,
        increment: increment?,
        minimum: minimum?,
        interruptions,
        start_up: start_up?,
        source: source?,
        as_of: as_of?,
    })
}

fn interrupted(checker: &mut Checker<'_>, count: &Spanned<i64>) -> Option<Interruptions> {
    match u32::try_from(*count.get_ref()) {
        Ok(per_million_hours) => Some(Interruptions { per_million_hours }),
        Err(_) => {
            let message = "interruptions_per_million_hours: a count from 0 to 4294967295";
            checker.wrong(count.span(), message);
            None
        }
    }
}

fn range(
    checker: &mut Checker<'_>,
    shape: &RangeShape,
    supplier: &SupplierName,
    released: Option<Day>,
) -> Option<TypicalRange> {
    let tier = checker.maybe(shape.tier.as_ref(), "tier", |text| {
        text.parse().map_err(|why| format!("{why}"))
    });
    let low = checker.by(&shape.low, "low", single);
    let high = checker.by(&shape.high, "high", single);
    let source = checker.words(&shape.source, "source");
    let as_of = checker.as_of(&shape.as_of, released);
    let (low, high) = (low?, high?);
    if high.per != low.per || high.amount <= low.amount {
        checker.wrong(shape.high.span(), "high: it is not above `low`");
    }
    Some(TypicalRange {
        supplier: supplier.clone(),
        tier,
        low,
        high,
        source: source?,
        as_of: as_of?,
    })
}

/// Returns what so many times the row's GPUs are, where the price goes by the GPU. What comes with each
/// is as many times there.
fn with_gpus(one: &Listing, count: u32) -> Listing {
    // Neither overflows: prices and counts have limits that leave room for the product.
    let times = |rate: Rate| Rate {
        amount: Money::from_nanos(rate.amount.nanos().saturating_mul(i64::from(count))),
        ..rate
    };
    let sized = |size: Bytes| Bytes::new(size.get().saturating_mul(u64::from(count)));
    Listing {
        gpus: one.gpus.clone().map(|gpus| Gpus {
            count: gpus.count.saturating_mul(count),
            ..gpus
        }),
        vcpu_milli: one.vcpu_milli.map(|milli| milli.saturating_mul(count)),
        memory: one.memory.map(sized),
        disk: one.disk.map(sized),
        price: times(one.price),
        price_high: one.price_high.map(times),
        ..one.clone()
    }
}

/// What one source can state one price of: within a provider, this is what a price is for.
type Thing = (String, Option<Gpus>, String, Tier, Sale, String, Day);

fn thing(row: &Listing) -> Thing {
    (
        row.machine.clone(),
        row.gpus.clone(),
        row.region.clone(),
        row.tier,
        row.sale,
        row.source.clone(),
        row.as_of,
    )
}

/// What rows share.
struct Page<'a> {
    supplier: &'a SupplierName,
    source: String,
    as_of: Day,
    tier: Tier,
    region: String,
}

impl<'a> Page<'a> {
    fn read(
        checker: &mut Checker<'_>,
        shape: &PricesShape,
        supplier: &'a SupplierName,
        released: Option<Day>,
    ) -> Option<Self> {
        let source = checker.words(&shape.source, "source");
        let as_of = checker.as_of(&shape.as_of, released);
        let tier = checker.parsed(&shape.tier, "tier");
        let region = shape.region.as_ref();
        let region = region.and_then(|text| checker.words(text, "region"));
        Some(Self {
            supplier,
            source: source?,
            as_of: as_of?,
            tier: tier?,
            region: region.unwrap_or_default(),
        })
    }

    /// Reads the rows; `stated` has what the provider's other rows are for.
    fn rows(
        &self,
        checker: &mut Checker<'_>,
        shape: &PricesShape,
        stated: &mut HashSet<Thing>,
        catalogue: &mut Catalogue,
    ) {
        let most = shape.gpus_up_to.as_ref();
        let most = most.and_then(|most| gpu_count(checker, most, "gpus_up_to"));
        for spanned in &shape.rows {
            let row = spanned.get_ref();
            let Some(listing) = self.row(checker, row, catalogue) else {
                continue;
            };
            if most.is_some() && (row.gpu.is_none() || row.count.is_some()) {
                let message = "gpus_up_to: rows beside it have one `gpu` and no `count`";
                checker.wrong(spanned.span(), message);
            }
            let counts = 1..=most.unwrap_or(1);
            let several: Vec<Listing> = counts.map(|count| with_gpus(&listing, count)).collect();
            // All of them are noted, also behind the first that stands twice.
            let twice = several.iter().filter(|row| !stated.insert(thing(row)));
            if twice.count() > 0 {
                let message = format!("{}: this row stands twice", listing.machine);
                checker.wrong(spanned.span(), message);
                continue;
            }
            if catalogue.listings.len() + several.len() > PRICES_MAX {
                let message = format!("a list has {PRICES_MAX} prices at most");
                checker.wrong(spanned.span(), message);
                return;
            }
            catalogue.listings.extend(several);
        }
    }

    fn row(
        &self,
        checker: &mut Checker<'_>,
        row: &RowShape,
        catalogue: &Catalogue,
    ) -> Option<Listing> {
        let machine = checker.words(&row.machine, "machine");
        let gpus = gpus(checker, row, catalogue);
        let vcpu_milli = checker.maybe(row.vcpu.as_ref(), "vcpu", vcpu_milli);
        let memory = checker.maybe(row.memory.as_ref(), "memory", size);
        let disk = checker.maybe(row.disk.as_ref(), "disk", size);
        let region = row.region.as_ref();
        let region = region.and_then(|text| checker.words(text, "region"));
        let reliability = row.reliability.as_ref();
        let reliability = checker.maybe(reliability, "reliability", permille);
        let sale = row.sale.as_ref();
        let sale = sale.map_or(Some(Sale::OnDemand), |text| checker.parsed(text, "sale"));
        let covers = row.covers.as_ref();
        let covers = covers.map_or(Some(Covers::Machine), |text| checker.parsed(text, "covers"));
        let price = checker.by(&row.price, "price", price);
        let (price, price_high) = price?;
        Some(Listing {
            supplier: self.supplier.clone(),
            machine: machine?,
            gpus: gpus?,
            vcpu_milli,
            memory,
            disk,
            region: region.unwrap_or_else(|| self.region.clone()),
            reliability_permille: reliability,
            tier: self.tier,
            sale: sale?,
            covers: covers?,
            price,
            price_high,
            source: self.source.clone(),
            as_of: self.as_of,
        })
    }
}

/// Reads a row's GPUs; the inner nothing is a machine without.
fn gpus(checker: &mut Checker<'_>, row: &RowShape, catalogue: &Catalogue) -> Option<Option<Gpus>> {
    let Some(name) = &row.gpu else {
        return match &row.count {
            None => Some(None),
            Some(count) => {
                checker.wrong(count.span(), "count: there is no `gpu` to count");
                None
            }
        };
    };
    let known = checker.by(name, "gpu", |text| {
        let model = GpuModel::parse(text);
        let found = catalogue.gpus.iter().find(|gpu| gpu.model == model);
        found.ok_or_else(|| unknown_gpu(text, catalogue))
    })?;
    let count = match &row.count {
        None => 1,
        Some(count) => gpu_count(checker, count, "count")?,
    };
    Some(Some(Gpus {
        model: known.model.clone(),
        count,
        vram: known.vram,
        reality: GpuReality::Real,
    }))
}

fn gpu_count(checker: &mut Checker<'_>, count: &Spanned<i64>, key: &str) -> Option<u32> {
    match u32::try_from(*count.get_ref()) {
        Ok(number) if (1..=GPUS_MAX).contains(count.get_ref()) => Some(number),
        Ok(_) | Err(_) => {
            checker.wrong(count.span(), format!("{key}: from 1 to {GPUS_MAX}"));
            None
        }
    }
}

fn unknown_gpu(text: &str, catalogue: &Catalogue) -> String {
    match catalogue.gpus_like(text).first() {
        Some(near) => format!("`{text}` is not exact; is {} meant?", near.model),
        None => format!("`{text}` is not among the types of GPU; add a `[[gpu]]` for it"),
    }
}

/// Reads a share of the time, in thousandths.
fn permille(text: &str) -> Result<u16, String> {
    let fail = || format!("`{text}` is not a share of the time (write 0.98)");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 3 {
        return Err(fail());
    }
    let whole: u16 = whole.parse().map_err(|_| fail())?;
    let part: u16 = format!("{decimals:0<3}").parse().map_err(|_| fail())?;
    let permille = whole.checked_mul(1_000).and_then(|n| n.checked_add(part));
    permille.filter(|share| *share <= 1_000).ok_or_else(fail)
}

fn vcpu_milli(text: &str) -> Result<u32, String> {
    let fail = || format!("`{text}` is not a number of virtual CPUs (write 4 or 0.5)");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 3 {
        return Err(fail());
    }
    let whole: u32 = whole.parse().map_err(|_| fail())?;
    let part: u32 = format!("{decimals:0<3}").parse().map_err(|_| fail())?;
    match whole {
        0..VCPU_MAX if whole > 0 || part > 0 => Ok(whole * 1_000 + part),
        _ => Err(fail()),
    }
}

//! One offer or listing as it is searched: flat, with everything that can be asked for.

use super::filter::Field;
use super::{Catalogue, GpuType, Listing, Sale, Tflops};
use crate::gpu::{GpuModel, Gpus, is_sold_as};
use crate::offer::{Offer, Pricing, SupplierName, Tier};
use livery_units::{Bytes, Money, Per, Rate, Span};
use std::collections::HashMap;

/// Whether an offer can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// From here, now.
    Rentable,
    /// It stands in a price list only.
    Listed,
}

/// An offer or a listing as it is searched and sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Who provides it.
    pub supplier: SupplierName,
    /// The instance or machine type; empty where there is none.
    pub machine: String,
    /// The GPU's model.
    pub model: Option<GpuModel>,
    /// How many GPUs.
    pub gpu_count: u32,
    /// Memory of one GPU, as it is called: 24 GB for a card that reports a little less.
    pub vram: Option<Bytes>,
    /// The GPU's architecture.
    pub architecture: Option<String>,
    /// The GPU's compute capability, as (major, minor).
    pub compute_capability: Option<(u8, u8)>,
    /// Throughput of one GPU.
    pub tflops: Option<Tflops>,
    /// Virtual CPUs in thousandths.
    pub vcpu_milli: Option<u32>,
    /// Memory.
    pub memory: Option<Bytes>,
    /// Disk.
    pub disk: Option<Bytes>,
    /// Where, in the supplier's own words; empty for unknown.
    pub region: String,
    /// Datacentre, community or this machine.
    pub tier: Tier,
    /// How it is sold.
    pub sale: Sale,
    /// What it costs.
    pub price: Rate,
    /// What a GB of disk costs beside it.
    pub storage: Option<Rate>,
    /// What a GB that goes out costs.
    pub egress: Option<Money>,
    /// What a GB that comes in costs.
    pub ingress: Option<Money>,
    /// Share of the time that it was up, in thousandths.
    pub reliability_permille: Option<u16>,
    /// Whether it can be taken.
    pub standing: Standing,
}

/// The value of a field, in the smallest unit of the field's kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// The offer does not tell.
    Unknown,
    /// A number; never the least one that there is, nor the greatest.
    Number(i64),
    /// A text, as the supplier writes it.
    Text(String),
}

/// Nothing that has an end is as much as this.
const ENDLESS: i64 = i64::MAX - 1;

/// Makes rows with what the catalogue knows about GPUs and suppliers; looks each GPU up only once.
#[derive(Debug)]
pub struct RowMaker<'a> {
    catalogue: &'a Catalogue,
    kinds: HashMap<GpuModel, Vec<(Bytes, Option<&'a GpuType>)>>,
}

impl<'a> RowMaker<'a> {
    /// Makes a maker of rows.
    pub fn new(catalogue: &'a Catalogue) -> Self {
        Self {
            catalogue,
            kinds: HashMap::new(),
        }
    }

    /// Makes a row of a live offer.
    pub fn offer(&mut self, offer: &Offer) -> Row {
        let row = self.row(
            &offer.supplier,
            offer.gpus.as_ref(),
            offer.tier,
            offer.price,
        );
        Row {
            vcpu_milli: Some(offer.vcpu_milli),
            memory: Some(offer.memory),
            disk: Some(offer.disk),
            region: offer.region.clone(),
            sale: match offer.pricing {
                Pricing::OnDemand => Sale::OnDemand,
                Pricing::Spot => Sale::Spot,
            },
            storage: Some(offer.storage.running),
            reliability_permille: offer.reliability_permille,
            standing: Standing::Rentable,
            ..row
        }
    }

    /// Makes a row of a listing.
    pub fn listing(&mut self, listing: &Listing) -> Row {
        let row = self.row(
            &listing.supplier,
            listing.gpus.as_ref(),
            listing.tier,
            listing.price,
        );
        Row {
            machine: listing.machine.clone(),
            vcpu_milli: listing.vcpu_milli,
            memory: listing.memory,
            disk: listing.disk,
            region: listing.region.clone(),
            sale: listing.sale,
            reliability_permille: listing.reliability_permille,
            ..row
        }
    }

    fn row(
        &mut self,
        supplier: &SupplierName,
        gpus: Option<&Gpus>,
        tier: Tier,
        price: Rate,
    ) -> Row {
        let kind = gpus.and_then(|gpus| self.kind(gpus));
        let terms = self.catalogue.terms_of(supplier);
        Row {
            supplier: supplier.clone(),
            machine: String::new(),
            model: gpus.map(|gpus| gpus.model.clone()),
            gpu_count: gpus.map_or(0, |gpus| gpus.count),
            vram: gpus.map(|gpus| nominal_vram(gpus.vram, kind)),
            architecture: kind.map(|kind| kind.architecture.clone()),
            compute_capability: kind.and_then(|kind| kind.compute_capability),
            tflops: kind.and_then(|kind| kind.tflops),
            vcpu_milli: None,
            memory: None,
            disk: None,
            region: String::new(),
            tier,
            sale: Sale::OnDemand,
            price,
            storage: terms.and_then(|terms| terms.storage_running),
            egress: terms.and_then(|terms| terms.egress),
            ingress: terms.and_then(|terms| terms.ingress),
            reliability_permille: None,
            standing: Standing::Listed,
        }
    }

    fn kind(&mut self, gpus: &Gpus) -> Option<&'a GpuType> {
        let seen = self.kinds.get(&gpus.model);
        if let Some((_, kind)) =
            seen.and_then(|all| all.iter().find(|(vram, _)| *vram == gpus.vram))
        {
            return *kind;
        }
        let kind = self.catalogue.type_of(&gpus.model, gpus.vram);
        self.kinds
            .entry(gpus.model.clone())
            .or_default()
            .push((gpus.vram, kind));
        kind
    }
}

impl Row {
    /// Returns the value of a field.
    pub(super) fn key(&self, field: Field) -> Key {
        if field.info().kind.is_text() {
            return match self.text(field) {
                Some(text) if !text.is_empty() => Key::Text(text.to_owned()),
                _ => Key::Unknown,
            };
        }
        match self.number(field) {
            // The two ends stand for "unknown" and for "behind everything" where rows are sorted.
            Some(number) => Key::Number(number.clamp(i64::MIN + 1, ENDLESS)),
            None => Key::Unknown,
        }
    }

    /// Returns the text of a field whose kind is a text.
    pub(super) fn text(&self, field: Field) -> Option<&str> {
        match field {
            Field::GpuName => self.model.as_ref().map(GpuModel::as_str),
            Field::GpuArch => self.architecture.as_deref(),
            Field::Region => Some(&self.region),
            Field::Supplier => Some(self.supplier.as_str()),
            Field::Machine => Some(&self.machine),
            _ => None,
        }
    }

    /// Returns the number of a field whose kind is a number.
    pub(super) fn number(&self, field: Field) -> Option<i64> {
        let hourly = || self.price.per_hour().nanos();
        match field {
            Field::GpuCount => Some(i64::from(self.gpu_count)),
            Field::GpuRam => self.vram.map(size),
            Field::GpuTotalRam => self
                .vram
                .map(|vram| size(vram).saturating_mul(i64::from(self.gpu_count))),
            Field::ComputeCap => self
                .compute_capability
                .map(|(major, minor)| i64::from(major) * 10 + i64::from(minor)),
            Field::Cuda => self.compute_capability.map(newest_cuda),
            Field::Tflops => self.tenths(),
            Field::TflopsPerDollar => self.tenths().map(|tenths| per_dollar(tenths, hourly())),
            Field::CpuCores => self.vcpu_milli.map(i64::from),
            Field::CpuRam => self.memory.map(size),
            Field::DiskSpace => self.disk.map(size),
            Field::Price => Some(hourly()),
            Field::GpuPrice => (self.gpu_count > 0).then(|| hourly() / i64::from(self.gpu_count)),
            Field::Reliability => self
                .reliability_permille
                .map(|permille| i64::from(permille) * 1_000),
            Field::Tier => Some(self.tier as i64),
            Field::Sale => Some(self.sale as i64),
            Field::Verified => Some(i64::from(self.tier == Tier::Secure)),
            Field::Rentable => Some(i64::from(self.standing == Standing::Rentable)),
            Field::StorageCost => self.storage.map(monthly),
            Field::Egress => self.egress.map(Money::nanos),
            Field::Ingress => self.ingress.map(Money::nanos),
            Field::GpuName | Field::GpuArch | Field::Region | Field::Supplier | Field::Machine => {
                None
            }
        }
    }

    fn tenths(&self) -> Option<i64> {
        let tenths = i64::from(self.tflops?.tenths());
        Some(tenths * i64::from(self.gpu_count))
    }
}

/// Returns the memory that a GPU is said to have: drivers report a little less than what is sold
/// as 24 GB, and people ask for 24.
///
/// [`is_sold_as`] says how much less than the type's own size is that size. Of a type that nobody knows
/// it is the next whole number of GB.
pub fn nominal_vram(reported: Bytes, kind: Option<&GpuType>) -> Bytes {
    let whole = || Bytes::gib(reported.get().div_ceil(1 << 30).min(1 << 33));
    let sold = kind.map_or_else(whole, |kind| kind.vram);
    match is_sold_as(reported, sold) {
        true => sold.max(reported),
        false => reported,
    }
}

/// Returns the memory of a GPU that a program can count on, which is less than it is sold with: what its
/// driver reports. A size as it is sold, in a price list, is read as what the type's driver does.
pub fn usable_vram(said: Bytes, kind: Option<&GpuType>) -> Bytes {
    match kind {
        Some(kind) if said >= kind.vram => kind.usable().min(said),
        Some(_) | None => said,
    }
}

/// Returns the newest CUDA whose tools still make code for GPUs of that capability, times 100.
fn newest_cuda(capability: (u8, u8)) -> i64 {
    match capability {
        (0..=2, _) => 800,
        (3, 0..=4) => 1_002,
        (3, _) => 1_108,
        (4..=6, _) | (7, 0..=4) => 1_209,
        _ => ENDLESS,
    }
}

fn size(bytes: Bytes) -> i64 {
    i64::try_from(bytes.get()).unwrap_or(ENDLESS)
}

/// Returns tenths of TFLOPS for a dollar an hour; what is free gives without end.
fn per_dollar(tenths: i64, hourly: i64) -> i64 {
    if hourly <= 0 {
        return ENDLESS;
    }
    let product = i128::from(tenths) * 1_000_000_000 / i128::from(hourly);
    i64::try_from(product).unwrap_or(ENDLESS)
}

fn monthly(rate: Rate) -> i64 {
    let month = Span::from_millis(Per::Month.millis());
    rate.accrued(month).map_or(ENDLESS, Money::nanos)
}

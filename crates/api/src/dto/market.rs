//! The market as it travels: types of GPU, prices of everybody, and the catalogue.

use super::{Gpus, Price};
use crate::text;
use livery_domain::market::Sale;
use livery_domain::offer::Tier;
use livery_units::{Bytes, Day, Money, OfferId};
use serde::{Deserialize, Serialize};

/// Every type of GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuList {
    /// The types.
    pub gpus: Vec<GpuType>,
}

/// A type of GPU, and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuType {
    /// The canonical name.
    pub name: String,
    /// How else it is written.
    pub aliases: Vec<String>,
    /// Memory of one.
    #[serde(with = "text::size")]
    pub vram: Bytes,
    /// The architecture's name; empty when it is not known.
    pub architecture: String,
    /// The CUDA compute capability, such as `8.6`.
    pub compute_capability: Option<String>,
    /// Dense tensor throughput in FP16, in TFLOPS, such as `82.6`.
    pub tflops: Option<String>,
    /// What a program can count on of its memory.
    #[serde(with = "text::size")]
    pub usable: Bytes,
    /// Where these figures were published.
    pub source: String,
    /// The day on which they stood there.
    #[serde(with = "text")]
    pub as_of: Day,
    /// Who has it, the cheapest first.
    pub sellers: Vec<Seller>,
}

/// A supplier that has a type of GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// The supplier.
    pub supplier: String,
    /// Its name as people write it.
    pub title: String,
    /// Its lowest price of one such GPU on demand, in an hour.
    #[serde(with = "text::dollars")]
    pub from: Money,
    /// Where the range ends that this price is the lower end of.
    #[serde(with = "text::dollars_option")]
    pub up_to: Option<Money>,
    /// How many such GPUs the machine of that price has: fewer may not be sold.
    pub count: u32,
    /// Whether it can be rented from here now.
    pub rentable: bool,
    /// Whether the figure is older than 30 days.
    pub dated: bool,
}

/// What is sought in the whole market.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MarketQuery {
    /// Conditions in the filter language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Fields to sort by, with commas between; by price when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// Offers and catalogue rows of everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketRows {
    /// In the order asked for.
    pub rows: Vec<MarketRow>,
    /// What the filter could not check.
    #[serde(default)]
    pub untold: Untold,
}

/// What a filter could not check: offers that it leaves out only because they do not tell what it asks
/// for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Untold {
    /// How many.
    pub rows: usize,
    /// Each field that some of them do not tell.
    pub fields: Vec<UntoldField>,
}

/// A field that some offers do not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntoldField {
    /// Its name in the filter language.
    pub field: String,
    /// How many do not.
    pub rows: usize,
}

/// Where a price is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A supplier offers it now, and it can be rented from here.
    Rentable,
    /// It stands in the catalogue; its supplier is set up here and did not answer.
    Silent,
    /// It stands in the catalogue; its supplier is not set up here.
    Listed,
}

/// One price of one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketRow {
    /// Who sells it.
    pub supplier: String,
    /// Its name as people write it.
    pub title: String,
    /// The offer, when it can be rented now.
    #[serde(with = "text::option")]
    pub offer: Option<OfferId>,
    /// The instance or machine type, in the supplier's words; empty where there is none.
    pub machine: String,
    /// Its GPUs; none for a CPU machine.
    pub gpus: Option<Gpus>,
    /// Virtual CPUs in thousandths, where known.
    pub vcpu_milli: Option<u32>,
    /// Memory, where known.
    #[serde(with = "text::size_option")]
    pub memory: Option<Bytes>,
    /// Disk, where known.
    #[serde(with = "text::size_option")]
    pub disk: Option<Bytes>,
    /// Where, in the supplier's own words.
    pub region: String,
    /// Data centre, somebody's machine, or this one.
    #[serde(with = "text")]
    pub tier: Tier,
    /// How it is sold.
    #[serde(with = "text")]
    pub sale: Sale,
    /// What the whole machine costs; the lower end of a range.
    pub price: Price,
    /// The upper end of a range.
    pub price_high: Option<Price>,
    /// Share of the time that the machine was up, in thousandths.
    pub reliability_permille: Option<u16>,
    /// Where the price is from.
    pub standing: Standing,
    /// Where a catalogue's figure was published.
    pub source: Option<String>,
    /// The day on which it stood there.
    #[serde(with = "text::option")]
    pub as_of: Option<Day>,
    /// Whether it is older than 30 days.
    pub dated: bool,
}

/// The catalogue in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// The day of its release.
    #[serde(with = "text")]
    pub released: Day,
    /// Whether it came with the program; otherwise a bundle was put in its place.
    pub built_in: bool,
    /// The bundle's SHA-256.
    pub sha256: String,
    /// The day of the list that came with the program, when it is newer than this one.
    #[serde(with = "text::option")]
    pub newer_built_in: Option<Day>,
    /// Why the bundle that was put in the built-in one's place does not count, when it does not.
    pub unreadable: Option<String>,
    /// How many types of GPU it has.
    pub gpus: usize,
    /// Each provider's terms and figures in short.
    pub providers: Vec<Provider>,
}

/// A provider in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Its name as people write it.
    pub title: String,
    /// How many prices of it there are.
    pub prices: usize,
    /// How many of them are older than 30 days.
    pub dated: usize,
    /// The day of the newest.
    #[serde(with = "text::option")]
    pub newest: Option<Day>,
    /// What its prices lie between in an hour, as its source sums it up.
    pub range: Option<HourlyRange>,
    /// The same for some of its machines only.
    pub tier_ranges: Vec<TierRange>,
    /// Disks of a machine that is up, per GB.
    pub storage_running: Option<Price>,
    /// Disks kept while it is stopped, per GB.
    pub storage_stopped: Option<Price>,
    /// Network volumes, per GB.
    pub network_volume: Option<Price>,
    /// Transfer out, per GB.
    #[serde(with = "text::dollars_option")]
    pub egress: Option<Money>,
    /// The least that is paid in advance.
    #[serde(with = "text::dollars_option")]
    pub minimum_top_up: Option<Money>,
    /// Time is charged in whole steps of this many milliseconds.
    pub increment_ms: u64,
    /// Interruptions of spot machines that are expected in a million hours.
    pub interruptions_per_million_hours: Option<u32>,
    /// Where these terms were published.
    pub source: String,
    /// The day on which they stood there.
    #[serde(with = "text")]
    pub as_of: Day,
    /// Whether they are older than 30 days.
    pub terms_dated: bool,
}

/// What prices lie between, in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourlyRange {
    /// The lower end.
    #[serde(with = "text::dollars")]
    pub low: Money,
    /// The upper end.
    #[serde(with = "text::dollars")]
    pub high: Money,
}

/// What the prices of a tier lie between, in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierRange {
    /// The tier.
    #[serde(with = "text")]
    pub tier: Tier,
    /// The range.
    #[serde(flatten)]
    pub range: HourlyRange,
}

/// Which bundle is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleQuery {
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
}

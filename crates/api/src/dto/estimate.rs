//! What work costs, as it travels: the question, and the answer side by side.

use super::{Gpus, MarketRow, Offer, Price, Standing, Submission};
use crate::text;
use livery_domain::market::Sale;
use livery_domain::offer::Tier;
use livery_units::{Bytes, Day, Money};
use serde::{Deserialize, Serialize};

/// A question about what work costs; everything left out is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inquiry {
    /// The GPUs that are asked about, each of every provider; one GPU of any kind when empty.
    pub gpus: Vec<WantedGpus>,
    /// A job whose needs are asked about instead.
    pub job: Option<Submission>,
    /// The ways of sale that are looked at; on demand when empty.
    pub sales: Vec<String>,
    /// Only figures whose source has this in it.
    pub source: Option<String>,
    /// Only what this lets through, in the filter language.
    pub filter: Option<String>,
    /// The provider against whose cost the savings are; the dearest when left out.
    pub against: Option<String>,
    /// How many sessions or experiments.
    pub sessions: u32,
    /// How long each takes, in milliseconds.
    pub each_ms: u64,
    /// Disk beside what comes with the machine.
    #[serde(with = "text::size")]
    pub disk: Bytes,
    /// How long that disk is kept while the machine is stopped, in milliseconds.
    pub disk_kept_ms: u64,
    /// A network volume.
    #[serde(with = "text::size")]
    pub volume: Bytes,
    /// How long the network volume is kept, in milliseconds.
    pub volume_kept_ms: u64,
    /// What goes to the machine.
    #[serde(with = "text::size")]
    pub transfer_in: Bytes,
    /// What comes back.
    #[serde(with = "text::size")]
    pub transfer_out: Bytes,
    /// How often the work is saved, in milliseconds.
    pub checkpoint_ms: Option<u64>,
}

impl Default for Inquiry {
    fn default() -> Self {
        Self {
            gpus: Vec::new(),
            job: None,
            sales: Vec::new(),
            source: None,
            filter: None,
            against: None,
            sessions: 1,
            each_ms: 3_600_000,
            disk: Bytes::ZERO,
            disk_kept_ms: 0,
            volume: Bytes::ZERO,
            volume_kept_ms: 0,
            transfer_in: Bytes::ZERO,
            transfer_out: Bytes::ZERO,
            checkpoint_ms: None,
        }
    }
}

/// GPUs that are asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedGpus {
    /// Only of this provider.
    #[serde(default)]
    pub supplier: Option<String>,
    /// The model, in any spelling.
    pub model: String,
    /// How many.
    pub count: u32,
}

/// What work costs with everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// One line for each provider and way of sale; the cheapest first for each of the GPUs that were
    /// asked about.
    pub lines: Vec<QuoteLine>,
    /// What nobody sells of what was asked about, a sentence for each.
    pub unsold: Vec<String>,
    /// Suppliers that are set up here and did not answer.
    pub silent: Vec<SilentSupplier>,
}

/// A supplier that did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentSupplier {
    /// Its name as people write it.
    pub title: String,
    /// Why, in words for the user.
    pub why: String,
}

/// What work costs with one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    /// The provider.
    pub supplier: String,
    /// Its name as people write it.
    pub title: String,
    /// The instance or machine type; empty where there is none.
    pub machine: String,
    /// Its GPUs; none for a CPU machine.
    pub gpus: Option<Gpus>,
    /// Where, in the provider's own words.
    pub region: String,
    /// Data centre, somebody's machine, or this one.
    #[serde(with = "text")]
    pub tier: Tier,
    /// How it is sold.
    #[serde(with = "text")]
    pub sale: Sale,
    /// What the machine costs; the lower end of a range.
    pub price: Price,
    /// The upper end of a range.
    pub price_high: Option<Price>,
    /// Throughput of all its GPUs in TFLOPS, where published.
    pub tflops: Option<String>,
    /// What the work costs; none when that cannot be said.
    pub cost: Option<Cost>,
    /// Why it cannot be said.
    pub problem: Option<String>,
    /// How much cheaper than the reference it is, in per cent; none where one of both is not wholly
    /// known.
    pub saving_percent: Option<i64>,
    /// What the provider asks as a range that begins below this price: a figure counts before it.
    pub lower_range: Option<MarketRow>,
    /// What sessions of 5 minutes, 30 minutes and 2 hours cost.
    pub sessions: Option<SessionCosts>,
    /// For a spot machine: what the same work costs on demand.
    #[serde(with = "text::dollars_option")]
    pub on_demand_total: Option<Money>,
    /// Whether it is the cheapest of all lines whose cost is wholly known.
    pub cheapest: bool,
    /// Whether it computes fastest of all lines, by its GPUs' published throughput.
    pub fastest: bool,
    /// Whether the price is that of its GPUs alone, and the machine that they are put into is paid beside
    /// them; such a line is never the cheapest.
    #[serde(default)]
    pub gpu_only: bool,
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

/// What work costs, by its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The machine.
    #[serde(with = "text::dollars")]
    pub compute: Money,
    /// Disks and network volume.
    #[serde(with = "text::dollars")]
    pub storage: Money,
    /// Transfer in and out.
    #[serde(with = "text::dollars")]
    pub transfer: Money,
    /// All of it.
    #[serde(with = "text::dollars")]
    pub total: Money,
    /// All of it, for each hour of work.
    #[serde(with = "text::dollars")]
    pub hourly: Money,
    /// How long the machine is expected to run, in milliseconds.
    pub running_ms: u64,
    /// How long it is charged for, in milliseconds.
    pub billed_ms: u64,
    /// Interruptions that are expected, in thousandths; none for machines that are not taken away.
    pub interruptions_milli: Option<u64>,
    /// Running time that they lose, in milliseconds.
    pub lost_ms: Option<u64>,
    /// What is counted as nothing because nobody publishes it; the total is then the least that the
    /// work costs.
    pub unknown: Vec<String>,
    /// The day of the provider's terms that storage and transfer are counted by; none where none of
    /// them is.
    #[serde(default, with = "text::option")]
    pub terms_as_of: Option<Day>,
    /// Whether it is older than 30 days.
    #[serde(default)]
    pub terms_dated: bool,
}

/// A job that will be submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastQuestion {
    /// The job; its files need not be there.
    pub job: Submission,
    /// How long it is expected to take, in milliseconds.
    #[serde(default)]
    pub expected_ms: Option<u64>,
}

/// What a job will cost on the offer that would be chosen now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// The offer.
    pub offer: Offer,
    /// What its disks cost in an hour, beside it.
    #[serde(with = "text::dollars")]
    pub storage_hourly: Money,
    /// For how long that is reckoned, in milliseconds.
    pub time_ms: Option<u64>,
    /// What it costs in that time.
    #[serde(with = "text::dollars_option")]
    pub total: Option<Money>,
    /// All of it in one line.
    pub words: String,
}

/// What the three sessions cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCosts {
    /// 5 minutes.
    #[serde(with = "text::dollars")]
    pub quick: Money,
    /// 30 minutes.
    #[serde(with = "text::dollars")]
    pub standard: Money,
    /// 2 hours.
    #[serde(with = "text::dollars")]
    pub thorough: Money,
}

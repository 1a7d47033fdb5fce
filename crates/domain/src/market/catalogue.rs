//! The price list: GPU types, and what is for sale where and at what price.

use super::Terms;
use crate::gpu::{GpuModel, Gpus, is_sold_as, least_reported};
use crate::offer::{SupplierName, Tier, words};
use livery_units::{Bytes, Day, Rate, Span, Timestamp};
use std::fmt;
use std::str::FromStr;

/// A figure that is older than this is shown as dated.
const FRESH: Span = Span::from_secs(30 * 86_400);

/// A type of GPU, under one name however providers write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuType {
    /// The canonical name.
    pub model: GpuModel,
    /// How providers and drivers write it.
    pub aliases: Vec<Alias>,
    /// Memory of one, as it is sold.
    pub vram: Bytes,
    /// What its driver reports of that, where it is known.
    pub usable: Option<Bytes>,
    /// The architecture's name, such as `Ampere`.
    pub architecture: String,
    /// What CUDA calls its abilities, as (major, minor); none for other makers' GPUs.
    pub compute_capability: Option<(u8, u8)>,
    /// How fast it multiplies, as its maker publishes it; none where nothing is published.
    pub tflops: Option<Tflops>,
    /// Where these figures were published.
    pub source: String,
    /// The day on which they stood there. What a GPU is does not change, so they are never dated.
    pub as_of: Day,
}

/// A spelling of a GPU's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Who writes it so; none when everybody may.
    pub supplier: Option<SupplierName>,
    /// The spelling.
    pub name: String,
}

/// Dense FP16 or BF16 tensor throughput in tenths of a TFLOPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tflops(u32);

/// How a machine is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sale {
    /// At a fixed price; it is not taken away.
    OnDemand,
    /// By a bid; it may be taken away.
    Spot,
    /// By the month.
    Monthly,
    /// By the second of work done, without a machine of one's own.
    Serverless,
}

words!(
    Sale,
    "way of sale",
    "on-demand, spot, monthly, serverless",
    OnDemand = "on-demand",
    Spot = "spot",
    Monthly = "monthly",
    Serverless = "serverless"
);

/// What a price covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Covers {
    /// The whole machine.
    Machine,
    /// Its GPUs alone: the machine that they are put into is paid beside them.
    Accelerator,
}

words!(
    Covers,
    "thing that a price covers",
    "machine, accelerator",
    Machine = "machine",
    Accelerator = "accelerator"
);

/// One row of the price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Who sells it.
    pub supplier: SupplierName,
    /// The instance or machine type, in the supplier's words.
    pub machine: String,
    /// Its GPUs; none for a CPU machine.
    pub gpus: Option<Gpus>,
    /// Virtual CPUs in thousandths, where published.
    pub vcpu_milli: Option<u32>,
    /// Memory, where published.
    pub memory: Option<Bytes>,
    /// Disk, where published.
    pub disk: Option<Bytes>,
    /// Where, in the supplier's own words; empty for everywhere.
    pub region: String,
    /// Share of the time that it was up, in thousandths, where published.
    pub reliability_permille: Option<u16>,
    /// Datacentre, community or this machine.
    pub tier: Tier,
    /// How it is sold.
    pub sale: Sale,
    /// What the price covers.
    pub covers: Covers,
    /// What that costs; the lower end where a range is published.
    pub price: Rate,
    /// The upper end of a published range.
    pub price_high: Option<Rate>,
    /// Where the figure was published.
    pub source: String,
    /// The day on which the figure stood there.
    pub as_of: Day,
}

/// Every provider's prices, as of one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// The day of the release.
    pub released: Day,
    /// All types of GPU.
    pub gpus: Vec<GpuType>,
    /// All prices.
    pub listings: Vec<Listing>,
    /// Each provider's terms.
    pub terms: Vec<Terms>,
}

/// Returns whether a figure of that day is older than 30 days.
pub fn is_dated(as_of: Day, now: Timestamp) -> bool {
    as_of.age(now) > FRESH
}

impl Listing {
    /// Returns whether the figure is older than 30 days.
    pub fn is_dated(&self, now: Timestamp) -> bool {
        is_dated(self.as_of, now)
    }
}

impl Catalogue {
    /// Returns the type with that name, in any spelling: its canonical name, or any alias.
    ///
    /// A name that leaves something out is taken when it fits one type only: `4090` is `RTX 4090`,
    /// and `A100` is none, because there are two sizes of it ([`Catalogue::gpus_like`]).
    pub fn gpu(&self, name: &str) -> Option<&GpuType> {
        let wanted = GpuModel::parse(name);
        let by_name = self.gpus.iter().find(|gpu| gpu.model == wanted);
        by_name
            .or_else(|| self.gpus.iter().find(|gpu| gpu.is_called(&wanted)))
            .or_else(|| match self.satisfying(&wanted)[..] {
                [only] => Some(only),
                _ => None,
            })
    }

    /// Returns the type of a GPU that somebody offers, whose name may be more or less exact than
    /// ours: the driver's `A100 SXM4 80GB` is our `A100 80GB`, and so is an `A100` with that much
    /// memory.
    pub fn type_of(&self, model: &GpuModel, vram: Bytes) -> Option<&GpuType> {
        let named = self.gpus.iter().find(|gpu| gpu.model == *model);
        let is_near = |gpu: &&GpuType| {
            let related = model.satisfies(&gpu.model) || gpu.model.satisfies(model);
            related && is_sold_as(vram, gpu.vram) && is_sold_as(gpu.vram, vram)
        };
        named
            .or_else(|| self.gpus.iter().find(is_near))
            .or_else(|| self.gpus.iter().find(|gpu| gpu.is_called(model)))
    }

    /// Returns every type that a request for that name would be content with.
    pub fn gpus_like(&self, name: &str) -> Vec<&GpuType> {
        let wanted = GpuModel::parse(name);
        let found = self.satisfying(&wanted);
        match found.is_empty() {
            false => found,
            true => self.gpu(name).into_iter().collect(),
        }
    }

    /// Returns a provider's terms.
    pub fn terms_of(&self, supplier: &SupplierName) -> Option<&Terms> {
        self.terms.iter().find(|terms| terms.supplier == *supplier)
    }

    fn satisfying(&self, wanted: &GpuModel) -> Vec<&GpuType> {
        let would_do = |gpu: &&GpuType| gpu.model.satisfies(wanted);
        self.gpus.iter().filter(would_do).collect()
    }
}

impl GpuType {
    /// Returns how much of its memory a program can count on: what its driver reports, and where nobody
    /// says what that is, the least that drivers do.
    pub fn usable(&self) -> Bytes {
        self.usable.unwrap_or_else(|| least_reported(self.vram))
    }

    fn is_called(&self, wanted: &GpuModel) -> bool {
        let mut names = self
            .aliases
            .iter()
            .map(|alias| GpuModel::parse(&alias.name));
        names.any(|name| name == *wanted)
    }
}

impl Tflops {
    /// Returns the throughput of that many.
    pub const fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// Returns tenths of a TFLOPS.
    pub const fn tenths(self) -> u32 {
        self.0
    }
}

/// Prints `312` or `82.6`.
impl fmt::Display for Tflops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 % 10 {
            0 => format!("{}", self.0 / 10),
            tenth => format!("{}.{tenth}", self.0 / 10),
        };
        f.pad(&text)
    }
}

/// Why a text is not a throughput.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a throughput in TFLOPS (write 312 or 82.6)")]
pub struct ParseTflopsError(String);

impl FromStr for Tflops {
    type Err = ParseTflopsError;

    fn from_str(text: &str) -> Result<Self, ParseTflopsError> {
        let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let parts = (digits(whole) && digits(tenth) && tenth.len() == 1)
            .then(|| (whole.parse::<u32>(), tenth.parse::<u32>()));
        let Some((Ok(whole), Ok(tenth))) = parts else {
            return Err(ParseTflopsError(text.to_owned()));
        };
        let tenths = whole.checked_mul(10).and_then(|t| t.checked_add(tenth));
        tenths
            .map(Self)
            .ok_or_else(|| ParseTflopsError(text.to_owned()))
    }
}

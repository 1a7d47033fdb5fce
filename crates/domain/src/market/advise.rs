//! Local or cloud: how much GPU memory a training needs, and where there is enough of it.

use super::memory::{Need, need};
use super::quote::TENSOR_CORES;
use super::{Catalogue, Covers, Quote, Sale};
use crate::gpu::{GpuReality, Gpus};
use crate::offer::{Tier, words};
use livery_units::Bytes;
use std::fmt;
use std::str::FromStr;

/// What is to be trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// A LoRA for Stable Diffusion XL.
    SdxlLora,
    /// A LoRA for Flux.
    FluxLora,
    /// A language model, further.
    LlmFineTune {
        /// How large it is.
        params: Params,
        /// What of it is trained.
        method: Method,
        /// Tokens in a sequence; sequences are taken one at a time.
        context: u32,
    },
}

/// How much of a language model is trained, and how the rest is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// All of it.
    Full,
    /// Small matrices beside weights that stay as they are.
    Lora,
    /// The same beside weights of four bits.
    QLora,
}

words!(
    Method,
    "way of fine-tuning",
    "full, lora, qlora",
    Full = "full",
    Lora = "lora",
    QLora = "qlora"
);

/// The number of a model's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Params(u64);

/// Why a text is not a number of parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number of parameters (write 7B, 1.5B or 350M)")]
pub struct ParseParamsError(String);

/// The machine that is asked from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThisMachine {
    /// It has these NVIDIA GPUs, those of one model together.
    Gpus(Vec<Gpus>),
    /// It is a Mac with Apple's own GPU, on which training is slow.
    AppleSilicon,
    /// It has no GPU to train on.
    NoGpu,
}

/// Whether this machine will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Here {
    /// It will.
    WillDo {
        /// On so many of these.
        gpus: Gpus,
        /// What is left on each.
        spare: Bytes,
    },
    /// Its GPUs are too small.
    TooSmall {
        /// The best of them, all together.
        gpus: Gpus,
        /// What each lacks.
        lacking: Bytes,
    },
    /// Its GPUs have no tensor cores that trainers know.
    NotForTraining {
        /// The first of them.
        gpus: Gpus,
        /// Why.
        why: &'static str,
    },
    /// Training on it is slow.
    AppleSilicon,
    /// There is no GPU.
    NoGpu,
}

/// Where to train.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// How much memory it takes, and why.
    pub need: Need,
    /// Whether this machine will do.
    pub here: Here,
    /// The quotes that will do, by their index, the cheapest first. Only whole machines of others
    /// that are rented by the hour are looked at, on demand and spot.
    pub elsewhere: Vec<usize>,
}

/// Says where a task can be done: on this machine, and on which of the quoted ones.
pub fn advise(
    task: &Task,
    machine: &ThisMachine,
    quotes: &[Quote],
    catalogue: &Catalogue,
) -> Advice {
    let need = need(task);
    let vram = |gpus: &Gpus| need.memory_of(gpus, catalogue);
    let will_do = |quote: &Quote| {
        let by_the_hour = matches!(quote.sale, Sale::OnDemand | Sale::Spot);
        let enough = quote.gpus.as_ref().is_some_and(|gpus| {
            gpus.reality == GpuReality::Real && need.fits(gpus.count, vram(gpus))
        });
        let is_whole = quote.covers == Covers::Machine;
        // Of a GPU that nobody knows it is not said that it will do.
        let trains = quote.compute_capability >= Some(TENSOR_CORES);
        by_the_hour && is_whole && trains && quote.tier != Tier::Local && enough
    };
    let mut elsewhere: Vec<usize> = (0..quotes.len())
        .filter(|at| will_do(&quotes[*at]))
        .collect();
    elsewhere.sort_by_key(|at| {
        let quote = &quotes[*at];
        let count = quote.gpus.as_ref().map_or(0, |gpus| gpus.count);
        // Of equal prices, the one that may not be taken away.
        (quote.price.per_hour(), quote.sale, count, *at)
    });
    Advice {
        here: here(&need, machine, catalogue),
        need,
        elsewhere,
    }
}

/// Returns why trainers can do nothing with a GPU; none also for one that nobody knows.
fn unfit(gpus: &Gpus, catalogue: &Catalogue) -> Option<&'static str> {
    let kind = catalogue.type_of(&gpus.model, gpus.vram)?;
    match kind.compute_capability {
        None => Some("is not NVIDIA's, and most trainers want CUDA"),
        Some(known) if known < TENSOR_CORES => {
            Some("has no tensor cores, and trainers no longer know such GPUs")
        }
        Some(_) => None,
    }
}

fn here(need: &Need, machine: &ThisMachine, catalogue: &Catalogue) -> Here {
    let all = match machine {
        ThisMachine::Gpus(all) => all,
        ThisMachine::AppleSilicon => return Here::AppleSilicon,
        ThisMachine::NoGpu => return Here::NoGpu,
    };
    let mut nearest: Option<(Bytes, &Gpus)> = None;
    let mut useless = None;
    for gpus in all
        .iter()
        .filter(|gpus| gpus.reality == GpuReality::Real && gpus.count > 0)
    {
        if let Some(why) = unfit(gpus, catalogue) {
            let gpus = gpus.clone();
            useless = useless.or(Some(Here::NotForTraining { gpus, why }));
            continue;
        }
        let has = need.memory_of(gpus, catalogue);
        // No more of them than are needed.
        if let Some(count) = need.least(has).filter(|count| *count <= gpus.count) {
            let gpus = Gpus {
                count,
                ..gpus.clone()
            };
            let spare = has.saturating_minus(need.each(count));
            return Here::WillDo { gpus, spare };
        }
        let lacking = need.each(gpus.count).saturating_minus(has);
        if nearest.is_none_or(|(least, _)| lacking < least) {
            nearest = Some((lacking, gpus));
        }
    }
    let too_small = nearest.map(|(lacking, gpus)| Here::TooSmall {
        gpus: gpus.clone(),
        lacking,
    });
    too_small.or(useless).unwrap_or(Here::NoGpu)
}

/// Says it in a sentence.
impl fmt::Display for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WillDo { gpus, spare } => {
                write!(
                    f,
                    "this machine will do: {gpus}, with {spare} to spare on each"
                )
            }
            Self::TooSmall { gpus, lacking } => {
                write!(
                    f,
                    "this machine will not do: {gpus} lacks {lacking} on each"
                )
            }
            Self::NotForTraining { gpus, why } => {
                write!(f, "this machine will not do: {} {why}", gpus.model)
            }
            Self::AppleSilicon => f.write_str(
                "this machine will not do: training on Apple's GPUs is slow, and most trainers \
                 want CUDA",
            ),
            Self::NoGpu => f.write_str("this machine will not do: it has no NVIDIA GPU"),
        }
    }
}

impl Params {
    /// Makes a number of parameters.
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

const SCALES: [(&str, u64); 4] = [
    ("t", 1_000_000_000_000),
    ("b", 1_000_000_000),
    ("m", 1_000_000),
    ("k", 1_000),
];

/// No model is larger, and no sum of its bytes too large for arithmetic.
const PARAMS_MAX: u64 = 1_000_000_000_000_000;

/// Prints `7B`, `1.5B`, `350M`.
impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((name, scale)) = SCALES.iter().find(|(_, scale)| self.0 >= *scale) else {
            return f.pad(&self.0.to_string());
        };
        let thousandths = format!("{:03}", self.0 % scale / (scale / 1_000));
        let text = format!("{}.{thousandths}", self.0 / scale);
        let short = text.trim_end_matches('0').trim_end_matches('.');
        f.pad(&format!("{short}{}", name.to_uppercase()))
    }
}

/// Reads `7B`, `1.5b`, `350M`, or a whole number of at least a million.
impl FromStr for Params {
    type Err = ParseParamsError;

    fn from_str(text: &str) -> Result<Self, ParseParamsError> {
        let fail = || ParseParamsError(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let scaled = SCALES
            .iter()
            .find_map(|(name, scale)| Some((lower.strip_suffix(name)?, *scale)));
        let (number, scale) = scaled.unwrap_or((&lower, 1));
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !is_digits(part) || part.len() > 3 || (scale == 1 && part != "0") {
            return Err(fail());
        }
        let whole: u64 = whole.parse().map_err(|_| fail())?;
        let part: u64 = format!("{part:0<3}").parse().map_err(|_| fail())?;
        let count = whole
            .checked_mul(scale)
            .and_then(|n| n.checked_add(part * scale / 1_000));
        let is_model = |count: &u64| (1_000_000..=PARAMS_MAX).contains(count);
        count.filter(is_model).map(Self).ok_or_else(fail)
    }
}

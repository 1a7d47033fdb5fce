//! "Local or cloud?" as it travels.

use super::{Gpus, MarketRow};
use crate::text;
use livery_units::Bytes;
use serde::{Deserialize, Serialize};

/// A training, and the machine that is asked from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdviceQuestion {
    /// What is to be trained: `sdxl-lora`, `flux-lora` or `llm-finetune`.
    pub task: String,
    /// The size of a language model, such as `7B`.
    #[serde(default)]
    pub params: Option<String>,
    /// How much of it is trained: `full`, `lora` or `qlora`; `lora` when left out.
    #[serde(default)]
    pub method: Option<String>,
    /// Tokens in a sequence; 2,048 when left out.
    #[serde(default)]
    pub context: Option<u32>,
    /// The machine.
    #[serde(default)]
    pub machine: Machine,
}

/// A machine that may do for a training.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Machine {
    /// Its GPUs, those of one model together; those without a size of memory have what the
    /// catalogue knows of their type.
    pub gpus: Vec<Gpus>,
    /// Whether it has Apple's own GPU.
    pub apple_silicon: bool,
}

/// What to do about a training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// How much GPU memory it takes.
    pub need: MemoryNeed,
    /// Whether the machine will do.
    pub will_do: bool,
    /// The same in words.
    pub here: String,
    /// Why the first of the others is the one to take, in words.
    pub reason: String,
    /// Machines of others that will do, the cheapest first.
    pub elsewhere: Vec<MarketRow>,
}

/// How much GPU memory a training takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryNeed {
    /// On one GPU alone.
    #[serde(with = "text::size")]
    pub one: Bytes,
    /// What it is made of.
    pub parts: Vec<MemoryPart>,
    /// With so much it is also quick.
    #[serde(with = "text::size_option")]
    pub comfortable: Option<Bytes>,
    /// Where the figures come from.
    pub source: String,
}

/// A part of what a training takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryPart {
    /// What it is.
    pub what: String,
    /// How it was reckoned.
    pub how: String,
    /// How much it is.
    #[serde(with = "text::size")]
    pub size: Bytes,
    /// Whether it is spread over all GPUs; otherwise each has all of it.
    pub spread: bool,
}

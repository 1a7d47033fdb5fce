//! The files' shape: what TOML and serde see, each value with its place.

use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A text with its place.
pub(crate) type Text = Spanned<String>;

/// A file, or a whole bundle.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sheet {
    pub(crate) format: Option<Spanned<i64>>,
    pub(crate) released: Option<Text>,
    #[serde(default)]
    pub(crate) gpu: Vec<GpuShape>,
    #[serde(default)]
    pub(crate) provider: Vec<ProviderShape>,
}

/// `[[gpu]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GpuShape {
    pub(crate) name: Text,
    pub(crate) vram: Text,
    pub(crate) usable: Option<Text>,
    pub(crate) architecture: Text,
    pub(crate) compute: Option<Text>,
    pub(crate) tflops: Option<Text>,
    pub(crate) source: Text,
    pub(crate) as_of: Text,
    #[serde(default)]
    pub(crate) aliases: Vec<Text>,
    #[serde(default)]
    pub(crate) called: BTreeMap<Text, Vec<Text>>,
}

/// `[[provider]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderShape {
    pub(crate) name: Text,
    pub(crate) terms: TermsShape,
    #[serde(default)]
    pub(crate) ranges: Vec<RangeShape>,
    #[serde(default)]
    pub(crate) prices: Vec<PricesShape>,
}

/// `[provider.terms]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermsShape {
    pub(crate) title: Text,
    pub(crate) storage_running: Option<Text>,
    pub(crate) storage_stopped: Option<Text>,
    pub(crate) network_volume: Option<Text>,
    pub(crate) egress: Option<Text>,
    pub(crate) ingress: Option<Text>,
    pub(crate) minimum_top_up: Option<Text>,
    pub(crate) increment: Text,
    pub(crate) minimum: Text,
    pub(crate) interruptions_per_million_hours: Option<Spanned<i64>>,
    pub(crate) start_up: Text,
    pub(crate) source: Text,
    pub(crate) as_of: Text,
}

/// `[[provider.ranges]]`: what a provider's prices lie between, as somebody sums it up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RangeShape {
    pub(crate) tier: Option<Text>,
    pub(crate) low: Text,
    pub(crate) high: Text,
    pub(crate) source: Text,
    pub(crate) as_of: Text,
}

/// `[[provider.prices]]`: rows that stand in one source on one day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PricesShape {
    pub(crate) source: Text,
    pub(crate) as_of: Text,
    pub(crate) tier: Text,
    pub(crate) region: Option<Text>,
    /// Rows are priced by the GPU, and up to so many of them are sold in one machine.
    pub(crate) gpus_up_to: Option<Spanned<i64>>,
    pub(crate) rows: Vec<Spanned<RowShape>>,
}

/// One row of `rows`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowShape {
    pub(crate) machine: Text,
    pub(crate) gpu: Option<Text>,
    pub(crate) count: Option<Spanned<i64>>,
    pub(crate) vcpu: Option<Text>,
    pub(crate) memory: Option<Text>,
    pub(crate) disk: Option<Text>,
    pub(crate) region: Option<Text>,
    pub(crate) reliability: Option<Text>,
    pub(crate) sale: Option<Text>,
    pub(crate) covers: Option<Text>,
    pub(crate) price: Text,
}

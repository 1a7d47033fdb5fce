//! GPU models under one name each, however suppliers write them.

use livery_units::Bytes;
use std::fmt;

/// A GPU model under its canonical name, such as `RTX 4090`, `A100 80GB` or `H100 SXM`.
///
/// Two spellings of one model compare equal because both were parsed to the canonical name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GpuModel(String);

/// Words that some suppliers and drivers put around the model.
const FILLER_WORDS: [&str; 7] = [
    "nvidia",
    "geforce",
    "tesla",
    "quadro",
    "amd",
    "instinct",
    "generation",
];

impl GpuModel {
    /// Reads any supplier's or driver's spelling: `RTX4090`, `NVIDIA GeForce RTX 4090`, `rtx-4090`.
    ///
    /// Unknown models keep their own words, upper-cased: a new GPU needs no release of ours.
    pub fn parse(text: &str) -> Self {
        // By way of upper case, so that letters which only meet there are one letter from the start.
        let lower = text.to_uppercase().to_lowercase();
        let all: Vec<&str> = lower
            .split(|c: char| c.is_whitespace() || c == '-' || c == '_')
            .filter(|word| !word.is_empty())
            .collect();
        let is_filler = |word: &&str| FILLER_WORDS.contains(word);
        // Filler alone is all the name there is.
        let words = match all.iter().all(is_filler) {
            true => all,
            false => all.into_iter().filter(|word| !is_filler(word)).collect(),
        };
        let mut name: Vec<String> = Vec::new();
        for word in words.iter().flat_map(|word| split_series(word)) {
            match word.as_str() {
                "pcie" | "pci" => name.push("PCIe".to_owned()),
                "ti" => name.push("Ti".to_owned()),
                "super" => name.push("SUPER".to_owned()),
                "ada" => name.push("Ada".to_owned()),
                _ => name.push(word.to_uppercase()),
            }
        }
        Self(name.join(" "))
    }

    /// Returns the canonical name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether an offer of `self` satisfies a request for `wanted`.
    ///
    /// A request may be less exact than an offer: `A100` is satisfied by `A100 80GB` and by
    /// `A100 SXM4 40GB`, and `4090` by `RTX 4090`, but `RTX 4070` is not satisfied by `RTX 4070 Ti`:
    /// only series, memory sizes and form factors may be left out.
    pub fn satisfies(&self, wanted: &Self) -> bool {
        let mut offered = self
            .0
            .split(' ')
            .filter(|word| !wanted.0.split(' ').any(|w| w == *word));
        let all_wanted_are_offered = wanted
            .0
            .split(' ')
            .all(|w| self.0.split(' ').any(|o| o == w));
        all_wanted_are_offered && offered.all(may_be_left_out)
    }
}

impl fmt::Display for GpuModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Splits what users run together: `rtx4090` to `rtx 4090`, `4090ti` to `4090 ti`.
fn split_series(word: &str) -> Vec<String> {
    for series in ["rtx", "gtx"] {
        if let Some(rest) = word
            .strip_prefix(series)
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            let mut parts = vec![series.to_owned()];
            parts.extend(split_series(rest));
            return parts;
        }
    }
    let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match &word[digits..] {
        "ti" | "super" | "ada" if digits > 0 => {
            vec![word[..digits].to_owned(), word[digits..].to_owned()]
        }
        _ => vec![word.to_owned()],
    }
}

fn may_be_left_out(word: &str) -> bool {
    let memory = word
        .strip_suffix("GB")
        .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    memory
        || matches!(
            word,
            "RTX"
                | "GTX"
                | "PCIe"
                | "SXM"
                | "SXM2"
                | "SXM3"
                | "SXM4"
                | "SXM5"
                | "NVL"
                | "HBM3"
                | "HBM2E"
        )
}

/// Whether a GPU is there or only pretended for development.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GpuReality {
    /// A GPU that the driver reported.
    Real,
    /// A GPU that the host was told to pretend; marked in every listing, refused by every gate.
    Simulated,
}

/// Of a card's memory a driver reports so many per cent at least.
const REPORTED_PERCENT: u128 = 92;

/// Returns whether a GPU that has `reported` memory may be called one of `sold`.
///
/// Drivers report less than is sold: 23.99 of an RTX 4090's 24 GB, 22.2 of an A10G's, and error
/// correction takes a sixteenth of a T4's 16. The next smaller sizes (11 below 12) lack more than
/// the eight per cent that are forgiven here.
pub fn is_sold_as(reported: Bytes, sold: Bytes) -> bool {
    u128::from(reported.get()) * 100 >= u128::from(sold.get()) * REPORTED_PERCENT
}

/// Returns the least memory that a driver reports of a GPU that is sold with so much.
pub fn least_reported(sold: Bytes) -> Bytes {
    let least = (u128::from(sold.get()) * REPORTED_PERCENT).div_ceil(100);
    // Less than it was made from.
    Bytes::new(u64::try_from(least).unwrap_or(u64::MAX))
}

/// The GPUs of an offer, a host or a pod: all of one model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gpus {
    /// The model.
    pub model: GpuModel,
    /// How many; at least one.
    pub count: u32,
    /// Memory of each.
    pub vram: Bytes,
    /// Whether they are there.
    pub reality: GpuReality,
}

impl fmt::Display for Gpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.reality {
            GpuReality::Real => "",
            GpuReality::Simulated => " (simulated)",
        };
        f.pad(&format!("{}x {}{mark}", self.count, self.model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_meet_in_one_name() {
        for (text, name) in [
            ("RTX4090", "RTX 4090"),
            ("NVIDIA GeForce RTX 4090", "RTX 4090"),
            ("rtx-4090", "RTX 4090"),
            ("RTX_4090", "RTX 4090"),
            ("RTX4070Ti", "RTX 4070 Ti"),
            ("NVIDIA A100-SXM4-80GB", "A100 SXM4 80GB"),
            ("A100-80GB", "A100 80GB"),
            ("Tesla V100", "V100"),
            ("H100 PCIe", "H100 PCIe"),
            ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
            ("NVIDIA H200", "H200"),
        ] {
            assert_eq!(GpuModel::parse(text).as_str(), name, "{text}");
        }
    }

    #[test]
    fn a_card_may_report_a_little_less_than_it_is_sold_as() {
        for (mib, sold, is) in [
            (24_564, 24, true),  // RTX 4090
            (22_731, 24, true),  // A10G
            (15_360, 16, true),  // T4
            (46_068, 48, true),  // L40S
            (11_264, 12, false), // RTX 2080 Ti
            (24_564, 32, false),
        ] {
            assert_eq!(is_sold_as(Bytes::mib(mib), Bytes::gib(sold)), is, "{mib}");
        }
        for gib in [0, 1, 11, 24, 180, 1 << 33] {
            let sold = Bytes::gib(gib);
            let least = least_reported(sold);
            assert!(is_sold_as(least, sold) && least <= sold, "{gib}");
            let less = least.saturating_minus(Bytes::new(1));
            assert!(gib == 0 || !is_sold_as(less, sold), "{gib}");
        }
    }

    #[test]
    fn a_request_may_leave_out_series_memory_and_form_factor_only() {
        let offers =
            |offer: &str, wanted: &str| GpuModel::parse(offer).satisfies(&GpuModel::parse(wanted));
        assert!(offers("A100 SXM4 80GB", "A100"));
        assert!(offers("A100 SXM4 80GB", "A100-80GB"));
        assert!(!offers("A100 SXM4 40GB", "A100-80GB"));
        assert!(offers("RTX 4090", "4090"));
        assert!(!offers("RTX 4070 Ti", "RTX 4070"));
        assert!(!offers("RTX 4070 Ti", "4070"));
        assert!(!offers("RTX 4090", "RTX 3090"));
    }
}

//! How much GPU memory a training needs, part by part.
//!
//! **LoRAs of image models** need what the guides say from experience: 10 to 24 GB for SDXL, 16
//! to 24 GB and more for Flux. One GPU must have it: trainers of LoRAs copy the model to each.
//!
//! **Language models** are reckoned:
//!
//! - *Weights and what is trained.* Mixed-precision training with Adam keeps 16 bytes for each
//!   trained parameter: 2 for the weight, 2 for its gradient and 12 for the 32-bit copy and its two
//!   moments (Rajbhandari et al., ZeRO, arXiv:1910.02054). LoRA keeps the model's weights in 2 bytes
//!   each and QLoRA in 4 bits with 4 hundredths of that for the constants of their quantisation
//!   (Dettmers et al., QLoRA, arXiv:2305.14314); both train half a per cent as many parameters
//!   beside them. Sharding (ZeRO-3, FSDP) spreads all of this evenly over the GPUs.
//! - *Activations.* With recomputation, 2 bytes per token, layer and hidden unit are kept, and 34 of
//!   them for the layer that is being recomputed (Korthikanti et al., arXiv:2205.05198; attention
//!   without its square, as FlashAttention does it). A model of `P` parameters is taken to have
//!   `12 layers hidden^2` of them with 128 hidden units per layer, as the usual ones do. Every GPU
//!   has these for its own sequence.
//! - *Logits.* 8 bytes per token and word, for their value and gradient, of 128,000 words.
//! - *Overhead.* 1 GiB for CUDA, its libraries and fragmentation, on every GPU.
//!
//! What was reckoned is compared with what a GPU's driver reports, which is less than what the card is
//! sold with: error correction alone takes a sixteenth of an A40.

use super::advise::{Method, Params, Task};
use super::{Catalogue, nominal_vram, usable_vram};
use crate::gpu::Gpus;
use livery_units::Bytes;

/// Whether more GPUs make a part smaller on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spread {
    /// It is spread evenly over all GPUs.
    OverAll,
    /// Each GPU has all of it.
    OnEach,
}

/// A part of what is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub what: &'static str,
    /// How it was reckoned, in words.
    pub how: String,
    /// How much it is.
    pub size: Bytes,
    /// Whether more GPUs make it smaller on each.
    pub spread: Spread,
}

/// With which memory of a GPU a need is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// With what it is sold with: the need is told in such sizes, from experience with such cards.
    Sold,
    /// With what a program can count on: the need is reckoned byte by byte.
    Usable,
}

/// How much GPU memory a training needs, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The parts that it is made of; never empty.
    pub parts: Vec<Part>,
    /// With which memory of a GPU it is compared.
    pub measure: Measure,
    /// With so much on one GPU it is also quick; none where the least is all there is to say.
    pub comfortable: Option<Bytes>,
    /// Where the figures come from.
    pub source: &'static str,
}

const GUIDE: &str = "GPU Provider Guide: When to Use Cloud vs Local";
const PAPERS: &str = "ZeRO (arXiv:1910.02054), activation recomputation (arXiv:2205.05198), QLoRA (arXiv:2305.14314)";

/// Hidden units per layer in the usual models.
const HIDDEN_PER_LAYER: u128 = 128;
/// Words that the larger of the usual models know.
const VOCABULARY: u128 = 128_000;
/// One in this many parameters is trained beside a frozen model.
const ADAPTER_SHARE: u128 = 200;

/// Returns how much GPU memory a task needs.
pub(super) fn need(task: &Task) -> Need {
    match task {
        Task::SdxlLora => image_model("SDXL", 10),
        Task::FluxLora => image_model("Flux", 16),
        Task::LlmFineTune {
            params,
            method,
            context,
        } => language_model(*params, *method, *context),
    }
}

fn image_model(name: &str, least_gib: u64) -> Need {
    Need {
        parts: vec![Part {
            what: "training",
            how: format!("a LoRA of {name} trains in {least_gib} GB and more"),
            size: Bytes::gib(least_gib),
            spread: Spread::OnEach,
        }],
        measure: Measure::Sold,
        comfortable: Some(Bytes::gib(24)),
        source: GUIDE,
    }
}

fn language_model(params: Params, method: Method, context: u32) -> Need {
    let mut parts = states(params, method);
    let count = u128::from(params.get());
    let hidden = cube_root(count * HIDDEN_PER_LAYER / 12).max(1);
    let layers = (hidden / HIDDEN_PER_LAYER).max(1);
    let tokens = u128::from(context);
    parts.push(Part {
        what: "activations",
        how: format!(
            "{context} tokens x {hidden} hidden x (2 B x {layers} layers + 34 B for the layer in work)"
        ),
        size: bytes(tokens * hidden * (2 * layers + 34)),
        spread: Spread::OnEach,
    });
    parts.push(Part {
        what: "logits",
        how: format!("{context} tokens x {VOCABULARY} words x 8 B"),
        size: bytes(tokens * VOCABULARY * 8),
        spread: Spread::OnEach,
    });
    parts.push(Part {
        what: "overhead",
        how: "CUDA, its libraries, fragmentation".to_owned(),
        size: Bytes::gib(1),
        spread: Spread::OnEach,
    });
    Need {
        parts,
        measure: Measure::Usable,
        comfortable: None,
        source: PAPERS,
    }
}

fn states(params: Params, method: Method) -> Vec<Part> {
    let count = u128::from(params.get());
    let part = |what, how, size| Part {
        what,
        how,
        size: bytes(size),
        spread: Spread::OverAll,
    };
    let adapter = || {
        let how = format!("0.5 % of {params} parameters x 16 B for Adam in mixed precision");
        part("adapter", how, (count / ADAPTER_SHARE) * 16)
    };
    match method {
        Method::Full => {
            let how = format!("{params} parameters x 16 B for Adam in mixed precision");
            vec![part("weights", how, count * 16)]
        }
        Method::Lora => {
            let how = format!("{params} parameters x 2 B");
            vec![part("weights", how, count * 2), adapter()]
        }
        Method::QLora => {
            let how = format!("{params} parameters x 0.52 B for 4 bits and their constants");
            vec![part("weights", how, count * 52 / 100), adapter()]
        }
    }
}

impl Need {
    /// Returns the memory of each of those GPUs that the need is compared with.
    pub fn memory_of(&self, gpus: &Gpus, catalogue: &Catalogue) -> Bytes {
        let kind = catalogue.type_of(&gpus.model, gpus.vram);
        match self.measure {
            Measure::Sold => nominal_vram(gpus.vram, kind),
            Measure::Usable => usable_vram(gpus.vram, kind),
        }
    }

    /// Returns what each of so many GPUs must have.
    pub fn each(&self, gpus: u32) -> Bytes {
        let sum = self.parts.iter().map(|part| match part.spread {
            Spread::OverAll => part.size.get().div_ceil(u64::from(gpus.max(1))),
            Spread::OnEach => part.size.get(),
        });
        Bytes::new(sum.fold(0, u64::saturating_add))
    }

    /// Returns whether so many GPUs with that memory each will do.
    pub fn fits(&self, gpus: u32, vram: Bytes) -> bool {
        gpus > 0 && self.each(gpus) <= vram
    }

    /// Returns how many GPUs with that memory each will do at least; none when no number will.
    pub fn least(&self, vram: Bytes) -> Option<u32> {
        // More GPUs never make it more on each, so the least number is found by halving.
        let (mut low, mut high) = (1, u32::MAX);
        while low < high {
            let middle = low.midpoint(high);
            match self.fits(middle, vram) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        self.fits(low, vram).then_some(low)
    }
}

fn bytes(count: u128) -> Bytes {
    Bytes::new(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Returns the greatest whole number whose cube is not greater.
fn cube_root(number: u128) -> u128 {
    // The cube of 2^42 is 2^126, beyond every number that is asked for here.
    let (mut low, mut high) = (0_u128, 1 << 42);
    while low + 1 < high {
        let middle = low.midpoint(high);
        match middle * middle * middle <= number {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cube_roots_are_rounded_down() {
        for number in [0_u128, 1, 7, 8, 26, 27, 63, 64, 1_000_000, 74_666_666_666] {
            let root = cube_root(number);
            assert!(
                root.pow(3) <= number && (root + 1).pow(3) > number,
                "{number}"
            );
        }
    }
}

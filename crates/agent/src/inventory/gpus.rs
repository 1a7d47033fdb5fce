//! The GPUs of this machine, real and pretended.

use super::nvml::Driver;
use crate::error::of_runtime;
use livery_domain::gpu::GpuModel;
use livery_host_api::Error;
use livery_host_api::dto::Gpu;
use livery_runtime::cdi::{Catalog, Devices};
use livery_units::Bytes;
use std::str::FromStr;

/// GPUs to pretend: `RTX 4090:2`, or `NAME:COUNT:VRAM` for a model that is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedGpus {
    /// The model.
    pub model: GpuModel,
    /// How many.
    pub count: u32,
    /// Memory of each.
    pub vram: Bytes,
}

/// A text that names no GPUs to pretend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no simulated GPUs: {why} (write `RTX 4090:2` or `My GPU:2:24GB`)")]
pub struct ParseGpusError {
    text: String,
    why: String,
}

/// Memory of well-known models in GB, as their makers count it.
const KNOWN_VRAM_GIB: [(&str, u64); 22] = [
    ("RTX 3060", 12),
    ("RTX 3080", 10),
    ("RTX 3090", 24),
    ("RTX 4070", 12),
    ("RTX 4080", 16),
    ("RTX 4090", 24),
    ("RTX 5080", 16),
    ("RTX 5090", 32),
    ("RTX A4000", 16),
    ("RTX A5000", 24),
    ("RTX A6000", 48),
    ("RTX 6000 Ada", 48),
    ("A10", 24),
    ("A40", 48),
    ("A100", 80),
    ("L4", 24),
    ("L40S", 48),
    ("T4", 16),
    ("V100", 16),
    ("H100", 80),
    ("H200", 141),
    ("B200", 192),
];

/// Most GPUs that may be pretended of one kind.
const SIMULATED_MAX: u32 = 1_024;

impl FromStr for SimulatedGpus {
    type Err = ParseGpusError;

    fn from_str(text: &str) -> Result<Self, ParseGpusError> {
        let fail = |why: String| ParseGpusError {
            text: text.to_owned(),
            why,
        };
        let mut parts = text.split(':').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty());
        let model = GpuModel::parse(name.ok_or_else(|| fail("no model".to_owned()))?);
        let count: u32 = match parts.next() {
            None => 1,
            Some(count) => count
                .parse()
                .map_err(|_| fail(format!("`{count}` is not a number")))?,
        };
        if !(1..=SIMULATED_MAX).contains(&count) {
            return Err(fail(format!("the number is from 1 to {SIMULATED_MAX}")));
        }
        let vram = match parts.next() {
            Some(vram) => vram.parse().map_err(|error| fail(format!("{error}")))?,
            None => known_vram(&model)
                .ok_or_else(|| fail(format!("the memory of a {model} is not known")))?,
        };
        if let Some(rest) = parts.next() {
            return Err(fail(format!("`{rest}` is one part too many")));
        }
        Ok(Self { model, count, vram })
    }
}

fn known_vram(model: &GpuModel) -> Option<Bytes> {
    let memory = |word: &str| word.strip_suffix("GB")?.parse::<u64>().ok();
    if let Some(gib) = model.as_str().split(' ').find_map(memory) {
        return Some(Bytes::gib(gib));
    }
    let known = |(name, _): &&(&str, u64)| model.satisfies(&GpuModel::parse(name));
    KNOWN_VRAM_GIB
        .iter()
        .find(known)
        .map(|(_, gib)| Bytes::gib(*gib))
}

/// Returns this machine's GPUs as the driver reports them; none where there is no driver.
pub fn real_gpus() -> Vec<Gpu> {
    GpuInventory::look(&[]).gpus()
}

/// The GPUs of this machine.
#[derive(Debug)]
pub(crate) struct GpuInventory {
    driver: Option<Driver>,
    simulated: Vec<Gpu>,
}

impl GpuInventory {
    /// Looks for GPUs and adds those that are to be pretended.
    pub fn look(simulated: &[SimulatedGpus]) -> Self {
        let driver = Driver::load();
        let first = driver.as_ref().map_or(0, |driver| driver.gpus().len());
        let kinds = simulated
            .iter()
            .flat_map(|kind| (0..kind.count).map(move |_| kind));
        let simulated = kinds.zip(first..).map(|(kind, index)| Gpu {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            uuid: format!("SIM-{index}"),
            name: kind.model.to_string(),
            vram: kind.vram.get(),
            simulated: true,
            pod: None,
        });
        Self {
            simulated: simulated.collect(),
            driver,
        }
    }

    /// Returns the GPUs that answer now; simulated ones last.
    pub fn gpus(&self) -> Vec<Gpu> {
        let real = self.driver.as_ref().map(Driver::gpus);
        let mut gpus = real.unwrap_or_default();
        gpus.extend(self.simulated.iter().cloned());
        gpus
    }

    /// Returns what a pod has to be given to use GPUs; a simulated one has nothing to give.
    pub fn devices(&self, gpus: &[Gpu]) -> Result<Devices, Error> {
        let real: Vec<&Gpu> = gpus.iter().filter(|gpu| !gpu.simulated).collect();
        if real.is_empty() {
            return Ok(Devices::default());
        }
        let catalog = Catalog::read().map_err(of_runtime)?;
        let known: Vec<&str> = catalog.names().collect();
        // The driver's id is the surer name; descriptions made by hand have numbers alone.
        let name = |gpu: &&Gpu| {
            let by_id = format!("nvidia.com/gpu={}", gpu.uuid);
            if known.contains(&by_id.as_str()) {
                return by_id;
            }
            format!("nvidia.com/gpu={}", gpu.index)
        };
        let names: Vec<String> = real.iter().map(name).collect();
        catalog.resolve(&names).map_err(of_runtime)
    }

    /// Returns whether there can be GPUs that are not pretended.
    pub fn has_driver(&self) -> bool {
        self.driver.is_some()
    }

    /// Returns whether a real GPU works now; one that does not answer does not.
    pub fn works(&self, index: u32) -> bool {
        let driver = self.driver.as_ref();
        driver.is_some_and(|driver| driver.works(index))
    }

    /// Returns the driver's version.
    pub fn driver(&self) -> Option<String> {
        self.driver.as_ref().and_then(Driver::version)
    }

    /// Returns the newest CUDA that the driver supports.
    pub fn cuda(&self) -> Option<String> {
        self.driver.as_ref().and_then(Driver::cuda)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_gpus_are_read() {
        let read = |text: &str| text.parse::<SimulatedGpus>();
        let two = read("RTX4090:2").unwrap();
        assert_eq!((two.model.as_str(), two.count), ("RTX 4090", 2));
        assert_eq!(two.vram, Bytes::gib(24));
        assert_eq!(read("H100 SXM").unwrap().vram, Bytes::gib(80));
        assert_eq!(read("A100 40GB:8").unwrap().vram, Bytes::gib(40));
        assert_eq!(read("Own:1:7GB").unwrap().vram, "7GB".parse().unwrap());
        for bad in ["", ":2", "RTX 4090:0", "RTX 4090:x", "Own:1", "L4:1:1GB:x"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn pretended_gpus_are_marked() {
        let pretended: SimulatedGpus = "L4:3".parse().unwrap();
        let gpus = GpuInventory::look(&[pretended]).gpus();
        let simulated = gpus.iter().filter(|gpu| gpu.simulated).count();
        assert_eq!(simulated, 3);
        let mut indices: Vec<u32> = gpus.iter().map(|gpu| gpu.index).collect();
        indices.dedup();
        assert_eq!(indices.len(), gpus.len());
    }
}

//! The machine that a job needs.

use crate::gpu::GpuModel;
use crate::offer::Pricing;
use livery_units::Bytes;
use std::fmt;

/// Machines any of which will do; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alternatives {
    /// The cheapest offer that fits any of them (`any_of`, or one plain `resources`).
    Any(Vec<Resources>),
    /// The first of them that any offer fits (`ordered`, or a list of accelerators).
    Ordered(Vec<Resources>),
}

impl Alternatives {
    /// Returns them in the order of the file.
    pub fn as_slice(&self) -> &[Resources] {
        match self {
            Self::Any(list) | Self::Ordered(list) => list,
        }
    }
}

impl Default for Alternatives {
    /// Any machine at all.
    fn default() -> Self {
        Self::Any(vec![Resources::default()])
    }
}

/// One machine that would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// GPUs: any one of these sets will do; none named means a machine without GPUs is enough.
    pub accelerators: Vec<Accelerators>,
    /// Memory that each GPU must have at least.
    pub min_vram: Option<Bytes>,
    /// Virtual CPUs in thousandths; none means whatever the offer brings.
    pub vcpu_milli: Option<Bound<u32>>,
    /// Memory; none means whatever the offer brings.
    pub memory: Option<Bound<Bytes>>,
    /// Disk that is gone at stop: the container's own files.
    pub disk_size: Option<Bytes>,
    /// Disk mounted at `/workspace`.
    pub volume_size: Option<Bytes>,
    /// TCP ports that the pod serves, ascending, each once.
    pub ports: Vec<u16>,
    /// The image as a pod order takes it: `host`, a registry reference, `oci:DIR`,
    /// `docker-archive:FILE`; none leaves it to the supplier.
    pub image: Option<String>,
    /// On demand or spot.
    pub pricing: Pricing,
}

/// The size of a disk that nobody named a size for, as far as the offer has that much.
pub const DEFAULT_DISK: Bytes = Bytes::gib(10);

/// The smallest disk that a file system and an image's own files still fit on; what an offer must
/// have for each disk that nobody named a size for.
pub const SMALLEST_DISK: Bytes = Bytes::mib(64);

impl Resources {
    /// Returns the size of the volume disk, if the job says one: as large as `disk_size` when only
    /// that is given, because people who know SkyPilot's one disk expect their data to fit on it.
    pub fn volume_wanted(&self) -> Option<Bytes> {
        self.volume_size.or(self.disk_size)
    }
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            accelerators: Vec::new(),
            min_vram: None,
            vcpu_milli: None,
            memory: None,
            disk_size: None,
            volume_size: None,
            ports: Vec::new(),
            image: None,
            pricing: Pricing::OnDemand,
        }
    }
}

/// GPUs of one model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Accelerators {
    /// The model, which an offer may name more exactly (see [`GpuModel::satisfies`]).
    pub model: GpuModel,
    /// How many in one machine; at least one.
    pub count: u32,
}

impl fmt::Display for Accelerators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}x {}", self.count, self.model))
    }
}

/// How much of something: `4+` is at least four, `4` is exactly four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound<T> {
    /// This much or more.
    AtLeast(T),
    /// This much.
    Exactly(T),
}

impl<T: Copy + PartialOrd> Bound<T> {
    /// Returns the smallest amount that will do: what is ordered where the amount can be chosen.
    pub fn least(self) -> T {
        match self {
            Self::AtLeast(amount) | Self::Exactly(amount) => amount,
        }
    }

    /// Returns whether a machine with `available` to give can give this much.
    ///
    /// `Exactly` is also met by a larger machine: what a pod gets is cut to size.
    pub fn is_met_by(self, available: T) -> bool {
        available >= self.least()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_disk_size_is_enough_for_both_disks() {
        let volume = |disk_size, volume_size| {
            let resources = Resources {
                disk_size,
                volume_size,
                ..Resources::default()
            };
            resources.volume_wanted()
        };
        let (five, nine) = (Some(Bytes::gib(5)), Some(Bytes::gib(9)));
        assert_eq!(volume(None, None), None);
        assert_eq!(volume(five, None), five);
        assert_eq!(volume(None, nine), nine);
        assert_eq!(volume(five, nine), nine);
    }

    #[test]
    fn a_bound_is_met_by_as_much_or_more() {
        for bound in [Bound::AtLeast(4), Bound::Exactly(4)] {
            assert!(bound.is_met_by(4) && bound.is_met_by(5));
            assert!(!bound.is_met_by(3));
        }
    }
}

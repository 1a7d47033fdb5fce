//! What a job needs of an offer: one need per alternative, in the job's own order.

use crate::job::{Alternatives, Job, Resources, SMALLEST_DISK};
use crate::placement::{GpuNeed, Need, Preference};
use livery_units::Bytes;

/// The needs of a job. Each remembers which of the job's alternatives it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobNeeds {
    /// What would do, in the job's order.
    pub needs: Vec<Need>,
    /// For each need, the index of the alternative that it came from.
    pub sources: Vec<usize>,
    /// Whether the order counts.
    pub preference: Preference,
}

/// Returns what a job needs. A list of accelerators in one alternative gives several needs.
pub fn needs(job: &Job) -> JobNeeds {
    let preference = match &job.resources {
        Alternatives::Any(_) => Preference::Cheapest,
        Alternatives::Ordered(_) => Preference::AsListed,
    };
    let mut all = JobNeeds {
        needs: Vec::new(),
        sources: Vec::new(),
        preference,
    };
    for (index, resources) in job.resources.as_slice().iter().enumerate() {
        for gpus in gpu_needs(resources) {
            all.needs.push(need(job, resources, gpus));
            all.sources.push(index);
        }
    }
    all
}

fn gpu_needs(resources: &Resources) -> Vec<GpuNeed> {
    if resources.accelerators.is_empty() {
        return vec![if resources.min_vram.is_some() {
            GpuNeed::Any(1)
        } else {
            GpuNeed::None
        }];
    }
    let of = |wanted: &crate::job::Accelerators| GpuNeed::Model(wanted.model.clone(), wanted.count);
    resources.accelerators.iter().map(of).collect()
}

fn need(job: &Job, resources: &Resources, gpus: GpuNeed) -> Need {
    // A disk without a size takes what the offer can spare, but it must be able to exist.
    let disk = |size: Option<Bytes>| size.unwrap_or(SMALLEST_DISK);
    let (container_disk, volume_disk) = job.disks_wanted(resources);
    Need {
        gpus,
        vram: resources.min_vram.unwrap_or(Bytes::ZERO),
        vcpu_milli: resources.vcpu_milli.map_or(0, |bound| bound.least()),
        memory: resources.memory.map_or(Bytes::ZERO, |bound| bound.least()),
        disk: disk(container_disk).saturating_plus(disk(volume_disk)),
        tiers: job.tiers.clone(),
        pricing: resources.pricing,
        suppliers: job.suppliers.clone(),
        hourly_max: job.budget.max_hourly,
        host: None,
    }
}

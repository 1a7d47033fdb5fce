//! Whether a pod fits beside those that are here: pure, and decided one pod at a time.

use livery_domain::gpu::GpuModel;
use livery_host_api::Error;
use livery_host_api::dto::{Gpu, PodSpec, Resources};
use livery_units::Bytes;

/// What one pod holds of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Share {
    pub resources: Resources,
    /// Indices of its GPUs.
    pub gpus: Vec<u32>,
}

/// Returns what is left of the machine.
pub(crate) fn free<'a>(total: Resources, shares: impl IntoIterator<Item = &'a Share>) -> Resources {
    shares.into_iter().fold(total, |left, share| Resources {
        vcpu_milli: left.vcpu_milli.saturating_sub(share.resources.vcpu_milli),
        memory: left.memory.saturating_sub(share.resources.memory),
        disk: left.disk.saturating_sub(share.resources.disk),
    })
}

/// A share of the disk alone.
pub(crate) fn disk(bytes: u64) -> Share {
    let resources = Resources {
        disk: bytes,
        ..Resources::default()
    };
    Share {
        resources,
        gpus: Vec::new(),
    }
}

/// Returns what a pod needs of the machine, without its GPUs.
pub(crate) fn needs(spec: &PodSpec) -> Resources {
    Resources {
        vcpu_milli: spec.vcpu_milli,
        memory: spec.memory,
        disk: spec.container_disk.saturating_add(spec.volume_disk),
    }
}

/// Says what is short, if anything.
pub(crate) fn check(needs: Resources, free: Resources) -> Result<(), Error> {
    let mut short = Vec::new();
    if needs.vcpu_milli > free.vcpu_milli {
        let show = |milli: u32| format!("{}.{}", milli / 1_000, milli % 1_000 / 100);
        let (wanted, left) = (show(needs.vcpu_milli), show(free.vcpu_milli));
        short.push(format!("{wanted} vCPU wanted and {left} free"));
    }
    for (what, wanted, left) in [
        ("memory", needs.memory, free.memory),
        ("disk", needs.disk, free.disk),
    ] {
        if wanted > left {
            let (wanted, left) = (Bytes::new(wanted), Bytes::new(left));
            short.push(format!("{wanted} of {what} wanted and {left} free"));
        }
    }
    if short.is_empty() {
        return Ok(());
    }
    Err(Error::NoCapacity(short.join("; ")))
}

/// Picks GPUs for a pod: those with the lowest indices that nobody has, all of one kind.
pub(crate) fn pick_gpus(spec: &PodSpec, gpus: &[Gpu]) -> Result<Vec<u32>, Error> {
    let wanted = spec.gpu_model.as_deref().map(GpuModel::parse);
    let fits = |gpu: &&Gpu| {
        let model = GpuModel::parse(&gpu.name);
        wanted.as_ref().is_none_or(|wanted| model.satisfies(wanted))
    };
    let free: Vec<&Gpu> = gpus
        .iter()
        .filter(|gpu| gpu.pod.is_none())
        .filter(fits)
        .collect();
    let count = spec.gpu_count as usize;
    let same = |a: &Gpu, b: &Gpu| a.name == b.name && a.simulated == b.simulated;
    let kinds = free
        .iter()
        .map(|first| free.iter().filter(|gpu| same(gpu, first)));
    let picked = kinds
        .map(|kind| kind.take(count).map(|gpu| gpu.index).collect::<Vec<_>>())
        .find(|indices| indices.len() == count);
    if count == 0 {
        return Ok(Vec::new());
    }
    picked.ok_or_else(|| {
        let kind = wanted.map_or("of one kind".to_owned(), |model| model.to_string());
        let left = free.len();
        Error::NoCapacity(format!("{count} GPUs ({kind}) wanted and {left} free"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_host_api::dto::Tenant;
    use std::collections::BTreeMap;

    fn spec(gpu_count: u32, gpu_model: Option<&str>) -> PodSpec {
        PodSpec {
            tenant: Tenant::Owner,
            launch_key: "key_1".into(),
            name: "pod".into(),
            image: "host".into(),
            credentials: None,
            command: None,
            env: BTreeMap::new(),
            gpu_count,
            gpu_model: gpu_model.map(str::to_owned),
            vcpu_milli: 1_500,
            memory: 1 << 30,
            container_disk: 2 << 30,
            volume_disk: 3 << 30,
            network_volume: None,
            network_path: None,
            pids: 100,
        }
    }

    fn gpu(index: u32, name: &str, pod: Option<&str>) -> Gpu {
        Gpu {
            index,
            uuid: index.to_string(),
            name: name.into(),
            vram: 1,
            simulated: false,
            pod: pod.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_short_is_named() {
        let share = Share {
            resources: needs(&spec(0, None)),
            gpus: Vec::new(),
        };
        let total = Resources {
            vcpu_milli: 4_000,
            memory: 2 << 30,
            disk: 9 << 30,
        };
        let left = free(total, [&share]);
        let text = format!(
            "{} of disk wanted and {} free",
            Bytes::gib(5),
            Bytes::gib(4)
        );
        let checked = check(needs(&spec(0, None)), left);
        assert_eq!(checked, Err(Error::NoCapacity(text)));
        let left = free(total, [&share, &share]);
        let Err(Error::NoCapacity(text)) = check(needs(&spec(0, None)), left) else {
            panic!();
        };
        assert!(text.contains("1.5 vCPU wanted and 1.0 free"), "{text}");
        assert!(text.contains("of memory") && text.contains("of disk"));
    }

    #[test]
    fn gpus_are_picked_of_one_kind_and_free() {
        let gpus = [
            gpu(0, "RTX 3090", None),
            gpu(1, "NVIDIA GeForce RTX 4090", Some("pod_x")),
            gpu(2, "NVIDIA GeForce RTX 4090", None),
            gpu(3, "NVIDIA GeForce RTX 4090", None),
        ];
        assert_eq!(pick_gpus(&spec(2, None), &gpus), Ok(vec![2, 3]));
        assert_eq!(pick_gpus(&spec(1, Some("rtx4090")), &gpus), Ok(vec![2]));
        assert_eq!(pick_gpus(&spec(1, None), &gpus), Ok(vec![0]));
        assert_eq!(pick_gpus(&spec(0, None), &gpus), Ok(vec![]));
        for (count, model) in [(3, None), (2, Some("RTX 3090")), (1, Some("H100"))] {
            let picked = pick_gpus(&spec(count, model), &gpus);
            assert!(matches!(picked, Err(Error::NoCapacity(_))), "{count}");
        }
    }
}

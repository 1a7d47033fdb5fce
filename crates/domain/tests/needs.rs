//! What a job needs of an offer, from what its file says and what it leaves out.

use livery_domain::gpu::GpuModel;
use livery_domain::job::{
    Accelerators, Alternatives, Bound, Budget, Job, Required, Resources, SMALLEST_DISK,
};
use livery_domain::needs::needs;
use livery_domain::placement::{GpuNeed, Preference};
use livery_units::{Bytes, Money};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn job(resources: Alternatives) -> Job {
    Job {
        name: "job".into(),
        setup: None,
        run: "true".into(),
        resources,
        num_nodes: 1,
        workdir: None,
        file_mounts: Vec::new(),
        volume: None,
        envs: BTreeMap::new(),
        secrets: BTreeMap::new(),
        required: Required::default(),
        validate: Vec::new(),
        idle: None,
        budget: Budget {
            max_hourly: Some(Money::from_nanos(600_000_000)),
            ..Budget::default()
        },
        tiers: Vec::new(),
        suppliers: Vec::new(),
        outputs: Vec::new(),
        checkpoint: None,
    }
}

fn gpus(model: &str, count: u32) -> Accelerators {
    Accelerators {
        model: GpuModel::parse(model),
        count,
    }
}

#[test]
fn each_set_of_gpus_is_a_need_of_its_own() {
    let many = Resources {
        accelerators: vec![gpus("A100", 1), gpus("RTX 4090", 2)],
        ..Resources::default()
    };
    let vram = Resources {
        min_vram: Some(Bytes::gib(24)),
        ..Resources::default()
    };
    let listed = vec![many, Resources::default(), vram];
    let found = needs(&job(Alternatives::Ordered(listed.clone())));
    let wanted: Vec<_> = found.needs.iter().map(|need| need.gpus.clone()).collect();
    let models = [
        GpuNeed::Model(GpuModel::parse("A100"), 1),
        GpuNeed::Model(GpuModel::parse("RTX 4090"), 2),
        GpuNeed::None,
        GpuNeed::Any(1),
    ];
    assert_eq!(wanted, models);
    assert_eq!(found.sources, [0, 0, 1, 2]);
    assert_eq!(found.preference, Preference::AsListed);
    let any = needs(&job(Alternatives::Any(listed)));
    assert_eq!(
        (any.needs, any.preference),
        (found.needs, Preference::Cheapest)
    );
}

#[test]
fn a_disk_without_a_size_still_needs_its_room() {
    let disk = |disk_size, volume_size| {
        let resources = Resources {
            disk_size,
            volume_size,
            ..Resources::default()
        };
        needs(&job(Alternatives::Any(vec![resources]))).needs[0].disk
    };
    let (five, nine) = (Bytes::gib(5), Bytes::gib(9));
    assert_eq!(disk(None, None), Bytes::mib(128));
    assert_eq!(disk(Some(five), None), Bytes::gib(10));
    assert_eq!(disk(None, Some(nine)), nine.saturating_plus(SMALLEST_DISK));
    assert_eq!(disk(Some(five), Some(nine)), Bytes::gib(14));
}

proptest! {
    #[test]
    fn amounts_go_over_as_the_least_that_will_do(
        vcpu in 1_u32..64_000,
        memory in 1_u64..1 << 50,
        disk in 1_u64..1 << 60,
        exact in any::<bool>(),
    ) {
        let memory = Bytes::new(memory);
        let resources = Resources {
            vcpu_milli: Some(if exact { Bound::Exactly(vcpu) } else { Bound::AtLeast(vcpu) }),
            memory: Some(if exact { Bound::Exactly(memory) } else { Bound::AtLeast(memory) }),
            disk_size: Some(Bytes::new(disk)),
            volume_size: Some(Bytes::new(u64::MAX - disk / 2)),
            ..Resources::default()
        };
        let job = job(Alternatives::Any(vec![resources]));
        let need = &needs(&job).needs[0];
        prop_assert_eq!((need.vcpu_milli, need.memory), (vcpu, memory));
        prop_assert_eq!(need.disk, Bytes::new(u64::MAX), "it stops at the most that there is");
        prop_assert_eq!(need.hourly_max, job.budget.max_hourly);
    }
}

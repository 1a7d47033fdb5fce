//! A real GPU, where the machine has one.
#![allow(
    clippy::print_stdout,
    reason = "why a test was skipped goes to the standard output"
)]

use crate::bench::{Bench, PATIENCE, pod_id, pod_spec};
use crate::probe::now;
use livery_domain::gate::{Wanted, judge, passed};
use livery_host_api::dto::ProbeSpec;
use livery_host_api::{Host, gpu_groups};
use livery_units::{Bytes, Span};

pub async fn a_real_gpu_is_the_same_on_the_host_and_in_the_pod(bench: &mut Bench) {
    let info = bench.host().info().await.unwrap();
    let Some(gpu) = info.gpus.iter().find(|gpu| !gpu.simulated) else {
        println!("skipped: the driver's library reports no NVIDIA GPU on this machine");
        return;
    };
    let mut spec = pod_spec();
    spec.gpu_count = 1;
    spec.gpu_model = Some(gpu.name.clone());
    let pod = pod_id(1);
    bench
        .host()
        .pod_create(&pod, &spec, PATIENCE)
        .await
        .unwrap();
    let asked = now();
    let probe = ProbeSpec::default();
    let facts = bench.host().probe(&pod, &probe).await.unwrap();
    let wanted = Wanted {
        vcpu_milli: spec.vcpu_milli,
        memory: Bytes::new(spec.memory),
        free_disk: Bytes::mib(32),
        gpus: gpu_groups(&facts.gpus_host).into_iter().next(),
        clock_skew_max: Span::from_secs(5),
    };
    assert_eq!(facts.gpus_host.len(), 1, "one GPU was asked for");
    let checks = judge(&wanted, &facts.found(asked, now()));
    assert!(passed(&checks), "{checks:#?}");
}

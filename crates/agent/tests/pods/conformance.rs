//! The suppliers' conformance suite over a real agent.

use crate::bench::{Bench, PATIENCE, pod_id};
use livery_domain::pod::PodOrder;
use livery_host_api::{Host, HostDirectory};
use livery_supplier::conformance::{Fixture, run};
use livery_supplier::{Error, Lease, Supplier};
use livery_supplier_hosts::HostsSupplier;
use livery_units::{Bytes, LaunchKey};
use std::collections::BTreeMap;

fn order() -> PodOrder {
    PodOrder {
        name: "conformance".into(),
        image: "host".into(),
        command: None,
        env: BTreeMap::new(),
        gpu_count: 0,
        vcpu_milli: 500,
        memory: Bytes::mib(256),
        container_disk: Bytes::mib(64),
        volume_disk: Bytes::mib(64),
        network_volume: None,
        ports: Vec::new(),
    }
}

fn entropy() -> u128 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    (u128::from(std::process::id()) << 32) | u128::from(count)
}

pub async fn our_hosts_keep_the_suppliers_contract(bench: &mut Bench) {
    let directory = HostDirectory::new();
    let host = bench.agent().host_id().clone();
    directory.add(host.clone(), bench.shared_host());
    let supplier = HostsSupplier::new(directory.clone());
    let lease = Lease {
        key: LaunchKey::from_entropy(1),
        foreign_id: format!("{host}/{}", pod_id(99)),
    };
    let fixture = Fixture {
        order: order(),
        too_big: PodOrder {
            memory: Bytes::gib(1 << 20),
            ..order()
        },
        never_existed: lease.clone(),
        entropy,
        patience: PATIENCE,
    };
    if let Err(broken) = run(&supplier, &fixture).await {
        panic!("{broken}");
    }
    assert_eq!(bench.host().pods().await.unwrap(), []);
    // Simulated GPUs are offered, and say what they are.
    let offers = supplier.offers().await.unwrap();
    let gpus: Vec<String> = offers
        .iter()
        .filter_map(|offer| offer.gpus.as_ref().map(ToString::to_string))
        .filter(|text| text.contains("4090"))
        .collect();
    assert_eq!(gpus, ["1x RTX 4090 (simulated)", "2x RTX 4090 (simulated)"]);
    // A host that is not connected says nothing about its pods.
    directory.remove(&host);
    let silent = supplier.observe(&lease).await;
    assert!(matches!(silent, Err(Error::Transient { .. })), "{silent:?}");
}

//! A pod and a network volume for the tests of money.

use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_domain::pod::{Desired, Observed, Pod, PodOrder, PodPolicy};
use livery_domain::volume::{NetworkVolume, VolumeDesired, VolumeObserved};
use livery_units::{
    Bytes, HostId, LaunchKey, Money, OfferId, Per, PodId, Rate, Timestamp, VolumeId,
};
use std::collections::BTreeMap;

pub(super) const ACCOUNT: &str = "acc_1";
pub(super) const DISKS_UP: Rate = monthly(2_592_000_000_000);
pub(super) const DISKS_KEPT: Rate = monthly(777_000_000_000);

pub(super) const fn monthly(nanos: i64) -> Rate {
    let amount = Money::from_nanos(nanos);
    let per = Per::Month;
    Rate { amount, per }
}

/// What the machine costs.
pub(super) fn machine() -> Rate {
    Rate::hourly(Money::from_nanos(1_234_567_890))
}

/// A pod that was accepted, on a host of ours.
pub(super) fn pod(created: Timestamp) -> Pod {
    Pod {
        id: PodId::from_entropy(1),
        account: ACCOUNT.parse().unwrap(),
        order: PodOrder {
            name: "x".into(),
            image: "host".into(),
            command: None,
            env: BTreeMap::new(),
            gpu_count: 0,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            container_disk: Bytes::gib(1),
            volume_disk: Bytes::gib(1),
            network_volume: None,
            ports: Vec::new(),
        },
        offer: Offer {
            id: OfferId::from_entropy(5),
            supplier: SupplierName::new("local"),
            host: Some(HostId::from_entropy(6)),
            gpus: None,
            vcpu_milli: 1_000,
            memory: Bytes::gib(1),
            disk: Bytes::gib(10),
            region: String::new(),
            tier: Tier::Local,
            pricing: Pricing::OnDemand,
            price: machine(),
            storage: StoragePrice {
                running: monthly(DISKS_UP.amount.nanos() / 2),
                stopped: DISKS_KEPT,
            },
            reliability_permille: None,
            whole: None,
        },
        policy: PodPolicy::default(),
        run: None,
        launch_key: LaunchKey::from_entropy(1),
        foreign_id: Some("1".into()),
        desired: Desired::Running,
        observed: Observed::Unknown,
        reason: None,
        ruled: None,
        failure: None,
        attempts: 0,
        created,
        started: None,
        up_until: None,
        ended: None,
        observed_at: None,
        counted: None,
        starts: 0,
        generation: 0,
    }
}

/// A network volume of a GB that has just been made, on a host of ours.
pub(super) fn volume(began: Timestamp) -> NetworkVolume {
    NetworkVolume {
        id: VolumeId::from_entropy(1),
        account: ACCOUNT.parse().unwrap(),
        name: "data".into(),
        size: Bytes::gib(1),
        supplier: SupplierName::new("local"),
        host: HostId::from_entropy(6),
        rate: DISKS_UP,
        desired: VolumeDesired::Present,
        observed: VolumeObserved::Present(Bytes::gib(1)),
        reason: None,
        attempts: 0,
        created: began,
        began: Some(began),
        kept_until: Some(began),
        ended: None,
        observed_at: Some(began),
        counted: None,
        generation: 0,
    }
}

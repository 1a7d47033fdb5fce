//! Pods, runs and accounts with something in every field.

use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::offer::{Offer, Pricing, StoragePrice, SupplierName, Tier};
use livery_domain::pod::{
    Desired, IdleAction, IdlePolicy, Observed, Pod, PodFailure, PodOrder, PodPolicy,
};
use livery_domain::run::{Outcome, Run, RunLimits, RunStep, Submission};
use livery_ledger::{Book, Change, Item, Meter, Subject};
use livery_store::{Credit, Store};
use livery_units::{
    AccountId, Bytes, ContentHash, HostId, LaunchKey, Money, OfferId, Per, PodId, Rate, RunId,
    Secret, Span, Timestamp,
};

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn account() -> AccountId {
    AccountId::from_entropy(1)
}

/// Opens nothing: makes the account that the samples belong to.
pub async fn with_account(store: &Store, credit: Credit) -> AccountId {
    store
        .account_ensure(&account(), "owner", at(1))
        .await
        .unwrap();
    store.account_credit_set(&account(), credit).await.unwrap();
    account()
}

pub fn full_pod(number: u128) -> Pod {
    Pod {
        id: PodId::from_entropy(number),
        account: account(),
        order: PodOrder {
            name: "digits".to_owned(),
            image: "ubuntu:24.04".to_owned(),
            command: Some(vec!["sh".to_owned(), "-c".to_owned(), "sleep 1".to_owned()]),
            env: [("A".to_owned(), "b \"c\" \0 d".to_owned())].into(),
            gpu_count: 2,
            vcpu_milli: 1_500,
            memory: Bytes::gib(3),
            container_disk: Bytes::gib(4),
            volume_disk: Bytes::new(u64::MAX),
            network_volume: None,
            ports: vec![22, 8_080],
        },
        offer: offer(),
        policy: PodPolicy {
            idle: Some(IdlePolicy {
                after: Span::from_secs(60),
                action: IdleAction::Stop,
            }),
            stop_after: Some(Span::from_secs(3_600)),
            terminate_after: Some(Span::from_millis(u64::MAX)),
            max_cost: Some(Money::from_nanos(1)),
        },
        run: Some(RunId::from_entropy(9)),
        launch_key: LaunchKey::from_entropy(number),
        foreign_id: Some("i-0123".to_owned()),
        desired: Desired::Stopped,
        observed: Observed::Starting,
        reason: Some("no \u{1F40E} left".to_owned()),
        ruled: Some("stopped: nobody has used it".to_owned()),
        failure: Some(PodFailure::OtherOffer),
        attempts: 3,
        created: at(1_000),
        started: Some(at(2_000)),
        up_until: Some(at(3_000)),
        ended: None,
        observed_at: Some(at(4_000)),
        counted: None,
        starts: 0,
        generation: 0,
    }
}

pub fn bare_pod(number: u128) -> Pod {
    let full = full_pod(number);
    let offer = Offer {
        host: None,
        gpus: None,
        storage: StoragePrice::FREE,
        reliability_permille: None,
        whole: None,
        ..full.offer
    };
    Pod {
        order: PodOrder {
            command: None,
            ..full.order
        },
        offer,
        policy: PodPolicy::default(),
        run: None,
        foreign_id: None,
        reason: None,
        ruled: None,
        failure: None,
        attempts: 0,
        started: None,
        up_until: None,
        observed_at: None,
        ..full
    }
}

fn offer() -> Offer {
    Offer {
        id: OfferId::from_entropy(5),
        supplier: SupplierName::new("local"),
        host: Some(HostId::from_entropy(6)),
        gpus: Some(Gpus {
            model: GpuModel::parse("NVIDIA A100-SXM4-80GB"),
            count: 2,
            vram: Bytes::gib(80),
            reality: GpuReality::Simulated,
        }),
        vcpu_milli: 8_000,
        memory: Bytes::gib(64),
        disk: Bytes::gib(500),
        region: "here".to_owned(),
        tier: Tier::Community,
        pricing: Pricing::Spot,
        price: Rate {
            amount: Money::from_nanos(123_456_789),
            per: Per::Month,
        },
        storage: StoragePrice {
            running: Rate::FREE,
            stopped: Rate {
                amount: Money::from_nanos(70_000_000),
                per: Per::Month,
            },
        },
        reliability_permille: Some(998),
        whole: None,
    }
}

pub fn full_run(number: u128) -> Run {
    let hash = ContentHash::from_bytes([7; 32]);
    Run {
        id: RunId::from_entropy(number),
        account: account(),
        name: "train".to_owned(),
        submission: Submission {
            job_text: "run: python train.py\n".to_owned(),
            job_file: "job.yaml".to_owned(),
            name: None,
            envs: [("EPOCHS".to_owned(), "3".to_owned())].into(),
            secrets: [(
                "TOKEN".to_owned(),
                Secret::new("hunter2-hunter2".to_owned()),
            )]
            .into(),
            workdir: Some(hash),
            mounts: [("/data".to_owned(), hash)].into(),
            limits: RunLimits {
                max_total: Some(Money::from_nanos(7)),
                max_hours: Some(Span::from_secs(60)),
                idle: None,
            },
            volume: Some("data:/mnt/data".parse().unwrap()),
        },
        step: RunStep::Train,
        step_began: at(5_000),
        outcome: Outcome::Pending,
        ended: None,
        pod: Some(PodId::from_entropy(3)),
        excluded: vec![OfferId::from_entropy(1), OfferId::from_entropy(2)],
        exit_code: Some(-9),
        reason: Some("why".to_owned()),
        cancel_requested: Some(at(6_000)),
        results: Some(hash),
        created: at(1_000),
        due: at(500),
        generation: 0,
    }
}

/// A machine of a pod, at one nano-dollar a millisecond.
pub fn subject(pod: u128) -> Subject {
    Subject {
        account: account(),
        item: Item::Compute,
        pod: Some(PodId::from_entropy(pod)),
        run: Some(RunId::from_entropy(pod)),
        volume: None,
        payee: Book::Earned("local".to_owned()),
    }
}

/// A pod's meter that has counted from `began` until `until`.
pub fn metered(pod: u128, began: Timestamp, until: Timestamp) -> Meter {
    let rate = Rate::hourly(Money::from_nanos(3_600_000));
    let fresh = Meter::adopted(&subject(pod), rate, began, Money::ZERO);
    fresh.counted_until(until).unwrap()
}

/// What counting on until `until` changes.
pub fn counted(meter: &Meter, until: Timestamp) -> Change {
    Change {
        before: Some(meter.clone()),
        after: meter.counted_until(until).unwrap(),
    }
}

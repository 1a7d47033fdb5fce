//! What a pod costs: the same items, up or kept, whoever asks.

use crate::driver::pod;
use livery_domain::offer::StoragePrice;
use livery_domain::pod::{Desired, Observed, Phase, Pod, PodRates, burn, cost_up};
use livery_units::{Bytes, Money, Per, Rate, Span, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(10_000_000);
const HOUR: Span = Span::from_secs(3_600);
const MOST: Money = Money::from_nanos(i64::MAX);

fn monthly(nanos: i64) -> Rate {
    Rate {
        amount: Money::from_nanos(nanos),
        per: Per::Month,
    }
}

/// A dollar an hour, and disks of 20 and 50 GB at 7.2 cents a month up and 14.4 cents kept.
fn priced() -> Pod {
    let mut pod = pod(NOW);
    pod.offer.price = Rate::hourly(Money::from_nanos(1_000_000_000));
    pod.offer.storage = StoragePrice {
        running: monthly(72_000_000),
        stopped: monthly(144_000_000),
    };
    pod.order.container_disk = Bytes::gib(20);
    pod.order.volume_disk = Bytes::gib(50);
    pod
}

#[test]
fn both_disks_are_paid_for_while_it_is_up_and_one_while_it_is_kept() {
    let pod = priced();
    let up = pod.rates_up().unwrap();
    assert_eq!(up.compute, pod.offer.price);
    assert_eq!(up.storage, monthly(72_000_000 * 70));
    // 70 GB at a hundredth of a cent an hour.
    assert_eq!(up.per_hour().to_string(), "$1.007");
    assert_eq!(up.accrued(HOUR).unwrap(), up.per_hour());
    assert_eq!(cost_up(&pod, HOUR), up.per_hour());
    let kept = pod.rates_kept().unwrap();
    assert_eq!(kept.compute, Rate::FREE);
    assert_eq!(kept.per_hour().to_string(), "$0.01");
}

#[test]
fn what_it_burns_is_what_its_phase_is_charged_for() {
    let phases = [
        (Desired::Running, Observed::Up, Phase::Running, "$1.007"),
        (Desired::Stopped, Observed::Up, Phase::Stopping, "$1.007"),
        (Desired::Stopped, Observed::Down, Phase::Stopped, "$0.01"),
        (Desired::Running, Observed::Down, Phase::Exited, "$0.01"),
        (Desired::Gone, Observed::Up, Phase::Terminating, "$0.00"),
    ];
    for (desired, observed, phase, cost) in phases {
        let pod = Pod {
            desired,
            observed,
            foreign_id: Some("machine".to_owned()),
            started: Some(NOW),
            ..priced()
        };
        assert_eq!(pod.phase(), phase);
        assert_eq!(burn(&pod, HOUR).to_string(), cost, "{phase}");
    }
}

#[test]
fn what_cannot_be_counted_is_never_cheap() {
    let mut pod = priced();
    pod.order.volume_disk = Bytes::new(u64::MAX);
    pod.offer.storage.running = monthly(i64::MAX);
    assert!(pod.rates_up().is_err());
    assert_eq!(cost_up(&pod, HOUR), MOST);
    let dear = PodRates {
        compute: Rate::hourly(MOST),
        storage: Rate::hourly(MOST),
    };
    assert!(dear.accrued(HOUR).is_err());
    assert_eq!(dear.per_hour(), MOST);
    assert_eq!(PodRates::FREE.accrued(HOUR), Ok(Money::ZERO));
}

proptest! {
    /// Each item accrues on its own, as its meter charges it.
    #[test]
    fn items_accrue_as_their_meters_charge(
        price in 0_i64..10_000_000_000, storage in 0_i64..1_000_000_000,
        gib in 0_u64..10_000, secs in 0_u64..3_000_000,
    ) {
        let mut pod = priced();
        pod.offer.price = Rate::hourly(Money::from_nanos(price));
        pod.offer.storage.running = monthly(storage);
        pod.order.volume_disk = Bytes::gib(gib);
        let span = Span::from_secs(secs);
        let disks = pod.offer.storage.running.for_size(Bytes::gib(gib + 20)).unwrap();
        let apart = pod.offer.price.accrued(span).unwrap().plus(disks.accrued(span).unwrap());
        prop_assert_eq!(pod.rates_up().unwrap().accrued(span), apart);
    }
}

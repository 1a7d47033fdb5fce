//! Whoever asks what a pod costs gets the same answer: the gate, the hold, budgets and the meters.

use super::usage::of_pod;
use super::{HOLD_SPAN, first_hour, samples};
use crate::credit::pod_hourly;
use livery_domain::account::Standing;
use livery_domain::pod::{Observed, Pod, burn, cost_up};
use livery_units::{Bytes, Money, Rate, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(10_000_000);

proptest! {
    #[test]
    fn an_hour_costs_the_same_at_the_gate_in_the_hold_and_by_the_meters(
        price in 0_i64..100_000_000_000, storage in 0_i64..1_000_000_000,
        container in 0_u64..5_000, volume in 0_u64..5_000,
    ) {
        let mut pod = Pod {
            observed: Observed::Up,
            foreign_id: Some("machine".to_owned()),
            started: Some(NOW),
            up_until: Some(NOW.after(HOLD_SPAN)),
            ..samples::pod(NOW)
        };
        pod.offer.price = Rate::hourly(Money::from_nanos(price));
        pod.offer.storage.running = samples::monthly(storage);
        pod.order.container_disk = Bytes::gib(container);
        pod.order.volume_disk = Bytes::gib(volume);
        let usages = of_pod(&pod, Standing::Good).unwrap();
        let metered: Money = usages
            .iter()
            .flat_map(|usage| &usage.stretches)
            .map(|one| one.rate.accrued(one.until.since(one.began)).unwrap())
            .sum();
        prop_assert_eq!(first_hour(&pod), Ok(metered));
        prop_assert_eq!(pod_hourly(&pod.offer, &pod.order), metered);
        prop_assert_eq!(cost_up(&pod, HOLD_SPAN), metered);
        prop_assert_eq!(burn(&pod, HOLD_SPAN), metered);
    }
}

//! A network volume of which rows, workers and clocks behave as they do with pods: what is charged is
//! exactly what an oracle adds up.

use super::count_volume;
use super::interleavings::World;
use super::oracle::Oracle;
use super::samples::volume;
use crate::clock::Clock;
use livery_domain::volume::VolumeObserved;
use livery_units::{Bytes, Money};
use proptest::prelude::*;
use std::sync::atomic::Ordering;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_network_volume_is_billed_by_the_size_that_it_had(
        acts in prop::collection::vec(
            (
                0_i64..200_000,
                -3_000_000_i64..3_000_000,
                prop::option::weighted(0.3, 1_u64..50),
                any::<bool>(),
            ),
            1..25,
        ),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(keep_volume(acts));
    }
}

/// A network volume that is seen, grows and goes, while clocks jump: `true` for a worker that dies before it counts.
async fn keep_volume(acts: Vec<(i64, i64, Option<u64>, bool)>) {
    let world = World::new().await;
    let (mut row, mut oracle) = (volume(world.watch.now()), Oracle::default());
    row.saw(VolumeObserved::Present(Bytes::gib(1)), world.watch.moment());
    oracle.begin(row.rate, world.now());
    let mut size = Bytes::gib(1);
    for (millis, jump, grown, dies) in acts {
        world.pass(millis);
        world.watch.ahead.fetch_add(jump, Ordering::SeqCst);
        row.saw(VolumeObserved::Present(size), world.watch.moment());
        oracle.seen(world.now());
        if let Some(gib) = grown {
            count_volume(&world.services, &row).await.unwrap();
            let secs = oracle.whole_seconds();
            oracle.end();
            size = Bytes::gib(size.get() / Bytes::gib(1).get() + gib);
            row.saw(VolumeObserved::Present(size), world.watch.moment());
            oracle.begin(row.rate.for_size(size).unwrap(), secs);
            oracle.seen(world.now());
        }
        if !dies {
            let (one, other) = (&world.services, &world.services);
            let counted = tokio::join!(count_volume(one, &row), count_volume(other, &row));
            assert!(counted.0.is_ok() && counted.1.is_ok());
        }
    }
    row.ended = Some(world.watch.now());
    count_volume(&world.services, &row).await.unwrap();
    count_volume(&world.services, &row).await.unwrap();
    oracle.end();
    let store = &world.services.store;
    let meters = store.meter_list_of_volume(&row.id).await.unwrap();
    assert!(meters.iter().all(|meter| meter.closed.is_some()));
    let charged: Money = meters.iter().map(|meter| meter.charged).sum();
    assert_eq!(i128::from(charged.nanos()), oracle.sum);
    store.ledger_check().await.unwrap();
}

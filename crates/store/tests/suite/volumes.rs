//! Network volumes survive a round trip, have one name and one pod, and are changed by one writer
//! at a time.

use crate::database::{Database, on_both};
use crate::samples::{account, at, bare_pod, with_account};
use livery_domain::job::PodPath;
use livery_domain::offer::SupplierName;
use livery_domain::pod::{NetworkMount, Pod};
use livery_domain::volume::{NetworkVolume, VolumeDesired, VolumeObserved};
use livery_store::{Credit, Error, Which};
use livery_units::{Bytes, ClaimToken, HostId, Money, Per, Rate, VolumeId};

on_both!(
    every_field_survives,
    a_name_is_free_again_when_its_volume_is_gone,
    a_volume_has_one_pod_at_a_time,
    a_pod_that_takes_a_volume_outruns_its_deletion,
    of_many_pods_one_takes_the_volume,
    due_volumes_are_claimed_once,
);

pub fn volume(number: u128) -> NetworkVolume {
    NetworkVolume {
        id: VolumeId::from_entropy(number),
        account: account(),
        name: format!("data-{number}"),
        size: Bytes::gib(100),
        supplier: SupplierName::new("local"),
        host: HostId::from_entropy(7),
        rate: Rate {
            amount: Money::from_nanos(70_000_000),
            per: Per::Month,
        },
        desired: VolumeDesired::Present,
        observed: VolumeObserved::Unknown,
        reason: None,
        attempts: 0,
        created: at(1_000),
        began: None,
        kept_until: None,
        ended: None,
        observed_at: None,
        counted: None,
        generation: 0,
    }
}

fn mount(volume: &NetworkVolume) -> NetworkMount {
    NetworkMount {
        volume: volume.id.clone(),
        path: PodPath::parse("/mnt/data").unwrap(),
    }
}

fn pod_with(number: u128, volume: &NetworkVolume) -> Pod {
    let mut pod = bare_pod(number);
    pod.order.network_volume = Some(mount(volume));
    pod
}

async fn every_field_survives(database: Database) {
    let store = database.store().await;
    let orphan = store.volume_insert(&volume(1)).await;
    assert!(matches!(orphan, Err(Error::Refused(_))), "{orphan:?}");
    with_account(&store, Credit::Owner).await;
    let full = NetworkVolume {
        desired: VolumeDesired::Gone,
        observed: VolumeObserved::Present(Bytes::new(i64::MAX.unsigned_abs())),
        reason: Some("a \0 b".to_owned()),
        attempts: u32::MAX,
        began: Some(at(1)),
        kept_until: Some(at(2)),
        ended: Some(at(3)),
        observed_at: Some(at(4)),
        generation: 9,
        ..volume(2)
    };
    let kept = NetworkVolume {
        reason: Some("a \u{fffd} b".to_owned()),
        ..full.clone()
    };
    for (written, read) in [(volume(1), volume(1)), (full, kept)] {
        store.volume_insert(&written).await.unwrap();
        assert_eq!(store.volume_fetch(&written.id).await.unwrap(), read);
    }
    let unknown = store.volume_fetch(&VolumeId::from_entropy(77)).await;
    assert_eq!(unknown, Err(Error::NotFound));
    let too_large = NetworkVolume {
        size: Bytes::new(u64::MAX),
        ..volume(3)
    };
    let refused = store.volume_insert(&too_large).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");

    let mut changed = volume(1);
    changed.size = Bytes::gib(200);
    changed.observed = VolumeObserved::Absent;
    let written = store.volume_update(&changed).await.unwrap();
    assert_eq!(written.generation, 1);
    assert_eq!(store.volume_fetch(&changed.id).await.unwrap(), written);
    assert_eq!(store.volume_update(&changed).await, Err(Error::Stale));
    assert_eq!(store.volume_update(&volume(9)).await, Err(Error::NotFound));
}

async fn a_name_is_free_again_when_its_volume_is_gone(database: Database) {
    let store = database.store().await;
    let account = with_account(&store, Credit::Owner).await;
    let mut first = volume(1);
    store.volume_insert(&first).await.unwrap();
    let second = NetworkVolume {
        name: first.name.clone(),
        created: at(2_000),
        ..volume(2)
    };
    assert_eq!(store.volume_insert(&second).await, Err(Error::Exists));
    first.ended = Some(at(9));
    store.volume_update(&first).await.unwrap();
    store.volume_insert(&second).await.unwrap();
    for (which, ids) in [
        (Which::Live, vec![&second.id]),
        (Which::All, vec![&second.id, &first.id]),
    ] {
        for account in [Some(&account), None] {
            let found = store.volume_list(account, which).await.unwrap();
            assert_eq!(found.iter().map(|one| &one.id).collect::<Vec<_>>(), ids);
        }
    }
}

async fn a_volume_has_one_pod_at_a_time(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let volume = volume(1);
    let early = store.pod_insert(&pod_with(1, &volume)).await;
    assert_eq!(early, Err(Error::NotFound));
    store.volume_insert(&volume).await.unwrap();
    assert_eq!(store.volume_holder(&volume.id).await, Ok(None));
    let mut first = pod_with(2, &volume);
    store.pod_insert(&first).await.unwrap();
    let kept = store.pod_fetch(&first.id).await.unwrap();
    assert_eq!(kept.order.network_volume, Some(mount(&volume)));
    let holder = store.volume_holder(&volume.id).await.unwrap();
    assert_eq!(holder, Some(first.id.clone()));
    let second = pod_with(3, &volume);
    assert_eq!(store.pod_insert(&second).await, Err(Error::InUse));
    // Nothing is kept of a pod that was refused.
    assert_eq!(store.pod_fetch(&second.id).await, Err(Error::NotFound));
    first.ended = Some(at(9));
    store.pod_update(&first).await.unwrap();
    store.pod_insert(&second).await.unwrap();
    let holder = store.volume_holder(&volume.id).await.unwrap();
    assert_eq!(holder, Some(second.id));
}

async fn a_pod_that_takes_a_volume_outruns_its_deletion(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let mut volume = volume(1);
    store.volume_insert(&volume).await.unwrap();
    // Somebody has read the volume and found no pod; now there is one.
    store.pod_insert(&pod_with(1, &volume)).await.unwrap();
    volume.desired = VolumeDesired::Gone;
    assert_eq!(store.volume_update(&volume).await, Err(Error::Stale));
    // And the other way round.
    let mut second = NetworkVolume {
        desired: VolumeDesired::Gone,
        ..self::volume(2)
    };
    store.volume_insert(&second).await.unwrap();
    let late = store.pod_insert(&pod_with(2, &second)).await;
    assert_eq!(late, Err(Error::NotFound));
    second.account = livery_units::AccountId::from_entropy(99);
    let foreign = NetworkVolume {
        name: "foreign".to_owned(),
        ..self::volume(3)
    };
    store.volume_insert(&foreign).await.unwrap();
    let mut thief = pod_with(3, &foreign);
    thief.account = livery_units::AccountId::from_entropy(99);
    store
        .account_ensure(&thief.account, "thief", at(1))
        .await
        .unwrap();
    assert_eq!(store.pod_insert(&thief).await, Err(Error::NotFound));
}

async fn of_many_pods_one_takes_the_volume(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let volume = volume(1);
    store.volume_insert(&volume).await.unwrap();
    let pods = (1..=8).map(|number| pod_with(number, &volume));
    let inserted = pods.map(|pod| {
        let store = store.clone();
        tokio::spawn(async move { store.pod_insert(&pod).await })
    });
    let mut taken = 0;
    for inserted in inserted.collect::<Vec<_>>() {
        match inserted.await.unwrap() {
            Ok(()) => taken += 1,
            Err(error) => assert_eq!(error, Error::InUse),
        }
    }
    assert_eq!(taken, 1);
}

async fn due_volumes_are_claimed_once(database: Database) {
    let store = database.store().await;
    with_account(&store, Credit::Owner).await;
    let mut gone = volume(2);
    gone.ended = Some(at(1));
    for volume in [volume(1), gone] {
        store.volume_insert(&volume).await.unwrap();
    }
    let [first, second] = [1, 2].map(ClaimToken::from_entropy);
    let claimed = store.volume_claim(&first, at(10), at(20), 9).await.unwrap();
    assert_eq!(claimed, [volume(1)]);
    let id = &claimed[0].id;
    let none = store.volume_claim(&second, at(11), at(21), 9).await;
    assert_eq!(none, Ok(Vec::new()));
    store.volume_release(id, &first, at(100)).await.unwrap();
    let none = store.volume_claim(&second, at(99), at(109), 9).await;
    assert_eq!(none, Ok(Vec::new()));
    store.volume_nudge(id).await.unwrap();
    let again = store.volume_claim(&second, at(99), at(109), 9).await;
    assert_eq!(again.unwrap().len(), 1);
    // What a dead control plane had claimed is free at once.
    store.claims_forget().await.unwrap();
    let free = store.volume_claim(&first, at(99), at(109), 9).await;
    assert_eq!(free.unwrap().len(), 1);
}

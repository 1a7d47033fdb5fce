//! Orphans: found again and again, asked to end, gone, forgotten.

use crate::database::{Database, on_both};
use crate::samples::at;
use livery_domain::offer::SupplierName;
use livery_domain::orphan::{Orphan, OrphanKind, Stray};
use livery_store::Which;
use livery_units::{AccountId, Bytes, HostId, LaunchKey, PodId, VolumeId};

on_both!(
    a_second_look_keeps_the_first,
    an_end_is_asked_for_by_key_or_foreign_id,
    what_is_gone_is_listed_for_a_while,
    strays_are_remembered_asked_to_end_and_forgotten,
);

pub fn orphan(number: u128, seen: i64) -> Orphan {
    Orphan {
        supplier: SupplierName::new("cloud"),
        key: LaunchKey::from_entropy(number),
        foreign_id: format!("machine-{number}"),
        kind: OrphanKind::Unknown,
        pod: None,
        account: None,
        first_seen: at(seen),
        last_seen: at(seen),
        end_asked: None,
        gone: None,
        detail: None,
    }
}

async fn a_second_look_keeps_the_first(database: Database) {
    let store = database.store().await;
    let first = orphan(1, 10);
    assert_eq!(store.orphan_saw(&first).await.as_ref(), Ok(&first));
    store.orphan_end_ask("machine-1", at(15)).await.unwrap();
    let again = Orphan {
        kind: OrphanKind::Ended,
        pod: Some(PodId::from_entropy(7)),
        account: Some(AccountId::from_entropy(8)),
        detail: Some("it did not answer".into()),
        ..orphan(1, 20)
    };
    let kept = Orphan {
        first_seen: at(10),
        end_asked: Some(at(15)),
        ..again.clone()
    };
    assert_eq!(store.orphan_saw(&again).await.as_ref(), Ok(&kept));
    assert_eq!(store.orphan_list(Which::Live).await, Ok(vec![kept]));
}

async fn an_end_is_asked_for_by_key_or_foreign_id(database: Database) {
    let store = database.store().await;
    let (one, two) = (orphan(1, 10), orphan(2, 11));
    // A supplier that broke its promise has two of one key.
    let twin = Orphan {
        foreign_id: "machine-1b".into(),
        ..orphan(1, 12)
    };
    for found in [&one, &two, &twin] {
        store.orphan_saw(found).await.unwrap();
    }
    assert_eq!(store.orphan_end_ask("nothing", at(20)).await, Ok(0));
    assert_eq!(store.orphan_end_ask(one.key.as_str(), at(20)).await, Ok(2));
    assert_eq!(store.orphan_end_ask("machine-2", at(30)).await, Ok(1));
    assert_eq!(store.orphan_end_ask("machine-1", at(40)).await, Ok(1));
    let asked = store.orphan_list(Which::Live).await.unwrap();
    let asked: Vec<_> = asked.iter().map(|orphan| orphan.end_asked).collect();
    let (first, second) = (Some(at(20)), Some(at(30)));
    assert_eq!(asked, [first, second, first], "the first asking stands");
}

async fn what_is_gone_is_listed_for_a_while(database: Database) {
    let store = database.store().await;
    let found = orphan(1, 10);
    store.orphan_saw(&found).await.unwrap();
    store.orphan_gone(&found, at(20)).await.unwrap();
    store.orphan_gone(&found, at(30)).await.unwrap();
    assert_eq!(store.orphan_list(Which::Live).await, Ok(Vec::new()));
    let [gone] = store
        .orphan_list(Which::All)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(gone.gone, Some(at(20)), "it is gone once");
    assert_eq!(store.orphan_end_ask("machine-1", at(40)).await, Ok(0));
    // It comes back, and that is a new find.
    let back = store.orphan_saw(&orphan(1, 50)).await.unwrap();
    assert_eq!((back.first_seen, back.gone), (at(50), None));
    store.orphan_gone(&found, at(60)).await.unwrap();
    store.orphans_forget(at(60)).await.unwrap();
    assert_eq!(store.orphan_list(Which::All).await.unwrap().len(), 1);
    store.orphans_forget(at(61)).await.unwrap();
    assert_eq!(store.orphan_list(Which::All).await, Ok(Vec::new()));
}

async fn strays_are_remembered_asked_to_end_and_forgotten(database: Database) {
    let store = database.store().await;
    let stray = |seen| Stray {
        supplier: SupplierName::new("local"),
        host: HostId::from_entropy(1),
        volume: VolumeId::from_entropy(2),
        size: Bytes::gib(3),
        first_seen: at(seen),
        last_seen: at(seen),
        end_asked: None,
        gone: None,
        detail: None,
    };
    let first = stray(10);
    assert_eq!(store.stray_saw(&first).await.as_ref(), Ok(&first));
    let asked = store.stray_end_ask(&first.volume, at(15)).await;
    assert_eq!(asked, Ok(1));
    let again = Stray {
        detail: Some("it is used".into()),
        size: Bytes::gib(4),
        ..stray(20)
    };
    let kept = Stray {
        first_seen: at(10),
        end_asked: Some(at(15)),
        ..again.clone()
    };
    assert_eq!(store.stray_saw(&again).await.as_ref(), Ok(&kept));
    assert_eq!(store.stray_list(Which::Live).await, Ok(vec![kept.clone()]));
    store.stray_gone(&kept, at(30)).await.unwrap();
    assert_eq!(store.stray_list(Which::Live).await, Ok(Vec::new()));
    assert_eq!(store.stray_end_ask(&first.volume, at(31)).await, Ok(0));
    // One that comes back is a new one, and nobody has asked for its end.
    let back = stray(40);
    assert_eq!(store.stray_saw(&back).await.as_ref(), Ok(&back));
    store.stray_gone(&back, at(50)).await.unwrap();
    store.strays_forget(at(50)).await.unwrap();
    assert_eq!(store.stray_list(Which::All).await.unwrap().len(), 1);
    store.strays_forget(at(51)).await.unwrap();
    assert_eq!(store.stray_list(Which::All).await, Ok(Vec::new()));
    database
        .sabotage("INSERT INTO strays (supplier, host, volume_id, size, first_seen, last_seen) VALUES ('local', 'odd', 'odd', 1, 1, 1)")
        .await;
    assert_eq!(store.stray_list(Which::All).await, Ok(Vec::new()));
    let unread = store.stray_unread().await.unwrap();
    assert_eq!(unread[0].id, "odd");
}

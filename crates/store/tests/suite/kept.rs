//! Of what is kept and costs, the last reminder stands for those before it.

use crate::database::{Database, on_both};
use crate::reminders::{notice, store_with, unshown};
use crate::samples::{account, at};
use livery_domain::reminder::{Notice, NoticeKind};
use livery_units::VolumeId;

on_both!(of_a_kept_volume_only_the_last_notice_is_shown);

async fn of_a_kept_volume_only_the_last_notice_is_shown(database: Database) {
    let store = store_with(&database, &[]).await;
    let (one, other) = (VolumeId::from_entropy(1), VolumeId::from_entropy(2));
    let kept = |volume: &VolumeId, days: u64, millis| Notice {
        pod: None,
        kind: NoticeKind::StillKept,
        at: at(millis),
        ..notice(&format!("kept/{volume}/1000/{}", days * 86_400_000))
    };
    for told in [
        kept(&one, 1, 10),
        kept(&other, 1, 20),
        kept(&one, 2, 30),
        kept(&one, 14, 40),
    ] {
        store.notice_add(&told).await.unwrap();
    }
    let lasts = [kept(&other, 1, 20).key, kept(&one, 14, 40).key];
    assert_eq!(unshown(&store, 9_000).await, lasts);
    // What was shown is not shown again because it is the last.
    let keys = lasts.clone();
    store.notice_shown(&account(), &keys, at(50)).await.unwrap();
    assert_eq!(unshown(&store, 9_000).await, Vec::<String>::new());
}
